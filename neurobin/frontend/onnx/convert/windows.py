"""What a window of the standard is to the graph's ops: padding as far as windows reach, and the sizes that come of it."""

from __future__ import annotations

from collections.abc import Sequence

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.values import Flow
from neurobin.frontend.onnx.model import Call
from neurobin.frontend.onnx.operators._window import Window

Padding = tuple[int, int, int, int]


def two(values: Sequence[int]) -> tuple[int, int]:
    """Height and width."""
    return (int(values[0]), int(values[1]))


def pads(over: Window) -> Padding:
    """(top, left, bottom, right)"""
    return (over.begins[0], over.begins[1], over.ends[0], over.ends[1])


def reaching(over: Window, x: Flow) -> Padding:
    """Padding at the ends as far as windows reach: rounding up may read beyond it, or leave a part of it out."""
    ends = []
    for axis in range(2):
        reach = (over.sizes[axis] - 1) * over.strides[axis] + over.dilations[axis] * (over.kernel[axis] - 1) + 1
        ends.append(max(0, reach - over.begins[axis] - x.sizes[axis]))
    return (over.begins[0], over.begins[1], ends[0], ends[1])


def as_stated(call: Call, result: Flow, over: Window) -> Flow:
    """The result, if it has the sizes the standard gives it. Raises UnsupportedError otherwise."""
    if result.sizes[:2] != tuple(over.sizes):
        raise UnsupportedError(
            f"windows over {list(result.sizes[:2])} places instead of {list(over.sizes)}", where=call.where
        )
    return result
