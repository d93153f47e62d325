"""Networks of other tools on the command line: what their files do not say, as options, and the graph that comes of it."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neurobin.cli._common import load_model, note, split_images
from neurobin.errors import UsageError, nearest

if TYPE_CHECKING:
    import numpy as np

    from neurobin.frontend.images import Images
    from neurobin.frontend.limits import Limits
    from neurobin.ir import Graph

CALIBRATION = 256


@dataclass(frozen=True)
class Import:
    """The data set a network was trained on, what one step of a pixel is worth to it, and which limits are raised."""

    data: str | None = None
    pixel: str | None = None
    allowed: tuple[str, ...] = ()

    @property
    def images(self) -> Images | None:
        """What an image is to the network. Raises UsageError for other texts than SCALE or SCALE,OFFSET."""
        from neurobin.frontend.images import Images

        if self.pixel is None:
            return None
        try:
            scale, _, offset = self.pixel.partition(",")
            made = Images(scale=float(Fraction(scale)), offset=float(Fraction(offset or "0")))
        except (ValueError, ArithmeticError):  # no number, one over 0, or one beyond float64
            raise UsageError(f"expected --pixel SCALE or SCALE,OFFSET, got {self.pixel!r}", hint="--pixel 1/255") from None
        if not made.scale > 0:
            raise UsageError(f"one step of a pixel is worth more than 0, got {self.pixel!r}")
        return made

    @property
    def limits(self) -> Limits:
        """The limits on files, with those that were raised. Raises UsageError for an unknown name."""
        from neurobin.frontend.limits import DEFAULT

        known = [field.name for field in fields(DEFAULT)]
        raised: dict[str, int] = {}
        for text in self.allowed:
            name, _, number = text.partition("=")
            if name not in known:
                raise UsageError(f"no limit {name!r}", hint=nearest(name, known))
            if not (number.isascii() and number.isdigit() and len(number) <= 15):
                raise UsageError(f"expected --allow {name}=NUMBER, got {text!r}")
            raised[name] = int(number)
        return replace(DEFAULT, **raised)


def import_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options for networks of other tools and passes them to the command as `how`."""

    @click.option("--test-data", metavar="NAME", help="Imported networks: the data set whose images they take.")
    @click.option(
        "--pixel", metavar="SCALE[,OFFSET]", help="Imported networks: what a pixel's step is worth. Default: 1/255."
    )
    @click.option("--allow", "allowed", multiple=True, metavar="LIMIT=N", help="Imported networks: raise a limit on files.")
    @functools.wraps(command)
    def with_import(*args: Any, test_data: str | None, pixel: str | None, allowed: tuple[str, ...], **kwargs: Any) -> Any:
        return command(*args, how=Import(test_data, pixel, allowed), **kwargs)

    return with_import


def imported(name: str, how: Import, weights: Path | None = None) -> Graph:
    """A network by name, or in a file of any known format, beside a file of its weights; those of other tools as trained.

    Raises UsageError, FormatError, GraphError or UnsupportedError.
    """
    if weights is None and not is_file_name(name):
        return load_model(name)
    from neurobin.frontend.load import load

    graph = load(Path(name), how.images, how.limits, weights)
    stem = Path(name).stem.removesuffix(".trained")
    if "name" not in graph.meta:
        graph = graph.with_meta(name=stem, title=stem)
    _tell_pixels(graph, Path(name), how)
    return of_data(graph, how)


def _tell_pixels(graph: Graph, path: Path, how: Import) -> None:
    """What no file says decides the accuracy on real images, so an assumption of ours is stated."""
    from neurobin.frontend.load import NBIN, recognise

    name, ours = graph.meta["name"], recognise(path) == NBIN
    if ours and how.pixel is not None:
        note(f"{name}: a .nbin says itself what an image is, --pixel is left aside")
    elif not ours and how.pixel is None and how.data is not None and not graph.is_deployed:
        note(f"{name}: where the file does not say what an image is, pixels over 255 (--pixel SCALE,OFFSET changes it)")


def of_data(graph: Graph, how: Import) -> Graph:
    """The graph, with the data set that the command line names for it; one that its own file names stays.

    Raises UsageError for a name that is no data set.
    """
    from neurobin.data import dataset_names

    if how.data is None:
        return graph
    if how.data not in dataset_names():
        raise UsageError(f"unknown data set {how.data!r}", hint=nearest(how.data, dataset_names()))
    own = graph.meta.get("dataset", how.data)
    if own != how.data:
        note(f"{graph.meta.get('name', 'network')}: its file names the data set {own}, --test-data {how.data} is left aside")
    return graph.with_meta(dataset=own)


def is_file_name(name: str) -> bool:
    """True for what can only be meant as a file: one that is there, or a name with a suffix or a folder."""
    from neurobin import zoo

    return name not in zoo.names() and (Path(name).exists() or "." in name or os.sep in name)


def deployed(name: str, how: Import) -> Graph:
    """A network of integers: one that is, or one of another tool, lowered now. Raises UsageError for our own as trained."""
    return in_integers(imported(name, how), name)


def in_integers(graph: Graph, name: str) -> Graph:
    """A network that `name` gave, lowered now if it is one of another tool as trained. Raises as `deployed` does."""
    if graph.is_deployed:
        return graph
    if "source" not in graph.meta:
        raise UsageError(f"{name} is a graph as trained, this needs integers", hint=f"neurobin lower {name} -o out.nbin")
    from neurobin.passes import lower

    return lower(graph, calibration_images(graph, CALIBRATION))


def calibration_images(graph: Graph, count: int) -> np.ndarray:
    """Training images of the network's data set, or random ones, which are named as such."""
    from neurobin.data.random_images import random_images

    if "dataset" in graph.meta:
        return split_images(graph, count, split="train").images
    note(f"{graph.meta.get('name', 'network')}: calibrated on random images (--test-data NAME calibrates on real ones)")
    return random_images(graph.inputs[graph.input])
