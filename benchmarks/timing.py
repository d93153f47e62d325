"""Fair timing: contenders run in turns A B C A B C ..., so that all meet the same clock rate and the same other load.

The standard library is enough for this file: processes of other environments measure their turns with it too.
"""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Clock:
    """CPU time of this process (all threads) and wall time, both in seconds."""

    cpu_s: Callable[[], float] = time.process_time
    wall_s: Callable[[], float] = time.perf_counter


@runtime_checkable
class Turns(Protocol):
    """A contender that measures itself, for example in another process."""

    def turn(self, repeats: int) -> tuple[float, float]:
        """(cpu_s, wall_s) of `repeats` calls together."""


@dataclass(frozen=True)
class Samples:
    """Seconds per call, one value per round."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def minimum(self) -> float:
        return min(self.values)

    @property
    def spread(self) -> float:
        """Interquartile range / median.

        >>> Samples((1.0, 2.0, 3.0, 4.0, 5.0)).spread
        0.6666666666666666
        """
        lower, _, upper = statistics.quantiles(self.values, n=4, method="inclusive")
        return (upper - lower) / self.median


@dataclass(frozen=True)
class Timing:
    """What one contender took per call; `repeats` calls were made in each turn."""

    cpu_s: Samples
    wall_s: Samples
    repeats: int


def ratio(a: Samples, b: Samples) -> float:
    """How many times as long a takes as b: the median over the rounds, each of which both ran in.

    >>> ratio(Samples((2.0, 6.0, 4.0)), Samples((1.0, 2.0, 2.0)))
    2.0
    """
    return statistics.median(x / y for x, y in zip(a.values, b.values, strict=True))


def timed(call: Callable[[], object], repeats: int, clock: Clock) -> tuple[float, float]:
    """(cpu_s, wall_s) of `repeats` calls together, without garbage collection.

    A batch of several calls starts with one that is not counted: it brings back the caches that others have filled.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        if repeats > 1:
            call()
        wall_s, cpu_s = clock.wall_s(), clock.cpu_s()
        for _ in range(repeats):
            call()
        return clock.cpu_s() - cpu_s, clock.wall_s() - wall_s
    finally:
        if collecting:
            gc.enable()


@dataclass(frozen=True)
class InProcess:
    """A plain call as a contender that measures its turns."""

    call: Callable[[], object]
    clock: Clock = Clock()

    def turn(self, repeats: int) -> tuple[float, float]:
        return timed(self.call, repeats, self.clock)


def calibrate(racer: Turns, min_batch_s: float) -> int:
    """Calls that take at least `min_batch_s` of wall time, after a warm-up call."""
    racer.turn(1)
    repeats = 1
    while (wall_s := racer.turn(repeats)[1]) < min_batch_s:
        wanted = repeats * min_batch_s / wall_s if wall_s > 0 else math.inf
        repeats = math.ceil(min(max(1.1 * wanted, repeats + 1), 10 * repeats))  # short turns are too noisy to leap from
    return repeats


def race(
    contenders: Mapping[str, Callable[[], object]], *, rounds: int = 9, min_batch_s: float = 0.02, clock: Clock | None = None
) -> dict[str, Timing]:
    """Time contenders side by side: {name: Timing} in the order given.

    A contender that has `turn(repeats)` (see Turns) measures itself; any other one is called in this process.
    """
    if rounds < 2:
        raise ValueError(f"a spread needs at least 2 rounds, not {rounds}")
    own = clock or Clock()
    racers = {name: call if isinstance(call, Turns) else InProcess(call, own) for name, call in contenders.items()}
    repeats = {name: calibrate(racer, min_batch_s) for name, racer in racers.items()}
    turns: dict[str, list[tuple[float, float]]] = {name: [] for name in racers}
    for _ in range(rounds):
        for name, racer in racers.items():
            turns[name].append(racer.turn(repeats[name]))
    return {name: _timing(turns[name], repeats[name]) for name in racers}


def _timing(turns: list[tuple[float, float]], repeats: int) -> Timing:
    cpu_s, wall_s = (Samples(tuple(value / repeats for value in values)) for values in zip(*turns, strict=True))
    return Timing(cpu_s, wall_s, repeats)
