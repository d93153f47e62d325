"""Optimizers by name: the recipe's choice for a network's parameters, as one optimizer or one per kind of parameter.

A choice is a function of module and recipe. Those that have more to say than a rate are frozen dataclasses, which a recipe
may name with its own numbers: `optimizer=BopAndAdam(gamma=1e-3)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from neurobin.errors import UsageError, nearest
from neurobin.nn.steps import sign
from neurobin.nn.weights.sign import SignWeights
from neurobin.recipes.bop import Bop
from neurobin.recipes.recipe import Recipe
from neurobin.recipes.techniques import latent_layers, one_bit_layers

Groups = list[dict[str, object]]
Choice = Callable[[nn.Module, Recipe], tuple[Optimizer, ...]]


def optimizers(module: nn.Module, recipe: Recipe) -> tuple[Optimizer, ...]:
    """The optimizers that together train all parameters. Raises UsageError for an unknown name."""
    chosen = recipe.optimizer
    if not isinstance(chosen, str):
        return chosen(module, recipe)
    if chosen not in OPTIMIZERS:
        raise UsageError(f"unknown optimizer {chosen!r}", hint=nearest(chosen, OPTIMIZERS))
    return OPTIMIZERS[chosen](module, recipe)


def groups(module: nn.Module, recipe: Recipe, without: tuple[nn.Parameter, ...] = ()) -> Groups:
    """All parameters but those in `without`.

    Weight decay acts on matrices and filters of real layers only: on latent weights it would only flip signs.
    """
    latent = {id(layer.weight) for layer in latent_layers(module)}
    left_out = {id(parameter) for parameter in without}
    parameters = [p for p in module.parameters() if id(p) not in left_out]
    decayed = [p for p in parameters if p.dim() > 1 and id(p) not in latent]
    plain = [p for p in parameters if p.dim() <= 1 or id(p) in latent]
    return [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]


def _adam(module: nn.Module, recipe: Recipe) -> tuple[Optimizer, ...]:
    return (torch.optim.Adam(groups(module, recipe), lr=recipe.lr),)


def _radam(module: nn.Module, recipe: Recipe) -> tuple[Optimizer, ...]:
    return (torch.optim.RAdam(groups(module, recipe), lr=recipe.lr),)


def _sgd(module: nn.Module, recipe: Recipe) -> tuple[Optimizer, ...]:
    return (torch.optim.SGD(groups(module, recipe), lr=recipe.lr, momentum=0.9),)


@dataclass(frozen=True)
class BopAndAdam:
    """Bop flips the weights of layers with plain sign weights, which start as signs; Adam has the rest at the recipe's rate.

    Raises UsageError when there are no such layers.
    """

    gamma: float = 1e-4
    threshold: float = 1e-8

    def __call__(self, module: nn.Module, recipe: Recipe) -> tuple[Optimizer, ...]:
        flipped = tuple(layer.weight for layer in latent_layers(module) if isinstance(layer.quantizer, SignWeights))
        if not flipped:
            raise UsageError("Bop flips sign weights, and this network has none", hint="adam")
        with torch.no_grad():
            for weight in flipped:
                weight.copy_(sign(weight))
        return Bop(flipped, self.gamma, self.threshold), torch.optim.Adam(groups(module, recipe, flipped), lr=recipe.lr)


@dataclass(frozen=True)
class AdamAndSgd:
    """Adam for one-bit weights, SGD with momentum 0.9 at `ratio` times its rate for all others (QuickNet: 1e-2 and 1e-1)."""

    ratio: float = 10.0

    def __call__(self, module: nn.Module, recipe: Recipe) -> tuple[Optimizer, ...]:
        binary = tuple(layer.weight for layer in one_bit_layers(module))
        if not binary:
            raise UsageError("a mixed optimizer treats one-bit weights apart, and this network has none", hint="sgd")
        others = torch.optim.SGD(groups(module, recipe, binary), lr=self.ratio * recipe.lr, momentum=0.9)
        return torch.optim.Adam(binary, lr=recipe.lr), others


OPTIMIZERS: dict[str, Choice] = {
    "adam": _adam,
    "radam": _radam,
    "sgd": _sgd,
    "bop": BopAndAdam(),
    "mixed": AdamAndSgd(),
}
