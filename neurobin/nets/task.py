"""What a network is built for: the images' size and pixel levels, the number of classes, and what is asked about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from neurobin.errors import UsageError

if TYPE_CHECKING:  # data sets name tasks, and load without torch
    from torch import nn


class Goal(Enum):
    """What is asked about an image: its class, or the boxes of the things in it with their classes."""

    CLASSIFICATION = "classification"
    DETECTION = "detection"


@dataclass(frozen=True)
class Task:
    """Images [height, width, channels] of pixels 0 ... levels - 1, to be told apart in `classes` classes.

    With another `goal`, things of these classes are looked for in the images.
    With `core`, hidden filters must fit a neurosynaptic core: at most 128 inputs each, with their weights on axon pairs.
    """

    height: int
    width: int
    channels: int
    classes: int
    levels: int
    core: bool = False
    goal: Goal = Goal.CLASSIFICATION

    def __post_init__(self) -> None:
        if min(self.height, self.width) < SMALLEST:
            raise UsageError(f"images are at least {SMALLEST}x{SMALLEST}, got {self.height}x{self.width}")
        if self.channels < 1 or self.classes < 2:
            raise UsageError(f"expected channels and at least 2 classes, got {self.channels} and {self.classes}")

    @property
    def stem_stride(self) -> int:
        """Images of 16 pixels and more are halved by the first convolution."""
        return 2 if min(self.height, self.width) >= LARGE else 1

    def refuse_core(self, why: str) -> None:
        """Raises UsageError when filters must fit a core, for networks that a core cannot carry anyway."""
        if self.core:
            raise UsageError(f"no core carries this network: {why}", hint="leave out --core")

    def require_multiple(self, of: int) -> None:
        """Raises UsageError unless height and width are multiples of `of`: halved maps must meet their shortcuts."""
        if self.height % of or self.width % of:
            raise UsageError(f"this network takes images whose sides are multiples of {of}, got {self.height}x{self.width}")


SMALLEST = 8
LARGE = 16


def topology(net: Callable[[Task], nn.Module]) -> str:
    """The family that a network says it is of, "" for none: only within one does a loss of accuracy tell of quantizers."""
    return str(getattr(net, "topology", ""))
