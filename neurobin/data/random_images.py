"""Images of noise, for what any input can show: that executions agree. They say nothing about accuracy."""

from __future__ import annotations

import numpy as np

from neurobin.ir import TensorType

RANDOM_IMAGES = 64


def random_images(kind: TensorType, count: int = RANDOM_IMAGES) -> np.ndarray:
    """[count, *shape], the same for every call: whole numbers of the whole range of the input."""
    return np.random.default_rng(0).integers(kind.dtype.low, kind.dtype.high + 1, (count, *kind.shape))
