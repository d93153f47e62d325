"""How many images to execute: an option, and the images of a network that it stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from neurobin.cli._common import images_to_execute

if TYPE_CHECKING:
    import numpy as np

    from neurobin.ir import Graph

F = TypeVar("F", bound=Callable[..., Any])
ImageCount = int | Literal["sample", "all"]
WHOLE, SAMPLE = 500, 200  # a test split of up to 500 images is executed whole, of a larger one the first 200


class _Count(click.ParamType):
    """A whole number from `least` on, `all`, or the default's own word."""

    name = "count"

    def __init__(self, least: int, default: str) -> None:
        self.least, self.words = least, ("all", default)

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        text = str(value)
        if text in self.words:
            return text
        if not (text.isascii() and text.isdigit()):
            self.fail(f"{text!r} is neither a number of images nor 'all'", param, ctx)
        if int(text) < self.least:
            self.fail(f"{text} is fewer than {self.least}", param, ctx)
        return int(text)


def images_option(least: int) -> Callable[[F], F]:
    """--images N|all, with the same default in every command that executes several networks."""
    none = "; 0: none" if least == 0 else ""
    words = f"Test images to execute. Default: all of a test split of up to {WHOLE}, {SAMPLE} of a larger one{none}."
    return click.option("--images", "count", type=_Count(least, "sample"), default="sample", metavar="N|all", help=words)


def whole_split_option(command: F) -> F:
    """--images N|all, for a command whose answer is about the test split as a whole."""
    return click.option(
        "--images", "count", type=_Count(1, "all"), default="all", metavar="N|all", help="Test images to run. Default: all."
    )(command)


def chosen_images(graph: Graph, count: ImageCount) -> tuple[np.ndarray, np.ndarray | None]:
    """The images to execute, and the test split that they are from: None where they are random ones."""
    images, real = images_to_execute(graph, None)
    whole = len(images)
    sample = SAMPLE if whole > WHOLE else whole
    wanted = count if isinstance(count, int) else {"sample": sample, "all": whole}[count]
    return images[:wanted], images if real else None
