"""`Dataset`: images and labels, split, as whole numbers, and the score of a network's answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from neurobin.data.score import score
from neurobin.errors import FormatError, UsageError
from neurobin.nets import Task
from neurobin.nets.task import Goal
from neurobin.nn.grid import BOX_FIELDS, NO_BOX

LARGE = 10_000


@dataclass(frozen=True, eq=False)
class Dataset:
    """`x_*` uint8 [N, H, W, C] with pixels 0 ... levels - 1, `y_*` int64 [N] with labels 0 ... classes - 1.

    For detection `y_*` is int64 [N, M, 5], rows of boxes (see `neurobin.nn.grid`), each row of class -1 being none.
    Raises FormatError when the arrays do not fit together.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: int
    levels: int
    goal: Goal = Goal.CLASSIFICATION

    def __post_init__(self) -> None:
        for part, x, y in (("train", self.x_train, self.y_train), ("test", self.x_test, self.y_test)):
            where = f"data set {self.name}, {part} part"
            if x.ndim != 4 or x.dtype != np.uint8:
                raise FormatError(f"expected uint8 images [N, H, W, C], got {x.dtype} {x.shape}", where=where)
            if y.dtype != np.int64:
                raise FormatError(f"expected whole numbers as labels, got {y.dtype}", where=where)
            labels = self._classes(x, y, where)
            if labels.min() < 0 or labels.max() >= self.classes:
                reach = f"labels reach from {labels.min()} to {labels.max()}"
                raise FormatError(f"{reach}, expected 0 to {self.classes - 1}", where=where)
            if x.max() >= self.levels:
                raise FormatError(f"a pixel is {x.max()}, expected less than {self.levels}", where=where)
        if self.x_train.shape[1:] != self.x_test.shape[1:]:
            raise FormatError(
                f"train images are {self.x_train.shape[1:]}, test images {self.x_test.shape[1:]}",
                where=f"data set {self.name}",
            )

    def _classes(self, x: np.ndarray, y: np.ndarray, where: str) -> np.ndarray:
        """The class of every label. Raises FormatError for labels of another shape and for boxes outside their image."""
        if self.goal is Goal.CLASSIFICATION:
            if y.shape != (len(x),) or len(x) == 0:
                raise FormatError(f"expected one label per image, got {y.shape} for {len(x)} images", where=where)
            return y
        if y.ndim != 3 or y.shape[::2] != (len(x), BOX_FIELDS) or not (y[..., 0] != NO_BOX).any():
            raise FormatError(f"expected boxes [{len(x)}, M, {BOX_FIELDS}] with at least one, got {y.shape}", where=where)
        boxes = y[y[..., 0] != NO_BOX]
        low, high = boxes[:, 1:3], boxes[:, 3:]
        if (low < 0).any() or (low >= high).any() or (high > [x.shape[2], x.shape[1]]).any():
            raise FormatError("a box is empty or reaches out of its image", where=where)
        return boxes[:, 0]

    def held_out(self, images: int) -> Dataset:
        """The training images alone, the last `images` of them in place of the test split: for choosing recipes.

        Raises UsageError unless some are left to train on.
        """
        if not 0 < images < len(self.x_train):
            raise UsageError(f"expected to hold out 1 to {len(self.x_train) - 1} of the training images, got {images}")
        x, y = self.x_train, self.y_train
        name = f"{self.name}_held_out_{images}"
        return replace(self, name=name, x_train=x[:-images], y_train=y[:-images], x_test=x[-images:], y_test=y[-images:])

    @property
    def large(self) -> bool:
        """10,000 training images or more."""
        return len(self.x_train) >= LARGE

    @property
    def task(self) -> Task:
        """What a network must be built for."""
        height, width, channels = self.x_train.shape[1:]
        return Task(height, width, channels, self.classes, self.levels, goal=self.goal)

    def score(self, outputs: np.ndarray) -> Mapping[str, float]:
        """How good real outputs [N, ...] for the test split are, from 0 to 1 by name of the measure; one is "accuracy"."""
        return score(self.goal, outputs, self.y_test)
