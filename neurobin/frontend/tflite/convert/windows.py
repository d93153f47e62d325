"""Strides, dilations and padding of TensorFlow Lite's windows: SAME puts an odd cell at the bottom and right."""

from __future__ import annotations

from neurobin.frontend.onnx.convert.values import Flow
from neurobin.frontend.tflite.model import Operator
from neurobin.ops._window import Window

_SAME, _VALID = 0, 1


def window(operator: Operator, x: Flow, kernel: tuple[int, int], dilated: bool = False) -> Window:
    """The window of an operator over a map [H, W, C]. Raises FormatError for sizes below 1 and an unknown padding."""
    stride = (operator.positive("stride_height"), operator.positive("stride_width"))
    dilation = (1, 1)
    if dilated:
        dilation = (operator.positive("dilation_height_factor"), operator.positive("dilation_width_factor"))
    mode = operator.integer("padding")
    if mode not in (_SAME, _VALID):
        raise operator.refuse(f"padding is {mode}, expected 0 (SAME) or 1 (VALID)")
    before, after = [0, 0], [0, 0]
    if mode == _SAME:
        for axis in range(2):
            # ceil(size / stride) windows, the last of which begins at (count - 1) * stride and reaches d (k - 1) + 1 cells
            count = -(-x.sizes[axis] // stride[axis])
            reach = dilation[axis] * (kernel[axis] - 1) + 1
            missing = max((count - 1) * stride[axis] + reach - x.sizes[axis], 0)
            before[axis], after[axis] = missing // 2, missing - missing // 2
    return Window(kernel, stride, (before[0], before[1], after[0], after[1]), dilation)


def pool_window(operator: Operator, x: Flow) -> Window:
    """The window of a pool."""
    return window(operator, x, (operator.positive("filter_height"), operator.positive("filter_width")))
