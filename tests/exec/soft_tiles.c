/* The tile registers of AMX in software, for CPUs without them. Every thread has its own, as on hardware.

   Palette 1: eight tiles of up to 16 rows of up to 64 bytes. What the hardware refuses ends the process: another palette,
   shapes beyond that, tiles that are not configured, and products of shapes that do not meet (Intel SDM, volume 1,
   chapter 18, and the instructions' pages). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TILES = 8, ROWS = 16, BYTES = 64 };

static __thread struct {
    uint8_t rows[TILES];
    uint16_t bytes[TILES];
    uint8_t data[TILES][ROWS][BYTES];
} state;

static void require(int holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "soft tiles: %s\n", what);
        abort();
    }
}

static int known(uint8_t tile) {
    require(tile < TILES && state.rows[tile] && state.bytes[tile], "a tile that is not configured");
    return tile;
}

void soft_tilerelease(void) { memset(&state, 0, sizeof state); }

void soft_ldtilecfg(const uint8_t *shapes) {
    require(shapes[0] == 1, "a palette other than 1");
    soft_tilerelease();
    for (int tile = 0; tile < TILES; tile++) {
        memcpy(&state.bytes[tile], shapes + 16 + 2 * tile, 2);
        state.rows[tile] = shapes[48 + tile];
        require(state.rows[tile] <= ROWS && state.bytes[tile] <= BYTES, "a tile of more than 16 rows of 64 bytes");
    }
}

void soft_tilezero(uint8_t tile) { memset(state.data[known(tile)], 0, ROWS * BYTES); }

void soft_tileloadd64(uint8_t tile, const uint8_t *from, int64_t stride) {
    soft_tilezero(tile);
    for (int row = 0; row < state.rows[tile]; row++)
        memcpy(state.data[tile][row], from + row * stride, state.bytes[tile]);
}

void soft_tilestored64(uint8_t tile, uint8_t *to, int64_t stride) {
    for (int row = 0; row < state.rows[known(tile)]; row++)
        memcpy(to + row * stride, state.data[tile][row], state.bytes[tile]);
}

/* Sums [m, n] += products of four bytes of row m of a and of b's row k, column n, over all k. */
#define PRODUCT(name, a_type, b_type)                                                                                     \
    void soft_##name(uint8_t sums, uint8_t a, uint8_t b) {                                                                \
        int rows = state.rows[known(sums)], columns = state.bytes[sums] / 4, depth = state.bytes[known(a)] / 4;           \
        require(state.rows[a] == rows && state.rows[known(b)] == depth && state.bytes[b] == 4 * columns,                  \
                "a product of shapes that do not meet");                                                                  \
        require(sums != a && sums != b && a != b, "a product of a tile with itself");                                     \
        for (int m = 0; m < rows; m++) {                                                                                  \
            int32_t total[BYTES / 4];                                                                                     \
            memcpy(total, state.data[sums][m], sizeof total);                                                             \
            for (int k = 0; k < depth; k++) {                                                                             \
                const a_type *left = (const a_type *)state.data[a][m] + 4 * k;                                            \
                const b_type *right = (const b_type *)state.data[b][k];                                                   \
                for (int n = 0; n < columns; n++)                                                                         \
                    for (int byte = 0; byte < 4; byte++)                                                                  \
                        total[n] = (int32_t)((uint32_t)total[n] + (uint32_t)(left[byte] * right[4 * n + byte]));          \
            }                                                                                                             \
            memcpy(state.data[sums][m], total, sizeof total);                                                             \
        }                                                                                                                 \
    }

PRODUCT(tdpbssd, int8_t, int8_t)
PRODUCT(tdpbsud, int8_t, uint8_t)
PRODUCT(tdpbusd, uint8_t, int8_t)
PRODUCT(tdpbuud, uint8_t, uint8_t)
