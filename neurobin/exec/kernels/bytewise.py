"""Byte products on vector units: a row's four bytes, repeated, against four bytes of each of 16 channels.

vnni     four products and sums per instruction; rows unsigned, weights signed (AVX-512 VNNI)
maddubs  two products and their sum in 16 bits, which hold 2 x 255 x 64: rows unsigned, weights from -64 to 64 (AVX2)
madd     bytes of any sign widened to 16 bits, products added in pairs, in vectors as wide as the CPU has them; no sum of
         two products leaves 32 bits. Where there is an instruction for pairs and their sum (`vpdpwssd`), LLVM finds it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from neurobin.exec.kernels.emit import Function, Module, Value, assign, vector
from neurobin.exec.kernels.micro import PANEL, STEP, Micro

GROUP = 4  # bytes of a row that meet as many of each channel


@dataclass(frozen=True)
class Weights:
    """What is known of bytes of weights: whether they are signed, and the largest magnitude."""

    signed: bool
    largest: int


@dataclass(frozen=True)
class Way:
    """How a group of four bytes is multiplied: `rows` at a time, sums of a panel as `sums` vectors of type `kind`.

    Where there is a `most`, rows must be unsigned, and weights signed and of no larger magnitude.
    """

    name: str
    rows: int
    sums: int
    kind: str
    row_operand: Callable[[Function, Value, bool], Value]
    weight_operands: Callable[[Function, Value, bool], list[Value]]
    add_products: Callable[[Function, list[Value], Value, list[Value]], list[Value]]
    total: Callable[[list[Value]], Value]  # <16 x i32> of the panel's sums
    most: int | None = None

    def takes(self, a_signed: bool, weights: Weights) -> bool:
        return self.most is None or (weights.signed and not a_signed and weights.largest <= self.most)


def bytewise_kernel(way: Way, a_signed: bool, b_signed: bool, span: int = STEP) -> str:
    """The module of the micro-kernel for signed or unsigned bytes, whose steps read `span` of them, whole groups."""
    module = Module()
    m = Micro(module)
    f, groups = m.f, m.f.constant(span // GROUP)
    if span > GROUP:
        groups = groups.hidden()  # LLVM would unroll short loops, and run out of registers
    with f.loop(0, m.rows, way.rows) as row:
        starts = [m.row(row + r) for r in range(way.rows)]
        with f.loop(0, m.panels) as panel:
            b = m.b.at(panel * m.b_stride)
            zero = f.constant(0, way.kind)
            sums = [[f.variable(zero) for _ in range(way.sums)] for _ in range(way.rows)]
            with f.loop(0, m.steps) as step:
                offset = m.offset(step)
                rows = [start.at(offset) for start in starts]
                with f.loop(0, groups) as group:
                    weights = way.weight_operands(f, b.at(step * (span * PANEL) + group * (GROUP * PANEL)), b_signed)
                    for place, row_sums in zip(rows, sums, strict=True):
                        x = way.row_operand(f, place.at(group * GROUP), a_signed)
                        assign(row_sums, way.add_products(f, [total.get() for total in row_sums], x, weights))
            c = m.place(row, panel)
            for row_sums in sums:
                value = way.total([total.get() for total in row_sums])
                old = m.accumulate.compare("eq", 0).choose(f.constant(0, value.kind), c.load(value.kind, 4))
                c.store(old + value, 4)
                c = c.at(m.c_stride)
    return str(module)


_I32 = vector(PANEL, "i32")


def _vnni() -> Way:
    def add(f: Function, sums: list[Value], x: Value, w: list[Value]) -> list[Value]:
        return [f.intrinsic("llvm.x86.avx512.vpdpbusd.512", _I32, sums[0], x, w[0])]

    return Way(
        "vnni", 20, 1, _I32,
        lambda f, place, signed: place.load("i32").splat(PANEL),
        lambda f, place, signed: [place.load(_I32, 64)],
        add,
        lambda sums: sums[0],
        most=128,
    )  # fmt: skip


def _maddubs() -> Way:
    bytes_, pairs, sums = vector(2 * PANEL, "i8"), vector(PANEL, "i16"), vector(PANEL // 2, "i32")  # of eight channels

    def add(f: Function, totals: list[Value], x: Value, weights: list[Value]) -> list[Value]:
        made = [f.intrinsic("llvm.x86.avx2.pmadd.ub.sw", pairs, x, w) for w in weights]
        ones = f.constant(1, pairs)
        return [t + f.intrinsic("llvm.x86.avx2.pmadd.wd", sums, m, ones) for t, m in zip(totals, made, strict=True)]

    return Way(
        "maddubs", 4, 2, sums,
        lambda f, place, signed: place.load("i32").splat(PANEL // 2).cast(bytes_),
        lambda f, place, signed: [place.at(2 * PANEL * k).load(bytes_, 32) for k in range(2)],
        add,
        lambda totals: totals[0].shuffled(range(PANEL), totals[1]),
        most=64,
    )  # fmt: skip


def _madd(channels: int, rows: int) -> Way:
    """`channels` of a panel per vector: each takes two 32-bit lanes, the sums of an even and an odd pair.

    Written as products of widened lanes and sums of neighbours, which LLVM makes one instruction of where there is one.
    """
    lanes, kind = 4 * channels, vector(2 * channels, "i32")

    def row_operand(f: Function, place: Value, signed: bool) -> Value:
        return place.load("<4 x i8>").resized(16, signed=signed).shuffled([k % 4 for k in range(lanes)])

    def weight_operands(f: Function, place: Value, signed: bool) -> list[Value]:
        parts = [place.at(lanes * k).load(vector(lanes, "i8"), lanes) for k in range(PANEL // channels)]
        return [part.resized(16, signed=signed) for part in parts]

    def add(f: Function, sums: list[Value], x: Value, weights: list[Value]) -> list[Value]:
        products = [x.resized(32) * w.resized(32) for w in weights]
        return [total + _neighbours(product, lanes) for total, product in zip(sums, products, strict=True)]

    def total(sums: list[Value]) -> Value:
        parts, size = [_neighbours(s, 2 * channels) for s in sums], channels
        while len(parts) > 1:
            size *= 2
            parts = [a.shuffled(range(size), b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
        return parts[0]

    return Way("madd", rows, PANEL // channels, kind, row_operand, weight_operands, add, total)


def _neighbours(values: Value, lanes: int) -> Value:
    """Even lanes plus odd lanes."""
    return values.shuffled(range(0, lanes, 2)) + values.shuffled(range(1, lanes, 2))


VNNI, MADDUBS, MADD512, MADD256, PLAIN = _vnni(), _maddubs(), _madd(8, 6), _madd(4, 3), _madd(4, 2)
