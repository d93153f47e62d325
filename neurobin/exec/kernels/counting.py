"""Ways of counting the bits in which a row's words differ from those of weights.

A step is two 32-bit words of a row, each repeated, against two of each of 16 channels. With pc = popcount of the positions
where the signs differ,

    two-valued weights      pc(a ^ w)
    three-valued weights    pc(m & (a ^ w)), m marking the weights that are not 0

Best first:

`pairs`   Both operands hold (x1, x1 ^ x2) for each pair of words (x1, x2). With x = a ^ w and a running plane s of weight 1,
          s' = s ^ a12 ^ w12 leaves the carry, of weight 2, equal to x where s = s', else to s: five instructions, one
          of them a popcount, for two words instead of six (AVX-512, three-input logic).
`words`   xor, popcount, add; with a mask, one three-input logic instruction in place of the xor (AVX-512).
`nibbles` AVX2 has no popcount: a table of 16 counts, summed in bytes, which 15 words cannot overflow.
`plain`   LLVM's `ctpop` on any CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from neurobin.exec.kernels.emit import Function, Value, vector
from neurobin.exec.kernels.machine import cpu
from neurobin.exec.kernels.micro import PANEL

_I32 = vector(PANEL, "i32")
_BYTES = vector(2 * PANEL, "i8")  # of eight channels
XOR3, _SAME_ELSE, _AND_XOR = 0x96, 0xB2, 0x28  # truth tables of three-input logic

Values = list[Value]


@dataclass(frozen=True)
class Operands:
    """What a step brings to a sum: the two words of its row (x), those of its panel (w), and their masks or none."""

    x: tuple[Value, Value]
    w: Values
    masks: Values

    def differ(self, k: int) -> Value:
        """Word k's bits that differ and count."""
        differ = self.x[k] ^ self.w[k]
        return differ & self.masks[k] if self.masks else differ


@dataclass(frozen=True)
class Found:
    """The words of a step whose bits are to be counted, and the planes that run on."""

    words: Values
    planes: Values


@dataclass(frozen=True)
class Tile:
    """How many sums a kernel holds in registers, those of `rows` times `panels`, and how many of them, a group, take an
    instruction before the next one. `behind`: a group's words are counted after the next group's are found."""

    rows: int
    panels: int
    together: int = 1
    behind: bool = False


# Tiles of 512-bit registers by CPU. Zen 4 seems to bind instructions to its four pipes as they come, able to begin or not:
# of the limit of pairs at K = 4096, 81 % are reached one by one, 87 % with four of a kind after each other, and 91 % where
# counting does not follow at once what it waits for.
_TILE, _TILES = Tile(6, 2), {"znver4": Tile(4, 2, 4, behind=True)}


def wide_tile(cpu_name: str) -> Tile:
    """The tile of 512-bit registers for a CPU, by LLVM's name of it."""
    return _TILES.get(cpu_name, _TILE)


@dataclass(frozen=True)
class Way:
    """How words are counted.

    A sum is so many `counts` of type `kind`, and `planes` that run along. For each sum of a group, `find` makes words to be
    counted and new planes of its planes and operands, and `count` makes new counts of its counts and those words. `total`
    is int32 counts of the counts and planes of a sum; after `limit` steps they must be added up. `paired` operands hold
    (x1, x1 ^ x2).
    """

    name: str
    tile: Tile
    kind: str
    counts: int
    find: Callable[[Function, Sequence[Values], Sequence[Operands]], list[Found]]
    count: Callable[[Function, Sequence[Values], Sequence[Values]], list[Values]]
    total: Callable[[Function, Values, Values], Value]
    planes: int = 0
    limit: int | None = None
    paired: bool = False

    @property
    def rows(self) -> int:
        return self.tile.rows


def logic(f: Function, table: int, a: Value, b: Value, c: Value) -> Value:
    return f.intrinsic("llvm.x86.avx512.pternlog.d.512", _I32, a, b, c, f"i32 {table}")


