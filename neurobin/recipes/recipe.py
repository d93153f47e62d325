"""`Recipe`: everything that training depends on besides the network, the data and the seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # methods are listed without torch
    from torch import nn
    from torch.optim import Optimizer

    from neurobin.recipes.techniques import Technique


@dataclass(frozen=True)
class Recipe:
    """How the zoo's networks of a method are trained; not the paper's own schedule unless the method's notes say so.

    `epochs` is for small data sets such as the digits, `epochs_large` for 10,000 training images and more. Images move by up
    to `shift` pixels. `optimizer`, `schedule` and `loss` are names (see their files); `optimizer` may also be a choice with
    numbers of its own, a frozen dataclass such as `BopAndAdam`: a checkpoint knows a recipe by its printed form, and a plain
    function is printed with its address. `techniques` act in the given order. Large data sets are computed in bfloat16
    unless `mixed` is False: where an estimator's slope is narrower than a rounding step, gradients would be noise.
    """

    epochs: int = 60
    epochs_large: int = 12
    batch: int = 128
    optimizer: str | Callable[[nn.Module, Recipe], tuple[Optimizer, ...]] = "adam"
    lr: float = 5e-3
    schedule: str = "cosine"
    weight_decay: float = 0.0
    loss: str = "cross_entropy"
    shift: int = 1
    mixed: bool = True
    techniques: tuple[Technique, ...] = ()
