"""`Method`: one paper as a composition of blocks, with its training recipe and what it claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurobin.nets import Task
from neurobin.nets.task import Goal
from neurobin.passes.precision import Precision
from neurobin.recipes import Recipe

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Method", "Precision", "Published", "Recipe"]


@dataclass(frozen=True)
class Published:
    """An accuracy from the literature, never one of ours: data set and network, percent correct (top-1), where it stands."""

    network: str
    accuracy_percent: float
    source: str


@dataclass(frozen=True)
class Method:
    """A published way to train small networks.

    `weights` and `activations` say in words what is quantized how, `blocks` name the method's building blocks, `first` and
    `last` what happens at the ends; `build` makes the module for a task that asks for `goal`; `notes` say where the zoo's
    network departs from the paper. A `baseline` is what others of its topology are held against: full precision.
    """

    name: str
    title: str
    paper: str
    authors: str
    venue: str
    year: int
    arxiv: str
    weights: str
    activations: str
    first: str
    last: str
    blocks: tuple[str, ...]
    build: Callable[[Task], nn.Module]
    recipe: Recipe
    precision: Precision
    literature_accuracy: tuple[Published, ...] = ()
    notes: tuple[str, ...] = ()
    goal: Goal = Goal.CLASSIFICATION
    baseline: bool = False

    @property
    def citation(self) -> str:
        """Authors, title, venue and year in one line."""
        arxiv = f", arXiv {self.arxiv}" if self.arxiv else ""
        return f"{self.authors}: {self.paper}. {self.venue}, {self.year}{arxiv}"
