"""Every micro-kernel by itself against numpy, over all sizes of a block of sums."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from neurobin.exec.kernels import bytewise, counting
from neurobin.exec.kernels.bitwise import bitwise_kernel
from neurobin.exec.kernels.emit import I64, PTR, Module
from neurobin.exec.kernels.jit import SYMBOL, compiler
from neurobin.exec.kernels.machine import BACKENDS, Backend, available
from neurobin.exec.kernels.micro import PANEL, PARAMETERS
from neurobin.exec.kernels.tile_weights import Bits, Bytes, as_bits
from neurobin.exec.kernels.tiles import TILE_ROWS, configuration, tile_kernel

ROWS, PANELS = 64, 4
STEPS = (1, 2, 15, 16, 17, 40)
STEP = 64  # bytes of a row, or bits of a word
C_STRIDE = 4 * PANEL * PANELS
_SLACK = 1 << 14
_UNTOUCHED = 0x5A5A5A5A
BYTES = {
    "vnni": bytewise.VNNI,
    "maddubs": bytewise.MADDUBS,
    "madd512": bytewise.MADD512,
    "madd256": bytewise.MADD256,
    "plain": bytewise.PLAIN,
}
BITS = {"nibbles": counting.NIBBLES, "plain": counting.PLAIN} | {
    f"{way.name}, {cpu}": replace(way, tile=counting.wide_tile(cpu))
    for way in (counting.PAIRS, counting.WORDS)
    for cpu in ("any", "znver4")
}
ON = {
    "vnni": "avx512",
    "maddubs": "avx2",
    "madd512": "avx512",
    "madd256": "avx2",
    "pairs": "avx512",
    "words": "avx512",
    "nibbles": "avx2",
}
SIGNS = list(product((False, True), repeat=2))


def back_end(name: str) -> Backend:
    """The back end of that name, or a skip that says why."""
    wanted = next(backend for backend in BACKENDS if backend.name == name)
    if wanted not in available():
        pytest.skip(f"this CPU cannot run {name} code")
    return wanted


def at_line(values: np.ndarray) -> np.ndarray:
    """The same bytes at a cache line, with slack behind them."""
    raw = np.ascontiguousarray(values).view(np.uint8).reshape(-1)
    room = np.full(len(raw) + _SLACK + 64, 0xA5, np.uint8)
    start = -room.ctypes.data % 64
    room[start : start + len(raw)] = raw
    return room[start:]


class Kernel:
    """A micro-kernel that is called with its parameters by name."""

    def __init__(self, text: str, backend: Backend, height: int = TILE_ROWS) -> None:
        self._height = height
        kinds = [ctypes.c_void_p if kind == PTR else ctypes.c_int64 for kind, _ in PARAMETERS]
        self._call = ctypes.CFUNCTYPE(None, *kinds)(compiler(backend).address(text))
        if backend.name == "amx":
            configure_tiles(backend, height)

    def sums(
        self,
        a: np.ndarray,
        row_bytes: int,
        offsets: np.ndarray,
        b: np.ndarray,
        panel_bytes: int,
        size: tuple[int, int],
        block_bytes: int = 0,
        **more: int,
    ) -> np.ndarray:
        """int32 [2, rows, 16 panels]: the block of sums, and what it is after a call that adds to it."""
        rows, panels = size
        room = -(-rows // ROWS) * ROWS + ROWS
        c = at_line(np.full((room, C_STRIDE // 4), _UNTOUCHED, np.int32))
        number = np.arange(room, dtype=np.int64)
        places = number // ROWS * (block_bytes or ROWS * row_bytes) + number % ROWS * row_bytes
        found = []
        for accumulate in (0, 1):
            values = {
                "a": a.ctypes.data, "places": places.ctypes.data, "a_stride": row_bytes,
                "offsets": offsets.ctypes.data, "steps": len(offsets), "b": b.ctypes.data, "b_stride": panel_bytes,
                "panels": panels, "rows": rows, "c": c.ctypes.data, "c_stride": C_STRIDE, "accumulate": accumulate,
                "factor": 1, "height": self._height,
            } | more  # fmt: skip
            self._call(*(values[name] for _, name in PARAMETERS))
            block = c[: room * C_STRIDE].view(np.int32).reshape(room, -1)
            assert (block[:, panels * PANEL :] == _UNTOUCHED).all(), "sums of panels that were not asked for"
            found.append(block[:rows, : panels * PANEL].copy())
        return np.stack(found)


def configure_tiles(backend: Backend, height: int) -> None:
    """Shapes of the tile registers, for this thread."""
    module = Module()
    f = module.function(SYMBOL, [(PTR, "shapes"), (I64, "unused")])
    f.intrinsic("llvm.x86.ldtilecfg", "void", f.parameters[0])
    shapes = configuration(height)
    ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(compiler(backend).address(str(module)))(shapes.ctypes.data, 0)


def sizes() -> Sequence[tuple[int, int]]:
    """All numbers of rows for some panels, all numbers of panels for some rows."""
    return [*((rows, 1 + rows % PANELS) for rows in range(1, ROWS + 1)), *product((1, 16, 17, 33, 48, 49, 64), (1, 2, 3, 4))]


def check(expected: np.ndarray, run: Callable[[tuple[int, int]], np.ndarray]) -> None:
    """`expected` int64 [64 rows, 64 channels] against the kernel, for every size of block."""
    for rows, panels in sizes():
        found = run((rows, panels))
        wanted = expected[:rows, : panels * PANEL]
        assert np.array_equal(found[0], wanted), (rows, panels)
        assert np.array_equal(found[1], 2 * wanted), (rows, panels, "added")


def numbers(rng: np.random.Generator, signed: bool, shape: tuple[int, ...]) -> np.ndarray:
    """Bytes, the first row at the end of its range that is largest, the second at the other one."""
    low, high = (-128, 127) if signed else (0, 255)
    made = rng.integers(low, high, shape, endpoint=True)
    made[0], made[1] = (low, high) if signed else (high, low)
    return made


def as_bytes(values: np.ndarray) -> np.ndarray:
    return values.astype(np.int16).astype(np.uint8)


def scattered(rng: np.random.Generator, steps: int) -> np.ndarray:
    """Steps of a row in any order, so that offsets are no multiples of their number."""
    return rng.permutation(steps).astype(np.int64)


def tiled(weights: np.ndarray, steps: int) -> np.ndarray:
    """[16 panels, steps of 64 or fewer bytes] as [panels, steps, groups of four, 16 channels, 4]."""
    return weights.reshape(-1, PANEL, steps, weights.shape[1] // steps // 4, 4).transpose(0, 2, 3, 1, 4)


def check_signs(name: str, a_signed: bool, b_signed: bool) -> None:
    """Skips what a way is not for."""
    if not BYTES[name].takes(a_signed, bytewise.Weights(b_signed, 0)):
        pytest.skip(f"{name} multiplies unsigned bytes by signed ones")


def check_bytes(
    kernel: Kernel, a_signed: bool, b_signed: bool, steps: int, seed: int, span: int = STEP, most: int = 255
) -> None:
    """Weights of a magnitude of up to `most`."""
    rng = np.random.default_rng(seed)
    a, w = numbers(rng, a_signed, (ROWS, steps * span)), numbers(rng, b_signed, (PANEL * PANELS, steps * span))
    w = w.clip(-most, most)
    order = scattered(rng, steps)
    row_bytes = steps * span + 64
    rows = np.zeros((ROWS, row_bytes), np.uint8)
    rows[:, : steps * span] = as_bytes(a)
    packed = at_line(as_bytes(tiled(w.reshape(-1, steps, span)[:, order].reshape(w.shape), steps)))
    memory, offsets = at_line(rows), order * span
    check(a @ w.T, lambda size: kernel.sums(memory, row_bytes, offsets, packed, steps * span * PANEL, size))


@pytest.mark.parametrize("tall", [False, True])
@pytest.mark.parametrize(("a_signed", "b_signed"), SIGNS)
def test_tiles(a_signed: bool, b_signed: bool, tall: bool) -> None:
    kernel = Kernel(tile_kernel(a_signed, b_signed, tall=tall), back_end("amx"))
    for steps in STEPS:
        check_bytes(kernel, a_signed, b_signed, steps, steps)


@pytest.mark.parametrize("tall", [False, True])
@pytest.mark.parametrize("height", [1, 7, 13, 15])
@pytest.mark.parametrize("weights", [Bytes, Bits])
def test_lower_tiles(weights: type[Bytes], height: int, tall: bool) -> None:
    """As many rows as up to four tiles of that height have, and not a row more."""
    steps, rng = 9, np.random.default_rng(height)
    kernel = Kernel(tile_kernel(True, True, tall, weights), back_end("amx"), height)
    a, w = numbers(rng, True, (ROWS, steps * STEP)), rng.choice([-1, 1], (PANEL * PANELS, steps * STEP))
    packed = as_bytes(tiled(w, steps)).reshape(PANELS, -1)
    packed = as_bits(packed) if weights is Bits else packed
    memory, b, offsets = at_line(as_bytes(a)), at_line(packed), np.arange(steps) * STEP
    for rows, panels in product(range(1, 4 * height + 1), range(1, PANELS + 1)):
        found = kernel.sums(memory, steps * STEP, offsets, b, packed.shape[1], (rows, panels))
        expected = (a @ w.T)[:rows, : panels * PANEL]
        assert np.array_equal(found[0], expected), (rows, panels)
        assert np.array_equal(found[1], 2 * expected), (rows, panels, "added")


@pytest.mark.parametrize("tall", [False, True])
@pytest.mark.parametrize("steps", [1, 3])
def test_tiles_over_many_rows(steps: int, tall: bool) -> None:
    """64 rows lie together, and the next 64 somewhere behind them."""
    kernel, together, most = Kernel(tile_kernel(True, True, tall=tall), back_end("amx")), 64, 320
    rng = np.random.default_rng(steps)
    a, w = numbers(rng, True, (most, steps * STEP)), numbers(rng, True, (PANEL * PANELS, steps * STEP))
    row_bytes = steps * STEP
    blocks = np.full((most // together, together * row_bytes + 192), 0x77, np.uint8)
    blocks[:, : together * row_bytes] = as_bytes(a).reshape(len(blocks), -1)
    memory, packed, offsets = at_line(blocks), at_line(as_bytes(tiled(w, steps))), np.arange(steps) * STEP
    for rows, panels in product((65, 96, 112, 113, 128, 129, 144, 208, 209, 224, 225, 256, 303), range(1, PANELS + 1)):
        found = kernel.sums(memory, row_bytes, offsets, packed, steps * 1024, (rows, panels), blocks.shape[1])
        expected = (a @ w.T)[:rows, : panels * PANEL]
        assert np.array_equal(found[0], expected), (rows, panels)
        assert np.array_equal(found[1], 2 * expected), (rows, panels, "added")


@pytest.mark.parametrize("tall", [False, True])
@pytest.mark.parametrize("a_signed", [False, True])
@pytest.mark.parametrize("steps", [*STEPS, 3, 4, 5, 7, 8, 9])
def test_tiles_with_weights_as_bits(steps: int, a_signed: bool, tall: bool) -> None:
    kernel = Kernel(tile_kernel(a_signed, True, tall, Bits), back_end("amx"))
    rng = np.random.default_rng(steps)
    a, w = numbers(rng, a_signed, (ROWS, steps * STEP)), rng.choice([-1, 1], (PANEL * PANELS, steps * STEP))
    packed = as_bits(tiled(w, steps).reshape(PANELS, -1))
    memory, weights, offsets = at_line(as_bytes(a)), at_line(packed), np.arange(steps) * STEP
    check(a @ w.T, lambda size: kernel.sums(memory, steps * STEP, offsets, weights, packed.shape[1], size))


@pytest.mark.parametrize(("a_signed", "b_signed"), SIGNS)
@pytest.mark.parametrize("name", sorted(BYTES))
def test_bytes(name: str, a_signed: bool, b_signed: bool) -> None:
    check_signs(name, a_signed, b_signed)
    kernel = Kernel(bytewise.bytewise_kernel(BYTES[name], a_signed, b_signed), back_end(ON.get(name, "generic")))
    for steps in STEPS:
        check_bytes(kernel, a_signed, b_signed, steps, steps, most=BYTES[name].most or 255)


def words(bits: np.ndarray, paired: bool) -> np.ndarray:
    """uint32 [..., 2 steps] of bits [..., 64 steps]; of a pair the second is the exclusive or of both."""
    made = np.packbits(bits.astype(np.uint8), axis=-1, bitorder="little").view("<u4").copy()
    if paired:
        made[..., 1::2] ^= made[..., 0::2]
    return made


@pytest.mark.parametrize("span", [4, 8, 12, 36, 60])
@pytest.mark.parametrize(("a_signed", "b_signed"), SIGNS)
@pytest.mark.parametrize("name", sorted(BYTES))
def test_steps_of_few_bytes(name: str, a_signed: bool, b_signed: bool, span: int) -> None:
    check_signs(name, a_signed, b_signed)
    text = bytewise.bytewise_kernel(BYTES[name], a_signed, b_signed, span)
    kernel = Kernel(text, back_end(ON.get(name, "generic")))
    for steps in (1, 2, 17):
        check_bytes(kernel, a_signed, b_signed, steps, steps, span, BYTES[name].most or 255)


def interleaved(made: np.ndarray, steps: int) -> np.ndarray:
    """[16 panels, 2 steps] as [panels, steps, 2, 16 channels]."""
    return made.reshape(-1, PANEL, steps, 2).transpose(0, 2, 3, 1)


@pytest.mark.parametrize("factor", [1, -3])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", sorted(BITS))
def test_bits(name: str, masked: bool, factor: int) -> None:
    """The first row differs from the first channel everywhere, the second from none."""
    way = BITS[name]
    paired = way.paired
    if paired and masked:
        pytest.skip("pairs have no masks")
    kernel = Kernel(bitwise_kernel(way, masked), back_end(ON.get(way.name, "generic")))
    for steps in STEPS:
        rng = np.random.default_rng(steps)
        a, w = rng.integers(0, 2, (ROWS, steps * STEP)), rng.integers(0, 2, (PANEL * PANELS, steps * STEP))
        a[0], a[1] = 1 - w[0], w[0]
        m = rng.integers(0, 2, w.shape) if masked else np.ones_like(w)
        m[0] = 1
        order = scattered(rng, steps)
        parts = [interleaved(words(w.reshape(-1, steps, STEP)[:, order].reshape(w.shape), paired), steps)]
        if masked:
            parts.append(interleaved(words(m.reshape(-1, steps, STEP)[:, order].reshape(w.shape), False), steps))
        packed = np.concatenate(parts, axis=2)
        memory, weights, offsets = at_line(words(a, paired)), at_line(packed), order * 8
        expected = factor * ((a @ (m * (1 - w)).T) + ((1 - a) @ (m * w).T))
        panel_bytes = packed.nbytes // PANELS
        check(expected, lambda size: kernel.sums(memory, steps * 8, offsets, weights, panel_bytes, size, factor=factor))  # noqa: B023
