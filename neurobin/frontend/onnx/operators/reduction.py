"""Sums, means and extremes along axes; the places and values of the largest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurobin.frontend.onnx.operators._frame import SLOW, Frame, Operator


def _reduction(function: Callable[..., np.ndarray]) -> Operator:
    """Along the given axes (an attribute in older opsets, an input in newer ones), along all where there are none."""

    def operator(frame: Frame, x: np.ndarray, axes: np.ndarray | None = None) -> np.ndarray:
        call = frame.call
        given = call.integers("axes") if axes is None else frame.whole(axes, "axes")
        if not given and call.attributes.get("noop_with_empty_axes", 0):
            return x
        along = frame.axes(given, x.ndim) if given else tuple(range(x.ndim))
        frame.room([1 if axis in along else size for axis, size in enumerate(x.shape)], np.int64)
        if call.op == "ReduceMean" and any(x.shape[axis] == 0 for axis in along):
            raise call.refuse(f"takes the mean of no elements, along axes {list(along)} of {list(x.shape)}")
        reduced = function(frame.wide(x), axis=along, keepdims=bool(call.integer("keepdims")))
        return np.asarray(reduced).astype(x.dtype)

    return operator


def _lowest(kind: np.dtype) -> float | int | bool:
    """What every other value of the type wins over."""
    return False if kind.kind == "b" else -np.inf if kind.kind == "f" else int(np.iinfo(kind).min)


def _highest(kind: np.dtype) -> float | int | bool:
    return True if kind.kind == "b" else np.inf if kind.kind == "f" else int(np.iinfo(kind).max)


def _extreme(function: Callable[..., np.ndarray]) -> Operator:
    """The place of the first largest (smallest) value along an axis, or of the last one where select_last_index is 1."""

    def operator(frame: Frame, x: np.ndarray) -> np.ndarray:
        axis = frame.axis(frame.call.integer("axis"), x.ndim)
        if x.shape[axis] == 0:
            raise frame.call.refuse("looks for an extreme where there is no element")
        frame.room([size for place, size in enumerate(x.shape) if place != axis], np.int64)
        if frame.call.attributes.get("select_last_index", 0):
            places = x.shape[axis] - 1 - function(np.flip(x, axis), axis=axis)
        else:
            places = function(x, axis=axis)
        found = places.astype(np.int64)
        return np.expand_dims(found, axis) if frame.call.integer("keepdims") else found

    return operator


def top_k(frame: Frame, x: np.ndarray, count: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The k largest (smallest) values along an axis with their places, in order; the first place wins a tie."""
    call, axis = frame.call, frame.axis(frame.call.integer("axis"), x.ndim)
    k = call.integer("k") if count is None else (frame.whole(count, "k") or (0,))[0]
    if not 0 <= k <= x.shape[axis]:
        raise call.refuse(f"asks for {k} of {x.shape[axis]} elements")
    frame.room(x.shape, np.int64)
    frame.work(4 * SLOW * x.size)
    if call.attributes.get("largest", 1):
        order = x.shape[axis] - 1 - np.flip(np.argsort(np.flip(x, axis), axis=axis, kind="stable"), axis)
    else:
        order = np.argsort(x, axis=axis, kind="stable")
    places = np.take(order, np.arange(k), axis)
    return np.take_along_axis(x, places, axis), places.astype(np.int64)


OPERATORS: dict[str, Operator] = {
    "ReduceSum": _reduction(np.sum),
    "ReduceMean": _reduction(np.mean),
    "ReduceMax": _reduction(lambda x, **how: np.max(x, initial=_lowest(x.dtype), **how)),
    "ReduceMin": _reduction(lambda x, **how: np.min(x, initial=_highest(x.dtype), **how)),
    "ReduceProd": _reduction(np.prod),
    "ArgMax": _extreme(np.argmax),
    "ArgMin": _extreme(np.argmin),
    "TopK": top_k,
}
