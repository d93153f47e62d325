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

from neurobin.exec.kernels.emit import Function, Module, Value, assign, vector
from neurobin.exec.kernels.micro import PANEL, Micro

_I32 = vector(PANEL, "i32")
_WORD_BYTES = 4 * PANEL  # one 32-bit word of each channel of a panel
_XOR3, _SAME_ELSE, _AND_XOR = 0x96, 0xB2, 0x28  # truth tables of three-input logic


@dataclass(frozen=True)
class Way:
    """How words are counted.

    `variables` sums per (row, panel); `step` adds the two words of a row (x) and of a panel (w, with masks m or none);
    `total` makes int32 counts of them. `limit` is how many steps the sums hold before they must be added up.
    """

    name: str
    rows: int
    panels: int
    variables: int
    kind: str
    step: Callable[[Function, list[Value], tuple[Value, Value], list[Value], list[Value]], list[Value]]
    total: Callable[[Function, list[Value]], Value]
    limit: int | None = None


def bitwise_kernel(way: Way, masked: bool, alone: bool = False) -> str:
    """The module of the micro-kernel for weights of two values, or, `masked`, of three.

    One that is `alone` in its layer leaves counts as they are and takes no notice of `accumulate` and `factor`.
    """
    module = Module()
    m = Micro(module)
    f = m.f
    step_bytes = _WORD_BYTES * (4 if masked else 2)

    def tile(row: Value, panel: Value, panels: int) -> None:
        first = m.a.at(row * m.a_stride)
        bs = [m.b.at(panel * m.b_stride)]
        for _ in range(panels - 1):
            bs.append(bs[-1].at(m.b_stride))
        zero = f.constant(0, way.kind)
        if way.limit is None:
            chunk(row, panel, first, bs, f.constant(0), m.steps, zero)
        else:
            with f.loop(0, m.steps, way.limit) as start:
                chunk(row, panel, first, bs, start, (start + way.limit).minimum(m.steps), zero)

    def chunk(row: Value, panel: Value, first: Value, bs: list[Value], start: Value, stop: Value, zero: Value) -> None:
        sums = [[[f.variable(zero) for _ in range(way.variables)] for _ in bs] for _ in range(way.rows)]
        with f.loop(start, stop) as step:
            weights = [_words(b.at(step * step_bytes), masked) for b in bs]
            for place, row_sums in zip(m.row(first.at(m.offset(step)), way.rows), sums, strict=True):
                x = (place.load("i32", 4).splat(PANEL), place.at(4).load("i32", 4).splat(PANEL))
                for variables, (w, masks) in zip(row_sums, weights, strict=True):
                    assign(variables, way.step(f, [v.get() for v in variables], x, w, masks))
        old_counts = (start if alone else m.accumulate | start).compare("ne", 0)
        factor = m.factor.resized(32).splat(PANEL)
        for r, row_sums in enumerate(sums):
            for p, variables in enumerate(row_sums):
                place = m.place(row + r, panel + p)
                old = old_counts.choose(place.load(_I32, 4), f.constant(0, _I32))
                counted = way.total(f, [v.get() for v in variables])
                place.store(old + (counted if alone else factor * counted), 4)

    with f.loop(0, m.rows, way.rows) as row:
        whole = m.panels - m.panels % way.panels
        with f.loop(0, whole, way.panels) as panel:
            tile(row, panel, way.panels)
        if way.panels > 1:
            with f.loop(whole, m.panels) as panel:
                tile(row, panel, 1)
    return str(module)


def _words(place: Value, masked: bool) -> tuple[list[Value], list[Value]]:
    """The two words of a step of all channels of a panel, and their masks."""
    loaded = [place.at(_WORD_BYTES * k).load(_I32, 64) for k in range(4 if masked else 2)]
    return loaded[:2], loaded[2:]


def _logic(f: Function, table: int, a: Value, b: Value, c: Value) -> Value:
    return f.intrinsic("llvm.x86.avx512.pternlog.d.512", _I32, a, b, c, f"i32 {table}")


def _count(f: Function, x: Value) -> Value:
    return f.intrinsic("llvm.ctpop.v16i32", _I32, x)


def _pairs() -> Way:
    def step(f: Function, sums: list[Value], x: tuple[Value, Value], w: list[Value], _: list[Value]) -> list[Value]:
        twos, ones = sums
        differ = x[0] ^ w[0]
        after = _logic(f, _XOR3, ones, x[1], w[1])
        carry = _logic(f, _SAME_ELSE, ones, after, differ)
        return [twos + _count(f, carry), after]

    return Way("pairs", 6, 2, 2, _I32, step, lambda f, s: s[0] + s[0] + _count(f, s[1]))


def _words_way() -> Way:
    def step(f: Function, sums: list[Value], x: tuple[Value, Value], w: list[Value], masks: list[Value]) -> list[Value]:
        total = sums[0]
        for k in range(2):
            differ = _logic(f, _AND_XOR, x[k], w[k], masks[k]) if masks else x[k] ^ w[k]
            total = total + _count(f, differ)
        return [total]

    return Way("words", 6, 2, 1, _I32, step, lambda f, s: s[0])


def _plain() -> Way:
    def step(f: Function, sums: list[Value], x: tuple[Value, Value], w: list[Value], masks: list[Value]) -> list[Value]:
        total = sums[0]
        for k in range(2):
            differ = (x[k] ^ w[k]) & masks[k] if masks else x[k] ^ w[k]
            total = total + _count(f, differ)
        return [total]

    return Way("plain", 2, 1, 1, _I32, step, lambda f, s: s[0])


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

    def step(f: Function, sums: list[Value], x: tuple[Value, Value], w: list[Value], masks: list[Value]) -> list[Value]:
        totals = list(sums)
        for k in range(2):
            differ = (x[k] ^ w[k]) & masks[k] if masks else x[k] ^ w[k]
            totals = [total + counts(f, bytes_of(differ, i)) for i, total in enumerate(totals)]
        return totals

    def total(f: Function, sums: list[Value]) -> Value:
        parts = []
        for s in sums:
            ones = f.constant(1, half)
            pairs = f.intrinsic("llvm.x86.avx2.pmadd.ub.sw", vector(16, "i16"), s, ones)
            parts.append(f.intrinsic("llvm.x86.avx2.pmadd.wd", vector(8, "i32"), pairs, f.constant(1, vector(16, "i16"))))
        return parts[0].shuffled(range(16), parts[1])

    return Way("nibbles", 2, 1, 2, half, step, total, limit=15)  # 15 steps x 2 words x 8 bits = 240 in a byte


PAIRS, WORDS, NIBBLES, PLAIN = _pairs(), _words_way(), _nibbles(), _plain()
