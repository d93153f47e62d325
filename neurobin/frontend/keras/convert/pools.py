"""Pools, padding, and other shapes of the same elements."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from neurobin.frontend.keras.convert.conversion import Conversion
from neurobin.frontend.keras.model import Call
from neurobin.frontend.windows import cells, same_window
from neurobin.ir import FLOAT64, Constant
from neurobin.ir.container import short
from neurobin.ops._window import Window
from neurobin.ops.avg_pool2d import AvgPool2d
from neurobin.ops.max_pool2d import MaxPool2d
from neurobin.ops.pad import Pad
from neurobin.ops.position_scale import PositionScale


def max_pool(c: Conversion, call: Call) -> str:
    x = c.map(call)
    window = _window(c, call, x)
    return c.add(MaxPool2d(window.kernel, window.stride, window.padding), x)


def average_pool(c: Conversion, call: Call) -> str:
    """The mean of what is not padding: where a window reaches over the edge, the mean with zeros times taps / cells."""
    x = c.map(call)
    window = _window(c, call, x)
    pooled = c.add(AvgPool2d(window.kernel, window.stride, window.padding), x)
    if not any(window.padding):
        return pooled
    return c.add(PositionScale(Constant(FLOAT64, window.taps / cells(window, c.shape(x)))), pooled)


def _window(c: Conversion, call: Call, x: str) -> Window:
    layer = call.layer
    kernel = layer.pair("pool_size", (2, 2))
    stride, mode = layer.pair("strides", kernel), layer.text("padding", "valid")
    if mode not in ("same", "valid"):
        raise layer.unsupported(f"padding {mode[:40]!r}, expected same or valid")
    window = same_window(c.shape(x), kernel, stride) if mode == "same" else Window(kernel, stride, (0, 0, 0, 0), (1, 1))
    c.slide(call, window, x)
    return window


def over_all(op: type[AvgPool2d] | type[MaxPool2d]) -> Callable[[Conversion, Call], str]:
    """One number per channel, of the whole map."""

    def rule(c: Conversion, call: Call) -> str:
        x = c.map(call)
        height, width, channels = c.shape(x)
        c.count(call, height * width * channels)
        pooled = c.add(op((height, width), (1, 1)), x)
        return pooled if call.layer.flag("keepdims") else c.shaped(call, pooled, (channels,))

    return rule


def pad(c: Conversion, call: Call) -> str:
    """ZeroPadding2D: one number, (vertical, horizontal), or ((top, bottom), (left, right))."""
    layer, x, stated = call.layer, c.map(call), call.layer.config.get("padding", 1)
    pair = stated if isinstance(stated, list) and len(stated) == 2 else [stated, stated]
    sides = [side if isinstance(side, list) else [side, side] for side in pair]
    if any(len(side) != 2 or not all(type(n) is int and 0 <= n < 2**16 for n in side) for side in sides):
        raise layer.refuse(f"padding is {short(stated)}, expected ((top, bottom), (left, right))")
    (top, bottom), (left, right) = sides
    c.pad(call, (top, left, bottom, right), x)
    return c.add(Pad((top, left, bottom, right)), x) if any((top, left, bottom, right)) else x


def flatten(c: Conversion, call: Call) -> str:
    x = c.input(call)
    if call.layer.text("data_format", "channels_last") != "channels_last":
        raise call.layer.unsupported("has its channels first, expected channels_last")
    return c.shaped(call, x, (prod(c.shape(x)),))


def reshape(c: Conversion, call: Call) -> str:
    """To target_shape, in which one -1 stands for what is left."""
    layer, x, stated = call.layer, c.input(call), call.layer.config.get("target_shape")
    if not isinstance(stated, list) or not all(type(n) is int and -1 <= n < 2**31 for n in stated) or len(stated) > 4:
        raise layer.refuse(f"target_shape is {short(stated)}, expected a few sizes")
    rest = prod(c.shape(x)) // max(1, prod(size for size in stated if size != -1))
    return c.shaped(call, x, [rest if size == -1 else size for size in stated])
