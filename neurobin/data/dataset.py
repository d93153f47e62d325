"""`Dataset`: images and labels, split, as whole numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurobin.errors import FormatError, UsageError
from neurobin.nets import Task

LARGE = 10_000


@dataclass(frozen=True, eq=False)
class Dataset:
    """`x_*` uint8 [N, H, W, C] with pixels 0 ... levels - 1, `y_*` int64 [N] with labels 0 ... classes - 1.

    Raises FormatError when the arrays do not fit together.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: int
    levels: int

    def __post_init__(self) -> None:
        for part, x, y in (("train", self.x_train, self.y_train), ("test", self.x_test, self.y_test)):
            where = f"data set {self.name}, {part} part"
            if x.ndim != 4 or x.dtype != np.uint8:
                raise FormatError(f"expected uint8 images [N, H, W, C], got {x.dtype} {x.shape}", where=where)
            if y.shape != (len(x),) or len(x) == 0:
                raise FormatError(f"expected one label per image, got {y.shape} for {len(x)} images", where=where)
            if y.dtype != np.int64:
                raise FormatError(f"expected whole numbers as labels, got {y.dtype}", where=where)
            if y.min() < 0 or y.max() >= self.classes:
                raise FormatError(f"labels reach from {y.min()} to {y.max()}, expected 0 to {self.classes - 1}", where=where)
            if x.max() >= self.levels:
                raise FormatError(f"a pixel is {x.max()}, expected less than {self.levels}", where=where)
        if self.x_train.shape[1:] != self.x_test.shape[1:]:
            raise FormatError(
                f"train images are {self.x_train.shape[1:]}, test images {self.x_test.shape[1:]}",
                where=f"data set {self.name}",
            )

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
        return Task(height, width, channels, self.classes, self.levels)
