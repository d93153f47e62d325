"""CPU time of native loops in one thread: many short turns, one long one without a pause, and two loops in turns.

The time of the process would count numpy's threads too, which go on waiting for work for a while after each product.

A core's clock wanders by a tenth and more within a second, so a share of a limit is never the quotient of two best times:
both run in turns, and every pair of turns gives one quotient.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

Run = Callable[[int], object]  # runs a loop so many times
_LEAST, _GUESSES = 5, 3  # turns of anything, however long; timings of a guess
_FINE_S = 1e-5  # a clock of coarser steps cannot time a short turn


@dataclass(frozen=True)
class Effort:
    """Seconds of a short turn, of all short turns of a loop together, and of a long turn."""

    turn_s: float = 3e-4
    span_s: float = 0.03
    sustained_s: float = 0.03


EFFORT = Effort()


@dataclass(frozen=True)
class Clock:
    """What time is measured with."""

    name: str
    now_s: Callable[[], float]


@dataclass(frozen=True)
class Turns:
    """Seconds of one repeat in each short turn."""

    each_s: tuple[float, ...]

    @property
    def best_s(self) -> float:
        return min(self.each_s)

    @property
    def typical_s(self) -> float:
        return statistics.median(self.each_s)


@dataclass(frozen=True)
class Race:
    """Two loops in turns; `ratio` is the median over pairs of turns of how many times as long the first one takes."""

    first: Turns
    second: Turns

    @property
    def ratio(self) -> float:
        return statistics.median(a / b for a, b in zip(self.first.each_s, self.second.each_s, strict=True))


def clock() -> Clock:
    """CPU time of this thread, or wall time where that comes in coarse steps (Windows: 16 ms)."""
    if time.get_clock_info("thread_time").resolution <= _FINE_S:
        return Clock("CPU time", time.thread_time)
    return Clock("wall time", time.perf_counter)


def race(first: Run, second: Run) -> Race:
    """Both loops in turns."""
    return Race(*turns([first, second]))


def turns(runs: Sequence[Run]) -> list[Turns]:
    """Short turns of every loop, one after the other and again."""
    now_s = clock().now_s
    with _undisturbed():
        repeats, each_s = zip(*(_calibrated(run, now_s) for run in runs), strict=True)
        longest_s = max(EFFORT.turn_s, *(n * s for n, s in zip(repeats, each_s, strict=True)))
        rounds = max(_LEAST, round(EFFORT.span_s / longest_s))
        found = [[_seconds(run, n, now_s) / n for run, n in zip(runs, repeats, strict=True)] for _ in range(rounds)]
    return [Turns(taken_s) for taken_s in zip(*found, strict=True)]


def sustained_s(run: Run, each_s: float) -> float:
    """Seconds of one repeat, of which one takes about `each_s`, in a long turn."""
    now_s = clock().now_s
    with _undisturbed():
        repeats = max(1, round(EFFORT.sustained_s / each_s))
        while (taken_s := _seconds(run, repeats, now_s)) < EFFORT.sustained_s:
            repeats += max(1, repeats // 8)
    return taken_s / repeats


def _calibrated(run: Run, now_s: Callable[[], float]) -> tuple[int, float]:
    """Repeats that fill a short turn, and seconds of one; each guess is tried often, since a pause looks like work."""
    run(1)  # code and data come into the caches
    repeats = 1
    while (taken_s := min(_seconds(run, repeats, now_s) for _ in range(_GUESSES))) < EFFORT.turn_s / 2:
        repeats = min(10 * repeats, max(2 * repeats, int(repeats * EFFORT.turn_s / taken_s)))
    return max(1, round(repeats * EFFORT.turn_s / taken_s)), taken_s / repeats


def repeated(call: Callable[[], object]) -> Run:
    """A call without arguments, so many times."""

    def run(count: int) -> None:
        for _ in range(count):
            call()

    return run


def _seconds(run: Run, repeats: int, now_s: Callable[[], float]) -> float:
    start_s = now_s()
    run(repeats)
    return max(now_s() - start_s, 1e-9)  # never 0, whatever the clock's steps


@contextmanager
def _undisturbed() -> Iterator[None]:
    """No garbage collection."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
