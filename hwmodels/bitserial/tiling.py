"""One matrix product on the array: tiles, stripes, traffic, and splitting K where a stripe or the accumulator is too small.

All formulas are BISMO's (bismo_rt_matmul.cpp, BitSerialMatMulAccelDriver.hpp): operands are padded to whole tiles, the
RHS is read once, the LHS again for every column of tiles, every result is written as a 32-bit word.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hwmodels.bitserial.chip import BYTE_BITS, BitSerialChip


@dataclass(frozen=True)
class Gemm:
    """C[M, N] = LHS[M, K] RHS[N, K]^T in `lhs_bits` x `rhs_bits` planes, on an array of dm x dk x dn."""

    m: int
    k: int
    n: int
    lhs_bits: int
    rhs_bits: int
    dm: int
    dk: int
    dn: int
    result_bytes: int

    @property
    def tiles_m(self) -> int:
        return -(-self.m // self.dm)

    @property
    def tiles_k(self) -> int:
        return -(-self.k // self.dk)

    @property
    def tiles_n(self) -> int:
        return -(-self.n // self.dn)

    @property
    def plane_pairs(self) -> int:
        return self.lhs_bits * self.rhs_bits

    @property
    def binops(self) -> int:
        """Binary operations of the product itself ("actual")."""
        return 2 * self.m * self.k * self.n * self.plane_pairs

    @property
    def padded_binops(self) -> int:
        """Binary operations of the padded tiles ("total"): what the array does."""
        return 2 * self.dpa_cycles * self.dm * self.dk * self.dn

    @property
    def dpa_cycles(self) -> int:
        """Cycles in which the array takes in operands, without filling and draining its pipeline."""
        return self.tiles_m * self.tiles_n * self.tiles_k * self.plane_pairs

    @property
    def lhs_stripe_bytes(self) -> int:
        """All planes of one row of tiles."""
        return self.lhs_bits * self.tiles_k * self.dm * self.dk // BYTE_BITS

    @property
    def rhs_stripe_bytes(self) -> int:
        """All planes of one column of tiles."""
        return self.rhs_bits * self.tiles_k * self.dn * self.dk // BYTE_BITS

    @property
    def lhs_bytes(self) -> int:
        """The padded LHS operand in DRAM."""
        return self.tiles_m * self.lhs_stripe_bytes

    @property
    def rhs_bytes(self) -> int:
        """The padded RHS operand in DRAM."""
        return self.tiles_n * self.rhs_stripe_bytes

    @property
    def lhs_read_bytes(self) -> int:
        """Read from DRAM, once per column of tiles."""
        return self.lhs_bytes * self.tiles_n

    @property
    def rhs_read_bytes(self) -> int:
        return self.rhs_bytes

    @property
    def tile_bytes(self) -> int:
        """Results of one tile."""
        return self.dm * self.dn * self.result_bytes

    @property
    def written_bytes(self) -> int:
        return self.tiles_m * self.tiles_n * self.tile_bytes


def gemm(chip: BitSerialChip, m: int, k: int, n: int, lhs_bits: int, rhs_bits: int) -> Gemm:
    """The product on this chip, before any splitting."""
    return Gemm(m, k, n, lhs_bits, rhs_bits, chip.dm, chip.dk, chip.dn, int(chip.port.result.value))


@dataclass(frozen=True)
class Depth:
    """How many tiles of K one pass may take, by each limit."""

    lhs: int
    rhs: int
    accumulator: int

    @property
    def tiles(self) -> int:
        return min(self.lhs, self.rhs, self.accumulator)


def depth(chip: BitSerialChip, whole: Gemm) -> Depth:
    """The limits on K per pass: regions * stripe <= memory, stripe <= limit, and no sum beyond the accumulator.

    The planes of codes c < 2^w and d < 2^a make partial sums of at most K (2^w - 1)(2^a - 1) in any order.
    """
    regions, limit = int(chip.buffers.regions.value), int(chip.buffers.stripe_limit.value)
    one = replace(whole, k=1)
    largest = 2 ** (int(chip.array.accumulator.value) - 1) - 1
    per_bit = (2**whole.lhs_bits - 1) * (2**whole.rhs_bits - 1)
    return Depth(
        lhs=min(chip.lhs_bytes // regions, limit) // one.lhs_stripe_bytes,
        rhs=min(chip.rhs_bytes // regions, limit) // one.rhs_stripe_bytes,
        accumulator=largest // (per_bit * whole.dk),
    )


def passes(chip: BitSerialChip, whole: Gemm) -> tuple[Gemm, ...]:
    """The product as one or more passes over slices of K, as equal as tiles allow; () when not even one tile fits.

    Each pass starts with cleared accumulators (its planes need their own shifts), so the passes' results are summed by
    the vector unit.
    """
    most = depth(chip, whole).tiles
    if most < 1:
        return ()
    count = -(-whole.tiles_k // most)
    share = -(-whole.tiles_k // count) * whole.dk
    return tuple(replace(whole, k=min(share, whole.k - start)) for start in range(0, whole.k, share))
