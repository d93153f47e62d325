"""Bit products by popcount: a row's 64-bit word, repeated, against one word of each of 16 channels.

A step is two 32-bit words. With pc = popcount of the positions where the signs differ,

    two-valued weights      pc(a ^ w)
    three-valued weights    pc(m & (a ^ w)), m marking the weights that are not 0

and a dot product is a constant of its channel minus a multiple of pc (`bit_product.py`). Ways, best first:

`pairs`   Both operands hold (x1, x1 ^ x2) for each pair of words (x1, x2). With x = a ^ w and a running plane s of weight 1,
          s' = s ^ a12 ^ w12 leaves the carry, of weight 2, equal to x where s = s', else to s: five instructions, one
          of them a popcount, for two words instead of six (AVX-512, three-input logic).
`words`   xor, popcount, add; with a mask, one three-input logic instruction in place of the xor (AVX-512).
`nibbles` AVX2 has no popcount: a table of 16 counts, summed in bytes, which 15 words cannot overflow.
`plain`   LLVM's `ctpop` on any CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from neurobin.exec.kernels.emit import Function, Module, Value, Variable, assign, vector
from neurobin.exec.kernels.machine import cpu
from neurobin.exec.kernels.micro import PANEL, Micro

_I32 = vector(PANEL, "i32")
_WORD_BYTES = 4 * PANEL  # one 32-bit word of each channel of a panel
XOR3, _SAME_ELSE, _AND_XOR = 0x96, 0xB2, 0x28  # truth tables of three-input logic


@dataclass(frozen=True)
class Sum:
    """One of the sums that a step adds to: its values so far, the two words of its row (x), and those of its panel (w),
    with their masks or none."""

    values: list[Value]
    x: tuple[Value, Value]
    w: list[Value]
    masks: list[Value]


@dataclass(frozen=True)
class Tile:
    """How many sums a kernel holds in registers, those of `rows` times `panels`, and how many of them take an instruction
    before the next one."""

    rows: int
    panels: int
    together: int = 1


# Tiles of 512-bit registers by CPU. Zen 4 seems to bind instructions to its four 256-bit pipes as they come: it is faster
# where four of a kind follow each other (measured: pairs by 8 %, masked words by 6 %).
_TILE, _TILES = Tile(6, 2), {"znver4": Tile(4, 2, 4)}


def wide_tile(cpu_name: str) -> Tile:
    """The tile of 512-bit registers for a CPU, by LLVM's name of it."""
    return _TILES.get(cpu_name, _TILE)


@dataclass(frozen=True)
class Way:
    """How words are counted.

    A sum has so many `values`; `step` makes its new ones, and `total` int32 counts of the last. `limit` is how many steps
    they hold before they must be added up. `paired` operands hold (x1, x1 ^ x2).
    """

    name: str
    tile: Tile
    values: int
    kind: str
    step: Callable[[Function, list[Sum]], list[list[Value]]]
    total: Callable[[Function, list[Value]], Value]
    limit: int | None = None
    paired: bool = False

    @property
    def rows(self) -> int:
        return self.tile.rows


def bitwise_kernel(way: Way, masked: bool, alone: bool = False) -> str:
    """The module of the micro-kernel for weights of two values, or, `masked`, of three.

    One that is `alone` in its layer leaves counts as they are and takes no notice of `accumulate` and `factor`.
    """
    return _Bitwise(way, masked, alone).text()


class _Bitwise:
    def __init__(self, way: Way, masked: bool, alone: bool) -> None:
        self.module, self.way, self.masked, self.alone = Module(), way, masked, alone
        self.m = Micro(self.module)
        self.f = self.m.f

    def text(self) -> str:
        f, m, together = self.f, self.m, self.way.tile.panels
        with f.loop(0, m.rows, self.way.rows) as row:
            whole = m.panels - m.panels % together
            with f.loop(0, whole, together) as panel:
                self._tile(row, panel, together)
            if together > 1:
                with f.loop(whole, m.panels) as panel:
                    self._tile(row, panel, 1)
        return str(self.module)

    def _tile(self, row: Value, panel: Value, panels: int) -> None:
        """The sums of a tile, as many steps at a time as they hold."""
        f, m, limit = self.f, self.m, self.way.limit
        rows = [m.row(row + r) for r in range(self.way.rows)]
        bs = [m.b.at(panel * m.b_stride)]
        for _ in range(panels - 1):
            bs.append(bs[-1].at(m.b_stride))
        zero = f.constant(0, self.way.kind)
        if limit is None:
            self._store(row, panel, f.constant(0), self._counted(rows, bs, f.constant(0), m.steps, zero))
        else:
            with f.loop(0, m.steps, limit) as start:
                self._store(row, panel, start, self._counted(rows, bs, start, (start + limit).minimum(m.steps), zero))

    def _counted(
        self, rows: list[Value], bs: list[Value], start: Value, stop: Value, zero: Value
    ) -> list[list[list[Variable]]]:
        """The values of the sums of each row and panel over steps `start` to `stop`."""
        f, m, way = self.f, self.m, self.way
        step_bytes = _WORD_BYTES * (4 if self.masked else 2)
        sums = [[[f.variable(zero) for _ in range(way.values)] for _ in bs] for _ in range(way.rows)]
        with f.loop(start, stop) as step:
            weights = [_words(b.at(step * step_bytes), self.masked) for b in bs]
            waiting: list[tuple[list[Variable], Sum]] = []
            offset = m.offset(step)
            for place, row_sums in zip([row.at(offset) for row in rows], sums, strict=True):
                x = (place.load("i32", 4).splat(PANEL), place.at(4).load("i32", 4).splat(PANEL))
                for own, (w, masks) in zip(row_sums, weights, strict=True):
                    waiting.append((own, Sum([v.get() for v in own], x, w, masks)))
                    if len(waiting) == way.tile.together:
                        self._add(waiting)
            self._add(waiting)
        return sums

    def _add(self, waiting: list[tuple[list[Variable], Sum]]) -> None:
        """A step of the sums that wait for it."""
        for (own, _), made in zip(waiting, self.way.step(self.f, [s for _, s in waiting]), strict=True):
            assign(own, made)
        waiting.clear()

    def _store(self, row: Value, panel: Value, start: Value, sums: list[list[list[Variable]]]) -> None:
        f, m = self.f, self.m
        is_old = (start if self.alone else m.accumulate | start).compare("ne", 0)
        factor = m.factor.resized(32).splat(PANEL)
        for r, row_sums in enumerate(sums):
            for p, own in enumerate(row_sums):
                place = m.place(row + r, panel + p)
                old = is_old.choose(place.load(_I32, 4), f.constant(0, _I32))
                counts = self.way.total(f, [v.get() for v in own])
                place.store(old + (counts if self.alone else factor * counts), 4)


