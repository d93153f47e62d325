"""Optimizers by name: the recipe's choice for a network's parameters, as one optimizer or one per kind of parameter."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

import torch
from torch import nn
from torch.optim import Optimizer

from neurobin.errors import UsageError
from neurobin.recipes.recipe import Recipe
from neurobin.recipes.techniques import latent_layers

Groups = list[dict[str, object]]


def optimizers(module: nn.Module, recipe: Recipe) -> tuple[Optimizer, ...]:
    """The optimizers that together train all parameters. Raises UsageError for an unknown name."""
    if recipe.optimizer not in OPTIMIZERS:
        near = get_close_matches(recipe.optimizer, OPTIMIZERS, n=1)
        hint = near[0] if near else ", ".join(OPTIMIZERS)
        raise UsageError(f"unknown optimizer {recipe.optimizer!r}", hint=hint)
    return OPTIMIZERS[recipe.optimizer](module, recipe)


def groups(module: nn.Module, recipe: Recipe) -> Groups:
    """Weight decay acts on matrices and filters of real layers only: on latent weights it would only flip signs."""
    latent = {id(layer.weight) for layer in latent_layers(module)}
    decayed = [p for p in module.parameters() if p.dim() > 1 and id(p) not in latent]
    plain = [p for p in module.parameters() if p.dim() <= 1 or id(p) in latent]
    return [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]


def _adam(module: nn.Module, recipe: Recipe) -> tuple[Optimizer, ...]:
    return (torch.optim.Adam(groups(module, recipe), lr=recipe.lr),)


def _sgd(module: nn.Module, recipe: Recipe) -> tuple[Optimizer, ...]:
    return (torch.optim.SGD(groups(module, recipe), lr=recipe.lr, momentum=0.9),)


OPTIMIZERS: dict[str, Callable[[nn.Module, Recipe], tuple[Optimizer, ...]]] = {"adam": _adam, "sgd": _sgd}
