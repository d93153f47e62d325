"""Geometry of sliding windows over [N, C, spatial ...]: padding by attribute or by rule, sizes of results, the windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurobin.frontend.onnx.operators._frame import Frame


@dataclass(frozen=True)
class Window:
    """One kernel's way over a map. All tuples have one entry per spatial axis; `sizes` are those of the result."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    begins: tuple[int, ...]
    ends: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def axes(self) -> int:
        return len(self.kernel)

    def padded(self, frame: Frame, x: np.ndarray, fill: float) -> np.ndarray:
        """x [N, C, ...] with `fill` around it, as far as the windows reach: ceil mode may ask for more than the padding."""
        widths = [(0, 0), (0, 0)]
        for axis in range(self.axes):
            reach = (self.sizes[axis] - 1) * self.strides[axis] + self.dilations[axis] * (self.kernel[axis] - 1) + 1
            size = x.shape[2 + axis] + self.begins[axis]
            widths.append((self.begins[axis], max(self.ends[axis], reach - size)))
        frame.room([low + size + high for size, (low, high) in zip(x.shape, widths, strict=True)], x.dtype)
        return np.pad(x, widths, constant_values=np.asarray(fill, x.dtype)) if np.any(widths) else x

    def windows(self, padded: np.ndarray) -> np.ndarray:
        """[N, C, sizes ..., kernel ...] as a view of a padded map."""
        steps = padded.strides
        return np.lib.stride_tricks.as_strided(
            padded,
            (*padded.shape[:2], *self.sizes, *self.kernel),
            (
                *steps[:2],
                *(step * stride for step, stride in zip(steps[2:], self.strides, strict=True)),
                *(step * dilation for step, dilation in zip(steps[2:], self.dilations, strict=True)),
            ),
            writeable=False,
        )


def window(frame: Frame, spatial: Sequence[int], kernel: Sequence[int]) -> Window:
    """The window that a call's attributes describe on a map of this size. Raises FormatError for an impossible one."""
    call, axes = frame.call, len(spatial)
    strides = _sizes(frame, "strides", axes)
    dilations = _sizes(frame, "dilations", axes)
    if axes == 0 or len(kernel) != axes or min(kernel) < 1 or min(spatial) < 1:
        raise call.refuse(f"a kernel of shape {list(kernel)} on a map of {list(spatial)}")
    extents = [dilation * (size - 1) + 1 for size, dilation in zip(kernel, dilations, strict=True)]
    rule = call.attributes.get("auto_pad", "NOTSET")
    if rule in ("SAME_UPPER", "SAME_LOWER"):
        sizes = tuple(-(-size // stride) for size, stride in zip(spatial, strides, strict=True))
        total = [
            max(0, (result - 1) * stride + extent - size)
            for result, stride, extent, size in zip(sizes, strides, extents, spatial, strict=True)
        ]
        frame.room([size + pad for size, pad in zip(spatial, total, strict=True)], np.bool_)
        small, large = tuple(pad // 2 for pad in total), tuple(pad - pad // 2 for pad in total)
        begins, ends = (small, large) if rule == "SAME_UPPER" else (large, small)
        return Window(tuple(kernel), strides, dilations, begins, ends, sizes)
    if rule not in ("NOTSET", "VALID"):
        raise call.refuse(f"auto_pad is {rule!r}, expected NOTSET, VALID, SAME_UPPER or SAME_LOWER")
    pads = (call.integers("pads") if rule == "NOTSET" else None) or (0,) * 2 * axes
    if len(pads) != 2 * axes or min(pads) < 0:
        raise call.refuse(
            f"pads {list(pads)} for {axes} spatial axes, expected all beginnings, then all ends, none negative"
        )
    begins, ends = pads[:axes], pads[axes:]
    frame.room([low + size + high for low, size, high in zip(begins, spatial, ends, strict=True)], np.bool_)
    up = bool(call.attributes.get("ceil_mode", 0))
    found = [
        _count(low + size + high - extent, stride, low + size, up)
        for low, size, high, extent, stride in zip(begins, spatial, ends, extents, strides, strict=True)
    ]
    if min(found) < 1:
        raise call.refuse(f"a kernel that spans {extents} on a map of {list(spatial)} with pads {list(pads)}")
    return Window(tuple(kernel), strides, dilations, begins, ends, tuple(found))


def _count(room: int, stride: int, start: int, up: bool) -> int:
    """Windows along one axis; rounding up, one that would start in the padding at the end is dropped."""
    if room < 0:
        return 0
    count = (-(-room // stride) if up else room // stride) + 1
    return count - 1 if up and (count - 1) * stride >= start else count


def _sizes(frame: Frame, name: str, axes: int) -> tuple[int, ...]:
    """An attribute with one positive number per spatial axis, 1 where it is left out."""
    given = frame.call.integers(name) or (1,) * axes
    if len(given) != axes or min(given) < 1:
        raise frame.call.refuse(f"{name} {list(given)} for {axes} spatial axes, expected as many positive numbers")
    frame.limits.check("elements", max(given), f"the largest of {name}", frame.call.where)
    return given
