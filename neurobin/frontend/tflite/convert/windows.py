"""Strides, dilations and padding of TensorFlow Lite's windows."""

from __future__ import annotations

from neurobin.frontend.onnx.convert.values import Flow
from neurobin.frontend.tflite.model import Operator
from neurobin.frontend.windows import same_window
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
    if mode == _SAME:
        return same_window(x.sizes, kernel, stride, dilation)
    return Window(kernel, stride, (0, 0, 0, 0), dilation)


def pool_window(operator: Operator, x: Flow) -> Window:
    """The window of a pool."""
    return window(operator, x, (operator.positive("filter_height"), operator.positive("filter_width")))
