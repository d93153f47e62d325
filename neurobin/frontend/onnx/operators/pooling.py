"""Maximum and mean over windows. Padding never wins a maximum; whether it counts in a mean is an attribute."""

from __future__ import annotations

import numpy as np

from neurobin.frontend.onnx.operators._frame import Frame, Operator
from neurobin.frontend.onnx.operators._window import Window, window


def max_pool(frame: Frame, x: np.ndarray) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """The largest value of each window and, where a second output is named, its place in the flat tensor."""
    over = _window(frame, x)
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    values = over.windows(over.padded(frame, x, lowest))
    flat = values.reshape(*values.shape[: 2 + over.axes], -1)
    largest = flat.max(-1)
    if len(frame.call.outputs) < 2 or not frame.call.outputs[1]:
        return largest
    frame.room(flat.shape, np.int64)
    return largest, _places(frame, x, over, flat)


def _places(frame: Frame, x: np.ndarray, over: Window, flat: np.ndarray) -> np.ndarray:
    """Index over [N, C, spatial ...] of each window's first largest value; storage_order 1 counts columns first."""
    spatial = x.shape[2:]
    order = "F" if frame.call.attributes.get("storage_order", 0) else "C"
    index = np.arange(int(np.prod(spatial)), dtype=np.int64).reshape(spatial, order=order)  # type: ignore[call-overload]
    inside = over.windows(over.padded(frame, index[None, None], -1)).reshape(1, 1, *over.sizes, -1)
    first = np.where(inside < 0, False, flat == flat.max(-1, keepdims=True)).argmax(-1)
    places = np.take_along_axis(np.broadcast_to(inside, flat.shape), first[..., None], -1)[..., 0]
    planes = np.arange(x.shape[0] * x.shape[1]).reshape(*x.shape[:2], *(1,) * over.axes)
    return places + planes * index.size


def average_pool(frame: Frame, x: np.ndarray) -> np.ndarray:
    """The mean of each window over the elements of the map, or with the explicit padding; never over cells beyond it."""
    over = _window(frame, x)
    sums = _sums(frame, over, frame.wide(x))
    counted = np.ones((1, 1, *x.shape[2:]))
    if frame.call.attributes.get("count_include_pad", 0):
        widths = [(0, 0), (0, 0), *zip(over.begins, over.ends, strict=True)]
        inner = Window(over.kernel, over.strides, over.dilations, (0,) * over.axes, (0,) * over.axes, over.sizes)
        count = _sums(frame, inner, np.pad(counted, widths, constant_values=1))
    else:
        count = _sums(frame, over, counted)
    return (sums / count).astype(x.dtype)


def _sums(frame: Frame, over: Window, x: np.ndarray) -> np.ndarray:
    values = over.windows(over.padded(frame, x, 0))
    return values.sum(axis=tuple(range(2 + over.axes, values.ndim)))


def _window(frame: Frame, x: np.ndarray) -> Window:
    kernel = frame.call.integers("kernel_shape")
    if kernel is None or x.ndim < 3:
        raise frame.call.refuse(f"pools a tensor of shape {list(x.shape)}")
    over = window(frame, x.shape[2:], kernel)
    frame.room((*x.shape[:2], *over.sizes, *over.kernel), x.dtype)
    return over


def global_average_pool(frame: Frame, x: np.ndarray) -> np.ndarray:
    return frame.wide(x).mean(axis=_spatial(frame, x), keepdims=True).astype(x.dtype)


def global_max_pool(frame: Frame, x: np.ndarray) -> np.ndarray:
    return x.max(axis=_spatial(frame, x), keepdims=True)


def _spatial(frame: Frame, x: np.ndarray) -> tuple[int, ...]:
    if x.ndim < 3 or 0 in x.shape:
        raise frame.call.refuse(f"pools a tensor of shape {list(x.shape)}")
    return tuple(range(2, x.ndim))


OPERATORS: dict[str, Operator] = {
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": global_average_pool,
    "GlobalMaxPool": global_max_pool,
}