def _words(place: Value, masked: bool) -> tuple[list[Value], list[Value]]:
    """The two words of a step of all channels of a panel, and their masks."""
    loaded = [place.at(_WORD_BYTES * k).load(_I32, 64) for k in range(4 if masked else 2)]
    return loaded[:2], loaded[2:]


def logic(f: Function, table: int, a: Value, b: Value, c: Value) -> Value:
    return f.intrinsic("llvm.x86.avx512.pternlog.d.512", _I32, a, b, c, f"i32 {table}")


def _count(f: Function, x: Value) -> Value:
    return f.intrinsic("llvm.ctpop.v16i32", _I32, x)


def _pairs() -> Way:
    def step(f: Function, sums: list[Sum]) -> list[list[Value]]:
        after = [logic(f, XOR3, s.values[1], s.x[1], s.w[1]) for s in sums]
        differ = [s.x[0] ^ s.w[0] for s in sums]
        carries = [logic(f, _SAME_ELSE, s.values[1], *both) for s, *both in zip(sums, after, differ, strict=True)]
        counts = [_count(f, carry) for carry in carries]
        return [[s.values[0] + count, ones] for s, count, ones in zip(sums, counts, after, strict=True)]

    return Way("pairs", wide_tile(cpu()), 2, _I32, step, lambda f, v: v[0] + v[0] + _count(f, v[1]), paired=True)


def _words_way() -> Way:
    def step(f: Function, sums: list[Sum]) -> list[list[Value]]:
        totals = [s.values[0] for s in sums]
        for k in range(2):
            differ = [logic(f, _AND_XOR, s.x[k], s.w[k], s.masks[k]) if s.masks else s.x[k] ^ s.w[k] for s in sums]
            counts = [_count(f, d) for d in differ]
            totals = [total + count for total, count in zip(totals, counts, strict=True)]
        return [[total] for total in totals]

    return Way("words", wide_tile(cpu()), 1, _I32, step, lambda f, v: v[0])


def _plain() -> Way:
    def step(f: Function, sums: list[Sum]) -> list[list[Value]]:
        totals = [s.values[0] for s in sums]
        for k in range(2):
            totals = [total + _count(f, _differ(s, k)) for total, s in zip(totals, sums, strict=True)]
        return [[total] for total in totals]

    return Way("plain", Tile(2, 1), 1, _I32, step, lambda f, v: v[0])


def _differ(s: Sum, k: int) -> Value:
    """Word k's bits that differ and count."""
    differ = s.x[k] ^ s.w[k]
    return differ & s.masks[k] if s.masks else differ


def _nibbles() -> Way:
    """Sums are bytes of two vectors of eight channels."""
    half = vector(32, "i8")

    def bytes_of(word: Value, which: int) -> Value:
        return word.shuffled(range(8 * which, 8 * which + 8)).cast(half)

    def counts(f: Function, x: Value) -> Value:
        table = ", ".join(f"i8 {bin(k % 16).count('1')}" for k in range(32))
        counts = Value(f, f"<{table}>", half)
        low = x & 15
        high = x.cast(vector(16, "i16")).logical_shift(4).cast(half) & 15
        lookup = "llvm.x86.avx2.pshuf.b"
        return f.intrinsic(lookup, half, counts, low) + f.intrinsic(lookup, half, counts, high)

    def step(f: Function, sums: list[Sum]) -> list[list[Value]]:
        made = [list(s.values) for s in sums]
        for k in range(2):
            for values, s in zip(made, sums, strict=True):
                differ = _differ(s, k)
                values[:] = [value + counts(f, bytes_of(differ, i)) for i, value in enumerate(values)]
        return made

    def total(f: Function, sums: list[Value]) -> Value:
        parts = []
        for s in sums:
            ones = f.constant(1, half)
            pairs = f.intrinsic("llvm.x86.avx2.pmadd.ub.sw", vector(16, "i16"), s, ones)
            parts.append(f.intrinsic("llvm.x86.avx2.pmadd.wd", vector(8, "i32"), pairs, f.constant(1, vector(16, "i16"))))
        return parts[0].shuffled(range(16), parts[1])

    return Way("nibbles", Tile(2, 1), 2, half, step, total, limit=15)  # 15 steps x 2 words x 8 bits = 240 in a byte


PAIRS, WORDS, NIBBLES, PLAIN = _pairs(), _words_way(), _nibbles(), _plain()
