"""`Method`: one paper as a composition of blocks, with its training recipe and what it claims."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from neurobin.nets import Task
from neurobin.passes.precision import Precision

__all__ = ["Method", "Precision", "Published", "Recipe"]


@dataclass(frozen=True)
class Recipe:
    """How the zoo's networks of a method are trained; not the paper's own schedule unless the method's notes say so.

    `epochs` is for small data sets such as the digits, `epochs_large` for 10,000 training images and more. `clip` bounds
    the latent weights of quantized layers after every step (None: not clipped); images move by up to `shift`
    pixels. `min_gamma` bounds the factors of batch norms from below, as XNOR-Net's code does for small networks, so that
    pooling and quantizing commute.
    """

    epochs: int = 60
    epochs_large: int = 15
    batch: int = 64
    optimizer: str = "adam"
    lr: float = 5e-3
    schedule: str = "cosine"
    weight_decay: float = 0.0
    clip: float | None = None
    loss: str = "cross_entropy"
    shift: int = 1
    min_gamma: float | None = None


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
    `last` what happens at the ends; `build` makes the module for a task; `notes` say where the zoo's network departs from
    the paper.
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

    @property
    def citation(self) -> str:
        """Authors, title, venue and year in one line."""
        arxiv = f", arXiv {self.arxiv}" if self.arxiv else ""
        return f"{self.authors}: {self.paper}. {self.venue}, {self.year}{arxiv}"
