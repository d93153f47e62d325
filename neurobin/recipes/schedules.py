"""Learning-rate schedules by name: the factor on the recipe's rate at `progress` in [0, 1), the share of steps done."""

from __future__ import annotations

import math
from collections.abc import Callable

from neurobin.errors import UsageError

Schedule = Callable[[float], float]


def cosine(progress: float) -> float:
    """Half a cosine from 1 to 0."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def linear(progress: float) -> float:
    """From 1 to 0."""
    return 1 - progress


def step(progress: float) -> float:
    """1, then 0.1 from half of the training on, then 0.01 from three quarters on."""
    return 0.1 ** ((progress >= 0.5) + (progress >= 0.75))


def constant(progress: float) -> float:
    """Always 1."""
    return 1.0


def schedule(name: str) -> Schedule:
    """The schedule of that name. Raises UsageError otherwise."""
    if name not in SCHEDULES:
        raise UsageError(f"unknown schedule {name!r}", hint=", ".join(SCHEDULES))
    return SCHEDULES[name]


SCHEDULES: dict[str, Schedule] = {"cosine": cosine, "linear": linear, "step": step, "constant": constant}
