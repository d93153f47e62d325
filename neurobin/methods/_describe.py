"""The blocks inside a method's network, with their formulas: what its page says about forward and backward pass.

A block's formula is the first paragraph of its own file; the gradient is that of the estimator it was given.
"""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass, fields, is_dataclass

import torch
from torch import nn

from neurobin.methods._method import Method
from neurobin.nets import Task
from neurobin.nn.estimators import Estimator
from neurobin.recipes import Recipe

_WEIGHTS = "neurobin.nn.weights"
_ACTIVATIONS = "neurobin.nn.activations"
_LAYERS = "neurobin.nn.layers"
_KINDS = {_WEIGHTS: "weights", _ACTIVATIONS: "activation", _LAYERS: "layer"}
_EVERYWHERE = {"QuantConv2d", "QuantLinear", "InputNorm"}  # the plain layers say nothing about a method


@dataclass(frozen=True)
class Block:
    """One kind of block: where it is used first, what it computes, and the gradient that training puts in its place."""

    kind: str
    name: str
    first: str
    count: int
    forward: str
    backward: str


def blocks(method: Method, task: Task) -> tuple[Block, ...]:
    """The distinct blocks of the network for `task`, in order of their first use."""
    with torch.random.fork_rng(devices=[]):
        module = method.build(task)
    found: dict[tuple[str, str], list[tuple[str, object]]] = {}
    for place, layer in module.named_modules():
        for part in (getattr(layer, "quantizer", None), layer):
            kind = _kind(part)
            if kind and type(part).__name__ not in _EVERYWHERE:
                found.setdefault((kind, _title(part)), []).append((place.removesuffix(".quantizer"), part))
    return tuple(
        Block(kind, name, places[0][0], len({place for place, _ in places}), _forward(places[0][1]), _backward(places[0][1]))
        for (kind, name), places in found.items()
    )


def training(recipe: Recipe) -> str:
    """How the zoo trains a method, in one line."""
    optimizer = recipe.optimizer if isinstance(recipe.optimizer, str) else repr(recipe.optimizer)
    parts = [
        f"{optimizer} from {recipe.lr:g}, {recipe.schedule}",
        f"batches of {recipe.batch}",
        f"{recipe.epochs} epochs ({recipe.epochs_large} on large data sets)",
        f"images moved by up to {recipe.shift} pixel{'s' * (recipe.shift != 1)}",
        recipe.loss.replace("_", " ") if recipe.loss != "none" else "",
        *(repr(technique) for technique in recipe.techniques),
    ]
    return "; ".join(part for part in parts if part)


def _kind(part: object) -> str:
    """weights, activation or layer for our own blocks, nothing for torch's and for networks."""
    module = type(part).__module__
    return next((kind for prefix, kind in _KINDS.items() if module.startswith(prefix)), "")


def _title(part: object) -> str:
    """The block with what distinguishes it: a dataclass by its fields, estimators by name, a module by its class."""
    if isinstance(part, nn.Module) or not is_dataclass(part):
        return type(part).__name__
    values = ((field.name, getattr(part, field.name)) for field in fields(part))
    said = (f"{name}={value.name if isinstance(value, Estimator) else value!r}" for name, value in values)
    return f"{type(part).__name__}({', '.join(said)})"


def _forward(part: object) -> str:
    """The first paragraph of the block's file, and the one behind it when the formula only stands there."""
    text = inspect.cleandoc(sys.modules[type(part).__module__].__doc__ or "")
    first, *others = (" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    return first if "=" in first or not others else f"{first} {others[0]}"


def _backward(part: object) -> str:
    """The estimator's formula, or that the block has a backward pass of its own."""
    estimator = getattr(part, "estimator", None)
    if isinstance(estimator, Estimator):
        return f"{estimator.name}: {estimator.formula} ({estimator.paper})"
    return "by differentiation of the forward formula, or as the block's file states"
