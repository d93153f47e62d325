"""The blocks inside a method's network, with their formulas: what its page says about forward and backward pass.

A block says it itself, in the docstring of its file: the formula is in the paragraphs down to the first equation, and what
is particular about the gradient in one that begins with "Gradient:". The estimator that it was given comes behind. A block
with neither has the gradient of its formula, by differentiation. Layers that are `plain` are left out.
"""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import dataclass

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
_EQUATION = re.compile(r"(?<![<>=!])=(?!=)")
_GRADIENT = "Gradient:"


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
            if kind and not getattr(part, "plain", False):
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
    """The block with what it was made with."""
    if not isinstance(part, nn.Module):
        return repr(part)
    said = part.extra_repr()
    return f"{type(part).__name__}({said})" if said else type(part).__name__


def _paragraphs(part: object) -> list[str]:
    """Those of the docstring of the block's file, each in one line."""
    text = inspect.cleandoc(sys.modules[type(part).__module__].__doc__ or "")
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


def _forward(part: object) -> str:
    """The paragraphs down to the first with an equation; the first one where there is none."""
    said = [paragraph for paragraph in _paragraphs(part) if not paragraph.startswith(_GRADIENT)]
    down_to = next((place for place, paragraph in enumerate(said) if _EQUATION.search(paragraph)), 0)
    return " ".join(said[: down_to + 1])


def _backward(part: object) -> str:
    """What the file says about the gradient, and the formula of the estimator."""
    said = [paragraph.removeprefix(_GRADIENT).strip() for paragraph in _paragraphs(part) if paragraph.startswith(_GRADIENT)]
    estimator = getattr(part, "estimator", None) or getattr(getattr(part, "scheme", None), "estimator", None)
    if isinstance(estimator, Estimator):
        said.append(f"{estimator.name}: {estimator.formula} ({estimator.paper})")
    return " ".join(said) or "by differentiation of the forward formula"
