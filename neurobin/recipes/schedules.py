"""Learning-rate schedules by name: the factor on the recipe's rate at `progress` in [0, 1), the share of steps done."""

from __future__ import annotations

import math
from collections.abc import Callable

from neurobin.errors import UsageError, nearest

Schedule = Callable[[float], float]
WARM_UP = 0.05


def cosine(progress: float) -> float:
    """Half a cosine from 1 to 0."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def linear(progress: float) -> float:
    """From 1 to 0."""
    return 1 - progress


def step(progress: float) -> float:
    """1, then 0.1 from half of the training on, then 0.01 from three quarters on."""
    return 0.1 ** ((progress >= 0.5) + (progress >= 0.75))


def warmup_cosine(progress: float) -> float:
    """From 0 to 1 in the first twentieth, then half a cosine back to 0 (QuickNet warms up for 5 of 600 epochs)."""
    return progress / WARM_UP if progress < WARM_UP else cosine((progress - WARM_UP) / (1 - WARM_UP))


def two_stage(progress: float) -> float:
    """Half a cosine from 1 to 0, twice: for methods whose weights become binary at half of the training."""
    return cosine(2 * progress % 1)


def exponential(progress: float) -> float:
    """From 1 to 1/1000 by equal ratios (BinaryConnect: 3e-3 to 2e-6, BNN: 1e-3 to 3e-7 over their 500 epochs)."""
    return 0.001**progress


def constant(progress: float) -> float:
    """Always 1."""
    return 1.0


def schedule(name: str) -> Schedule:
    """The schedule of that name. Raises UsageError otherwise."""
    if name not in SCHEDULES:
        raise UsageError(f"unknown schedule {name!r}", hint=nearest(name, SCHEDULES))
    return SCHEDULES[name]


SCHEDULES: dict[str, Schedule] = {
    "cosine": cosine,
    "warmup_cosine": warmup_cosine,
    "two_stage": two_stage,
    "exponential": exponential,
    "linear": linear,
    "step": step,
    "constant": constant,
}
