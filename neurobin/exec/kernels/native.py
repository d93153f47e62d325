"""What an op can ask the engine's compiler for, besides `Linear` and `Pool`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from neurobin.exec.kernels.lanes import Lane


@dataclass(frozen=True)
class Elementwise:
    """Code for sixteen elements: called as lanes(place, *operands), see `lanes.py`."""

    lanes: Callable[..., Lane]


@dataclass(frozen=True)
class Moves:
    """Every element of the result is one of the operands' or a constant; which, the op's reference tells."""


@dataclass(frozen=True)
class ChannelTotal:
    """The sum over the channels of each position."""


@dataclass(frozen=True)
class LargestChannel:
    """The first channel that holds the largest value of each position."""