def _popcount(f: Function, x: Value) -> Value:
    return f.intrinsic("llvm.ctpop.v16i32", _I32, x)


def _count(f: Function, counts: Sequence[Values], words: Sequence[Values]) -> list[Values]:
    """One count of all words."""
    totals = [own[0] for own in counts]
    for column in zip(*words, strict=True):
        ones = [_popcount(f, word) for word in column]
        totals = [total + one for total, one in zip(totals, ones, strict=True)]
    return [[total] for total in totals]


def _find_words(f: Function, planes: Sequence[Values], operands: Sequence[Operands]) -> list[Found]:
    return [Found([o.differ(k) for k in range(2)], []) for o in operands]


def _find_pairs(f: Function, planes: Sequence[Values], operands: Sequence[Operands]) -> list[Found]:
    before = [plane for (plane,) in planes]
    after = [logic(f, XOR3, s, o.x[1], o.w[1]) for s, o in zip(before, operands, strict=True)]
    differ = [o.x[0] ^ o.w[0] for o in operands]
    carries = [logic(f, _SAME_ELSE, *each) for each in zip(before, after, differ, strict=True)]
    return [Found([carry], [plane]) for carry, plane in zip(carries, after, strict=True)]


def _find_masked(f: Function, planes: Sequence[Values], operands: Sequence[Operands]) -> list[Found]:
    """As `_find_words`, with one instruction for a word and its mask."""
    if not operands[0].masks:
        return _find_words(f, planes, operands)
    words = [[logic(f, _AND_XOR, *of_word) for of_word in zip(o.x, o.w, o.masks, strict=True)] for o in operands]
    return [Found(own, []) for own in words]


def _nibbles() -> Way:
    """Counts are bytes of two vectors of eight channels."""

    def bytes_of(word: Value, which: int) -> Value:
        return word.shuffled(range(8 * which, 8 * which + 8)).cast(_BYTES)

    def ones(f: Function, x: Value) -> Value:
        table = ", ".join(f"i8 {bin(k % 16).count('1')}" for k in range(32))
        counts = Value(f, f"<{table}>", _BYTES)
        low = x & 15
        high = x.cast(vector(16, "i16")).logical_shift(4).cast(_BYTES) & 15
        lookup = "llvm.x86.avx2.pshuf.b"
        return f.intrinsic(lookup, _BYTES, counts, low) + f.intrinsic(lookup, _BYTES, counts, high)

    def count(f: Function, counts: Sequence[Values], words: Sequence[Values]) -> list[Values]:
        made = []
        for own, found in zip(counts, words, strict=True):
            for word in found:
                own = [value + ones(f, bytes_of(word, which)) for which, value in enumerate(own)]
            made.append(own)
        return made

    def total(f: Function, counts: Values, planes: Values) -> Value:
        parts, halves = [], vector(16, "i16")
        for own in counts:
            pairs = f.intrinsic("llvm.x86.avx2.pmadd.ub.sw", halves, own, f.constant(1, _BYTES))
            parts.append(f.intrinsic("llvm.x86.avx2.pmadd.wd", vector(8, "i32"), pairs, f.constant(1, halves)))
        return parts[0].shuffled(range(16), parts[1])

    # 15 steps x 2 words x 8 bits = 240 in a byte
    return Way("nibbles", Tile(2, 1), _BYTES, 2, _find_words, count, total, limit=15)


def _pairs() -> Way:
    def total(f: Function, counts: Values, planes: Values) -> Value:
        return counts[0] + counts[0] + _popcount(f, planes[0])

    return Way("pairs", wide_tile(cpu()), _I32, 1, _find_pairs, _count, total, planes=1, paired=True)


def _only(f: Function, counts: Values, planes: Values) -> Value:
    return counts[0]


PAIRS, NIBBLES = _pairs(), _nibbles()
WORDS = Way("words", wide_tile(cpu()), _I32, 1, _find_masked, _count, _only)
PLAIN = Way("plain", Tile(2, 1), _I32, 1, _find_words, _count, _only)
