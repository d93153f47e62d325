"""`Technique`: the hooks of the training loop, which do nothing unless a technique overrides them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from neurobin.ir import BIPOLAR
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.layers.linear import QuantLinear


@dataclass(frozen=True, eq=False)
class Context:
    """The run a technique works in. `teacher(method name)` is that method's network trained on the same data, frozen.

    `store` is what techniques keep while the run lasts and can make again: forward hooks' results, teachers.
    `images` is the size of the training set, `autocast` whether the network computes in bfloat16.
    """

    module: nn.Module
    optimizers: Sequence[Optimizer]
    teacher: Callable[[str], nn.Module]
    store: dict[str, object] = field(default_factory=dict)
    images: int = 0
    autocast: bool = False


@dataclass(frozen=True, eq=False)
class Batch:
    """One training step: images [N, C, H, W] and labels as the network saw them, its logits, the share of steps done.

    `places` [N] says where in the training set the images stand.
    """

    images: Tensor
    labels: Tensor
    logits: Tensor
    progress: float
    places: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))


@dataclass(frozen=True)
class Technique:
    """Base of all techniques."""

    @property
    def teachers(self) -> tuple[str, ...]:
        """The methods whose networks it learns from. One that has teachers adds nothing to the module's state."""
        return ()

    def prepare(self, context: Context) -> None:
        """Once, before the first step of a run, resumed or not: hooks on modules, teachers.

        A run that is over does not prepare techniques with teachers.
        """

    def before_step(self, context: Context, progress: float) -> None:
        """Before every forward pass."""

    def loss(self, context: Context, batch: Batch) -> Tensor | None:
        """What is added to the recipe's loss, if anything."""
        return None

    def after_step(self, context: Context, progress: float) -> None:
        """After every step of the optimizers: bounds, projections, masks."""


def latent_layers(module: nn.Module) -> list[QuantConv2d | QuantLinear]:
    """The layers with quantized weights, in order of the forward pass for the zoo's networks."""
    return [layer for layer in module.modules() if isinstance(layer, QuantConv2d | QuantLinear)]


def batch_norms(module: nn.Module) -> list[nn.BatchNorm1d | nn.BatchNorm2d]:
    """Its batch norms, those over features and those over maps."""
    return [layer for layer in module.modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]


def one_bit_layers(module: nn.Module) -> list[QuantConv2d | QuantLinear]:
    """Those whose weights are signs times at most a scale."""
    with torch.no_grad():
        terms = [(layer, layer.quantizer.terms(layer.weight)) for layer in latent_layers(module)]
    return [layer for layer, found in terms if len(found) == 1 and found[0].dtype == BIPOLAR]
