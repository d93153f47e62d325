"""Micro-kernels by themselves: a block of sums from operands in the nearest caches, against the limit of their arithmetic.

Native code calls them again and again on random operands, and their sums are compared with numpy's.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurobin.errors import MismatchError
from neurobin.exec.kernels import bytewise, counting, machine
from neurobin.exec.kernels.bitwise import bitwise_kernel
from neurobin.exec.kernels.bytewise import bytewise_kernel
from neurobin.exec.kernels.emit import I64, PTR, Module
from neurobin.exec.kernels.jit import SYMBOL, compiler
from neurobin.exec.kernels.layout import spread
from neurobin.exec.kernels.micro import BLOCK_ROWS, PANEL, PARAMETERS, STEP
from neurobin.exec.kernels.tile_weights import TILE_BYTES
from neurobin.exec.kernels.tiles import TILE_ROWS, configuration, tile_kernel
from neurobin.exec.limits import rates
from neurobin.exec.limits.operands import BitForm, ByteForm, Form, Shape
from neurobin.exec.limits.rates import against
from neurobin.exec.limits.timing import Run, race
from neurobin.exec.plan.memory import lined
from neurobin.ir import Json

CHANNELS = 64
FORMULA = "2 x rows x 64 channels x terms / time"

_PANELS = CHANNELS // PANEL
_BEHIND = 8 * TILE_BYTES  # bytes that kernels may read behind an operand
_WIDTH = 58  # of a map of 56 columns with its border
MATRICES = tuple(Shape(f"matrix, {depth}", depth) for depth in (256, 1024, 4096))
WINDOW = Shape("3x3 window, 64", 64, tuple(_WIDTH * y + x for y in range(3) for x in range(3)))
SHAPES = (WINDOW, *MATRICES)


@dataclass(frozen=True)
class Kernel:
    """A micro-kernel: the back end that has it, the limit it is held against, the form of its operands, and its module."""

    name: str
    back_end: str
    limit: str
    rows_together: int
    form: Form
    text: Callable[[], str]

    @property
    def rows(self) -> int:
        """As many rows of a block as it computes at full speed."""
        return BLOCK_ROWS // self.rows_together * self.rows_together


def _bytes(name: str, back_end: str, limit: str, way: bytewise.Way, signed: bool = True) -> Kernel:
    return Kernel(name, back_end, limit, way.rows, ByteForm(signed), lambda: bytewise_kernel(way, signed, True))


def _bits(name: str, back_end: str, limit: str, way: counting.Way, masked: bool = False) -> Kernel:
    form = BitForm(way.paired, masked)
    return Kernel(name, back_end, limit, way.rows, form, lambda: bitwise_kernel(way, masked, True))


KERNELS = (
    Kernel("tiles, 4 x 1", "amx", "tiles", BLOCK_ROWS, ByteForm(), lambda: tile_kernel(True, True)),
    Kernel("tiles, 2 x 2", "amx", "tiles", BLOCK_ROWS, ByteForm(), lambda: tile_kernel(True, True, tall=False)),
    _bytes("int8 dot products", "avx512", "vnni", bytewise.VNNI, signed=False),
    _bytes("int16 dot products", "avx512", "vnni16", bytewise.MADD512),
    _bits("pairs", "avx512", "pair", counting.PAIRS),
    _bits("words", "avx512", "triple", counting.WORDS),
    _bits("words, masked", "avx512", "triple", counting.WORDS, masked=True),
    _bytes("int8 multiply-add 256", "avx2", "maddubs", bytewise.MADDUBS, signed=False),
    _bytes("int16 multiply-add 256", "avx2", "madd256", bytewise.MADD256),
    _bits("nibbles", "avx2", "nibbles", counting.NIBBLES),
    _bits("nibbles, masked", "avx2", "nibbles", counting.NIBBLES, masked=True),
    _bytes("plain products", "generic", "madd128", bytewise.PLAIN),
    _bits("plain popcount", "generic", "any popcount", counting.PLAIN),
    _bits("plain popcount, masked", "generic", "any popcount", counting.PLAIN, masked=True),
)
# Masked bits are ternary weights, the others of the same back end binary ones.
TERNARY_BINARY = (("words, masked", "pairs"), ("words, masked", "words"), ("nibbles, masked", "nibbles"),
                  ("plain popcount, masked", "plain popcount"))  # fmt: skip


def find(name: str) -> Kernel:
    return next(kernel for kernel in KERNELS if kernel.name == name)


def runs_here(kernel: Kernel) -> bool:
    """Whether this CPU has its back end."""
    return kernel.back_end in {b.name for b in machine.available()}


@dataclass(frozen=True)
class Reached:
    """What a kernel reaches: the best turn of a block of sums. `share` is None where its limit does not exist here."""

    kernel: Kernel
    shape: Shape
    operand_bytes: int
    best_s: float
    share: float | None

    @property
    def ops_per_s(self) -> float:
        return 2 * self.kernel.rows * CHANNELS * self.shape.terms / self.best_s

    def to_dict(self) -> dict[str, Json]:
        kernel, shape = self.kernel, self.shape
        return {
            "kernel": kernel.name, "backend": kernel.back_end, "operands": shape.name, "operand_bytes": self.operand_bytes,
            "rows": kernel.rows, "channels": CHANNELS, "terms": shape.terms, "time_s": self.best_s, "unit": "op/s",
            "formula": FORMULA, "ops_per_s": self.ops_per_s, "limit": kernel.limit, "share": self.share,
        }  # fmt: skip


def reached(kernel: Kernel, shape: Shape) -> Reached:
    """The speed of a kernel whose back end runs here. Raises MismatchError where its sums are wrong."""
    block = Block(kernel, shape)
    block.check()
    best_s, share = against(rates.find(kernel.limit), kernel.rows * CHANNELS * shape.terms, block.run)
    return Reached(kernel, shape, block.operand_bytes, best_s, share)


def faster(first: Kernel, second: Kernel, shape: Shape) -> float:
    """How many operations per second the first does for one of the second, in turns."""
    times = race(Block(second, shape).run, Block(first, shape).run).ratio
    return times * first.rows / second.rows


_AGAIN = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)


class Block:
    """Operands of a kernel in memory, and the native call `run` that computes their block of sums so many times."""

    def __init__(self, kernel: Kernel, shape: Shape) -> None:
        self.kernel, self.shape = kernel, shape
        places, weights, self.expected = kernel.form.operands(kernel.rows, CHANNELS, shape, np.random.default_rng(0))
        self.operand_bytes = places.nbytes + weights.nbytes
        stride, step = spread(places.shape[1]), places.shape[1] * STEP // shape.depth
        padded = np.zeros((len(places) + BLOCK_ROWS - kernel.rows, stride), np.uint8)
        padded[: len(places), : places.shape[1]] = places
        offsets = np.add.outer(np.array(shape.taps) * stride, np.arange(0, places.shape[1], step)).astype("<i8")
        self.sums = _aligned(np.zeros((BLOCK_ROWS, CHANNELS), np.int32))
        rows = np.arange(BLOCK_ROWS, dtype=np.int64) * stride
        memory = [_aligned(part) for part in (padded, rows, offsets, weights, configuration())]
        (a, row, offset, b, tiles), c = (part.ctypes.data for part in memory), self.sums.ctypes.data
        code = compiler(machine.backend(kernel.back_end))
        arguments = (
            a,
            row,
            stride,
            offset,
            offsets.size,
            b,
            weights.nbytes // _PANELS,
            _PANELS,
            kernel.rows,
            c,
            4 * CHANNELS,
        )
        table = np.array([tiles, code.address(kernel.text()), *arguments, 0, 1, TILE_ROWS], np.int64)
        call, place = _AGAIN(code.address(_again(kernel.back_end == "amx"))), table.ctypes.data

        def run(count: int, _kept: object = (memory, self.sums, table)) -> None:
            call(place, count)

        self.run: Run = run

    def check(self) -> None:
        """Raises MismatchError where sums are not numpy's."""
        self.run(1)
        wrong = int((self.sums[: self.kernel.rows] != self.expected).sum())
        if wrong:
            where = f"micro-kernel {self.kernel.name!r}, {self.shape.name}"
            raise MismatchError(f"{wrong} of {self.expected.size} sums differ from numpy's", where=where)


def _again(tiles: bool) -> str:
    """The module that calls a micro-kernel `count` times: its table holds the tiles' configuration, code and arguments."""
    module = Module()
    f = module.function(SYMBOL, ((PTR, "table"), (I64, "count")))
    table, count = f.parameters
    kinds = (PTR, PTR, *(kind for kind, _ in PARAMETERS))
    settings, code, *arguments = (table.at(8 * k).load(kind, 8) for k, kind in enumerate(kinds))
    if tiles:
        f.intrinsic("llvm.x86.ldtilecfg", "void", settings)
    with f.loop(0, count):
        f.call(code, *arguments)
    if tiles:
        f.intrinsic("llvm.x86.tilerelease", "void")
    return str(module)


def _aligned(array: np.ndarray) -> np.ndarray:
    """A copy that begins at a cache line, with zeros behind it."""
    made = lined(array.nbytes + _BEHIND)[: array.nbytes].view(array.dtype).reshape(array.shape)
    made[...] = array
    return made
