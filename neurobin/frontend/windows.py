"""Windows as TensorFlow places them: "same" padding puts an odd cell at the bottom and right, means leave padding out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurobin.ops._window import Window


def same_window(
    sizes: Sequence[int], kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int] = (1, 1)
) -> Window:
    """The window over a map of `sizes` (H, W, ..) that makes ceil(size / stride) places."""
    before, after = [0, 0], [0, 0]
    for axis in range(2):
        # the last of ceil(size / stride) windows begins at (count - 1) * stride and reaches d (k - 1) + 1 cells
        count = -(-sizes[axis] // stride[axis])
        reach = dilation[axis] * (kernel[axis] - 1) + 1
        missing = max((count - 1) * stride[axis] + reach - sizes[axis], 0)
        before[axis], after[axis] = missing // 2, missing - missing // 2
    return Window(kernel, stride, (before[0], before[1], after[0], after[1]), dilation)


def cells(window: Window, sizes: tuple[int, ...]) -> np.ndarray:
    """float64 [OH, OW]: how many cells of the map (H, W, C) each window reads, without dilation."""
    counts = []
    for axis, count in enumerate(window.output(sizes)):
        begin = np.arange(count) * window.stride[axis] - window.padding[axis]
        counts.append(np.minimum(begin + window.kernel[axis], sizes[axis]) - np.maximum(begin, 0))
    return np.outer(*counts).astype(np.float64)
