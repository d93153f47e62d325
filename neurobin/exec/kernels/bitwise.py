"""Bit products by popcount: a row's 64-bit word, repeated, against one word of each of 16 channels.

A kernel counts the bits that differ, in one of the ways of `counting.py`; a dot product is a constant of its channel minus
a multiple of that count (`bit_product.py`). Sums of a tile stay in registers while it runs through the steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from neurobin.exec.kernels.counting import Operands, Values, Way
from neurobin.exec.kernels.emit import Module, Value, Variable, assign, vector
from neurobin.exec.kernels.micro import PANEL, Micro

_I32 = vector(PANEL, "i32")
_WORD_BYTES = 4 * PANEL  # one 32-bit word of each channel of a panel


def bitwise_kernel(way: Way, masked: bool, alone: bool = False) -> str:
    """The module of the micro-kernel for weights of two values, or, `masked`, of three.

    One that is `alone` in its layer leaves counts as they are and takes no notice of `accumulate` and `factor`.
    """
    return _Bitwise(way, masked, alone).text()


@dataclass(frozen=True)
class _Sum:
    """One sum of a tile: where it is, and its values."""

    row: int
    panel: int
    counts: list[Variable]
    planes: list[Variable]


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
        if limit is None:
            self._store(row, panel, f.constant(0), self._counted(rows, bs, f.constant(0), m.steps))
        else:
            with f.loop(0, m.steps, limit) as start:
                self._store(row, panel, start, self._counted(rows, bs, start, (start + limit).minimum(m.steps)))

    def _counted(self, rows: Values, bs: Values, start: Value, stop: Value) -> list[_Sum]:
        """The sums of each row and panel over steps `start` to `stop`, at least one."""
        f, way = self.f, self.way
        sums = [
            _Sum(r, p, self._zeros(way.counts), self._zeros(way.planes)) for r in range(len(rows)) for p in range(len(bs))
        ]
        if not way.tile.behind:
            with f.loop(start, stop) as step:
                for found in self._found(sums, rows, bs, step):
                    self._count(*found)
            return sums
        *earlier, (last, words) = self._found(sums, rows, bs, start)
        for found in earlier:
            self._count(*found)
        late = [[f.variable(word) for word in own] for own in words]
        with f.loop(start + 1, stop) as step:
            waiting = last, _values(late)
            for found in self._found(sums, rows, bs, step):
                self._count(*waiting)
                waiting = found
            for own, after in zip(late, waiting[1], strict=True):
                assign(own, after)
        self._count(last, _values(late))
        return sums

    def _zeros(self, number: int) -> list[Variable]:
        return [self.f.variable(self.f.constant(0, self.way.kind)) for _ in range(number)]

    def _found(self, sums: list[_Sum], rows: Values, bs: Values, step: Value) -> Iterator[tuple[list[_Sum], list[Values]]]:
        """Group by group, the words of a step to be counted; planes are set."""
        f, m, way, size = self.f, self.m, self.way, 4 if self.masked else 2
        weights = [[b.at(step * (size * _WORD_BYTES)).at(_WORD_BYTES * k).load(_I32, 64) for k in range(size)] for b in bs]
        offset, xs = m.offset(step), dict[int, tuple[Value, Value]]()
        rest = iter(sums)
        while group := list(islice(rest, way.tile.together)):
            for number in sorted({s.row for s in group} - xs.keys()):
                place = rows[number].at(offset)
                xs[number] = (place.load("i32", 4).splat(PANEL), place.at(4).load("i32", 4).splat(PANEL))
            operands = [Operands(xs[s.row], weights[s.panel][:2], weights[s.panel][2:]) for s in group]
            found = way.find(f, _values(s.planes for s in group), operands)
            for s, own in zip(group, found, strict=True):
                assign(s.planes, own.planes)
            yield group, [own.words for own in found]

    def _count(self, group: list[_Sum], words: list[Values]) -> None:
        """Adds the counts of a group's words."""
        counts = self.way.count(self.f, _values(s.counts for s in group), words)
        for s, own in zip(group, counts, strict=True):
            assign(s.counts, own)

    def _store(self, row: Value, panel: Value, start: Value, sums: list[_Sum]) -> None:
        f, m = self.f, self.m
        is_old = (start if self.alone else m.accumulate | start).compare("ne", 0)
        factor = m.factor.resized(32).splat(PANEL)
        for s in sums:
            place = m.place(row + s.row, panel + s.panel)
            old = is_old.choose(place.load(_I32, 4), f.constant(0, _I32))
            counts = self.way.total(f, *_values((s.counts, s.planes)))
            place.store(old + (counts if self.alone else factor * counts), 4)


def _values(variables: Iterable[list[Variable]]) -> list[Values]:
    """What they hold."""
    return [[v.get() for v in own] for own in variables]
