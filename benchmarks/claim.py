"""A claim: work that contenders did side by side, the ratios that follow, and the goals they are held to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.contender import Contender, Peer, check, enter
from benchmarks.timing import Timing, race, ratio


@dataclass(frozen=True)
class Options:
    """How long to measure: turns of each contender, and seconds per turn at least."""

    rounds: int = 9
    min_batch_s: float = 0.02


@dataclass(frozen=True)
class Race:
    """One workload: timings by contender, what each contender is, who is absent and why; `macs` of one call."""

    title: str
    timings: Mapping[str, Timing]
    descriptions: Mapping[str, str]
    absent: Mapping[str, str] = field(default_factory=dict)
    macs: int | None = None

    def ratio(self, slow: str, fast: str) -> float | None:
        """How many times as much processor time `slow` takes as `fast`; None where one of them did not run."""
        if slow not in self.timings or fast not in self.timings:
            return None
        return ratio(self.timings[slow].cpu_s, self.timings[fast].cpu_s)


@dataclass(frozen=True)
class Goal:
    """What was asked for and what came; `got` is None where it could not be measured. `why` tells of a miss."""

    text: str
    wanted: float
    got: float | None
    unit: str = "x"
    why: str = ""

    @property
    def reached(self) -> bool | None:
        return None if self.got is None else self.got >= self.wanted


@dataclass(frozen=True)
class Claim:
    """A section of the report."""

    title: str
    about: str
    races: Sequence[Race]
    goals: Sequence[Goal]
    notes: Sequence[str] = ()


def hold(title: str, peers: Sequence[Peer], prepare: Callable[[Peer], Contender], sums: np.ndarray | None, macs: int | None,
         options: Options) -> Race:  # fmt: skip
    """Prepare one workload with every peer, check each against the exact sums, and race them."""
    entries = enter(peers, prepare)
    for contender in entries.contenders.values():
        if sums is not None:
            check(contender, sums)
    calls = {name: contender.run for name, contender in entries.contenders.items()}
    timings = race(calls, rounds=options.rounds, min_batch_s=options.min_batch_s)
    descriptions = {name: contender.description for name, contender in entries.contenders.items()}
    return Race(title, timings, descriptions, entries.absent, macs)


def best_of(races: Sequence[Race], names: Sequence[str], slow: str) -> tuple[float | None, list[str]]:
    """Geometric mean over the races of `slow` against the fastest of `names` in each, and which that was."""
    ratios, winners = [], []
    for each in races:
        ran = [name for name in names if name in each.timings]
        if slow not in each.timings or not ran:
            return None, []
        fast = min(ran, key=lambda name: each.timings[name].cpu_s.median)
        winners.append(fast)
        ratios.append(each.ratio(slow, fast) or math.nan)
    return float(np.exp(np.mean(np.log(ratios)))), winners
