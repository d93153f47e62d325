"""Operators that move elements and compute none: other shapes, other orders, parts and joins."""

from __future__ import annotations

from math import prod

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.model import Opaque
from neurobin.frontend.onnx.operators._frame import Frame, Operator


def constant(frame: Frame) -> np.ndarray:
    """The one attribute that is given. Raises UnsupportedError for texts and sparse tensors."""
    given = [(name, value) for name, value in frame.call.attributes.items()]
    if len(given) != 1:
        raise frame.call.refuse(f"has {len(given)} values, expected one")
    name, value = given[0]
    if isinstance(value, np.ndarray):
        return value
    if name in ("value_int", "value_ints"):
        return np.array(value, dtype=np.int64)
    if name in ("value_float", "value_floats"):
        return np.array(value, dtype=np.float32)
    kind = value.kind if isinstance(value, Opaque) else "text"
    raise UnsupportedError(f"a constant given as {kind}", where=frame.call.where)


def constant_of_shape(frame: Frame, shape: np.ndarray) -> np.ndarray:
    value = frame.call.attributes.get("value", np.zeros(1, np.float32))
    if not isinstance(value, np.ndarray) or value.size != 1:
        raise frame.call.refuse("attribute value is not one number")
    return np.full(frame.room(frame.whole(shape, "the shape"), value.dtype), value.reshape(()))


def shape(frame: Frame, x: np.ndarray) -> np.ndarray:
    """The sizes from axis `start` to before `end`, both clamped."""
    sizes = np.array(x.shape, dtype=np.int64)
    start, end = frame.call.attributes.get("start", 0), frame.call.attributes.get("end")
    return sizes[int(start) : None if end is None else int(end)]  # type: ignore[arg-type]


def size(frame: Frame, x: np.ndarray) -> np.ndarray:
    return np.array(x.size, dtype=np.int64)


def reshape(frame: Frame, x: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """0 copies a size (unless allowzero), one -1 takes what is left."""
    sizes = list(frame.whole(wanted, "the shape"))
    if not frame.call.attributes.get("allowzero", 0):
        for axis, value in enumerate(sizes):
            if value == 0:
                if axis >= x.ndim:
                    raise frame.call.refuse(f"shape {sizes} copies axis {axis} of a tensor with {x.ndim} axes")
                sizes[axis] = x.shape[axis]
    if min(sizes, default=0) < -1 or sizes.count(-1) > 1 or (-1 in sizes and 0 in sizes):
        raise frame.call.refuse(f"{sizes} is no shape")
    if -1 in sizes:
        rest = prod(value for value in sizes if value != -1)
        if x.size % rest:
            raise frame.call.refuse(f"{x.size} elements do not fill shape {sizes}")
        sizes[sizes.index(-1)] = x.size // rest
    if prod(sizes) != x.size:
        raise frame.call.refuse(f"{x.size} elements do not fill shape {sizes}")
    return x.reshape(frame.room(sizes, x.dtype))


def flatten(frame: Frame, x: np.ndarray) -> np.ndarray:
    """Two axes: those before `axis`, and the others."""
    axis = frame.call.integer("axis")
    if not -x.ndim <= axis <= x.ndim:
        raise frame.call.refuse(f"axis {axis} of a tensor with {x.ndim} axes")
    axis += x.ndim if axis < 0 else 0
    return x.reshape(prod(x.shape[:axis]), prod(x.shape[axis:]))


def transpose(frame: Frame, x: np.ndarray) -> np.ndarray:
    order = frame.call.integers("perm")
    if order is None:
        order = tuple(reversed(range(x.ndim)))
    if sorted(order) != list(range(x.ndim)):
        raise frame.call.refuse(f"{list(order)} is no order of {x.ndim} axes")
    return x.transpose(order)


def squeeze(frame: Frame, x: np.ndarray, axes: np.ndarray | None = None) -> np.ndarray:
    """Without the given axes of size 1; without all of them where none is given."""
    given = frame.call.integers("axes") if axes is None else frame.whole(axes, "axes")
    if given is None:
        given = tuple(axis for axis, size in enumerate(x.shape) if size == 1)
    removed = frame.axes(given, x.ndim)
    if any(x.shape[axis] != 1 for axis in removed):
        raise frame.call.refuse(f"axes {list(given)} of shape {list(x.shape)} are not all of size 1")
    return np.squeeze(x, removed)


def unsqueeze(frame: Frame, x: np.ndarray, axes: np.ndarray | None = None) -> np.ndarray:
    """With new axes of size 1; their places are counted in the result."""
    given = frame.call.integers("axes") if axes is None else frame.whole(axes, "axes")
    if given is None:
        raise frame.call.refuse("names no axes")
    frame.limits.check("axes", x.ndim + len(given), "the number of axes", frame.call.where)
    return np.expand_dims(x, frame.axes(given, x.ndim + len(given)))


def concat(frame: Frame, *parts: np.ndarray) -> np.ndarray:
    first = parts[0]
    axis = frame.axis(frame.call.integer("axis"), first.ndim)
    for part in parts:
        if part.ndim != first.ndim or _without(part.shape, axis) != _without(first.shape, axis):
            raise frame.call.refuse(f"shapes {list(first.shape)} and {list(part.shape)} do not join along axis {axis}")
    joined = list(first.shape)
    joined[axis] = sum(part.shape[axis] for part in parts)
    frame.room(joined, first.dtype)
    return np.concatenate(parts, axis)


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]


def split(frame: Frame, x: np.ndarray, sizes: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
    """Parts of the given sizes, else equal ones; from opset 18 on the last may be smaller."""
    axis = frame.axis(frame.call.integer("axis"), x.ndim)
    count = len(frame.call.outputs)
    given = frame.call.integers("split") if sizes is None else frame.whole(sizes, "the sizes")
    if given is None:
        stated = frame.call.attributes.get("num_outputs", count)
        if stated != count:
            raise frame.call.refuse(f"num_outputs is {stated}, {count} outputs are named")
        part = -(-x.shape[axis] // count)
        given = tuple(min(part, x.shape[axis] - part * i) for i in range(count))
        if frame.call.version < 18 and x.shape[axis] % count:
            raise frame.call.refuse(f"{x.shape[axis]} does not split into {count} equal parts")
    if len(given) != count or sum(given) != x.shape[axis] or min(given, default=0) < 0:
        raise frame.call.refuse(f"sizes {list(given)} do not make {count} parts of {x.shape[axis]}")
    return tuple(np.split(x, np.cumsum(given)[:-1], axis))


def slice_(frame: Frame, x: np.ndarray, *inputs: np.ndarray | None) -> np.ndarray:
    """x[start:end:step] along some axes. Places beyond the tensor are clamped: a start to its first or last element."""
    if inputs:
        lists = [None if values is None else frame.whole(values, "an input") for values in inputs]
        starts, ends, axes, steps = (*lists, None, None)[:4]
    else:
        starts, ends, axes, steps = (*(frame.call.integers(name) for name in ("starts", "ends", "axes")), None)
    if starts is None or ends is None:
        raise frame.call.refuse("names no starts or no ends")
    where = frame.axes(axes if axes is not None else range(len(starts)), x.ndim)
    steps = steps if steps is not None else (1,) * len(starts)
    if not len(starts) == len(ends) == len(where) == len(steps):
        raise frame.call.refuse("starts, ends, axes and steps are not of one length")
    parts = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, where, steps, strict=True):
        if step == 0:
            raise frame.call.refuse("has a step of 0")
        parts[axis] = _range(start, end, step, x.shape[axis])
    return x[tuple(parts)]


def _range(start: int, end: int, step: int, size: int) -> slice:
    """Stepping back, numpy finds nothing from a start before the tensor; the standard clamps it to the first element."""
    start, end = (place + size if place < 0 else place for place in (start, end))
    if step > 0:
        return slice(max(start, 0), max(end, 0), step)
    return slice(min(max(start, 0), size - 1), end if end >= 0 else None, step)


def gather(frame: Frame, x: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """The entries of one axis at whole-number places; negative ones count from the end."""
    axis = frame.axis(frame.call.integer("axis"), x.ndim)
    if indices.size and not (-x.shape[axis] <= indices.min() and indices.max() < x.shape[axis]):
        raise frame.call.refuse(f"indices {indices.min()} to {indices.max()} of an axis of size {x.shape[axis]}")
    frame.room((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.dtype)
    return np.take(x, indices, axis)


def expand(frame: Frame, x: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Broadcast in both directions with the given shape."""
    sizes = frame.room(frame.whole(wanted, "the shape"), np.bool_)
    try:
        together = np.broadcast_shapes(x.shape, sizes)
    except ValueError:
        raise frame.call.refuse(f"shape {list(x.shape)} does not expand to {list(sizes)}") from None
    return np.broadcast_to(x, frame.room(together, x.dtype)).copy()


def tile(frame: Frame, x: np.ndarray, repeats: np.ndarray) -> np.ndarray:
    counts = frame.whole(repeats, "the repeats")
    if len(counts) != x.ndim or min(counts, default=0) < 0:
        raise frame.call.refuse(f"repeats {list(counts)} of a tensor with {x.ndim} axes")
    frame.room([size * count for size, count in zip(x.shape, counts, strict=True)], x.dtype)
    return np.tile(x, counts)


def pad(
    frame: Frame,
    x: np.ndarray,
    pads: np.ndarray | None = None,
    value: np.ndarray | None = None,
    axes: np.ndarray | None = None,
) -> np.ndarray:
    """More elements at both ends of axes, or fewer: negative pads crop."""
    given = frame.call.integers("pads") if pads is None else frame.whole(pads, "pads")
    along = frame.axes(range(x.ndim) if axes is None else frame.whole(axes, "axes"), x.ndim)
    if given is None or len(given) != 2 * len(along):
        raise frame.call.refuse(f"pads {given} for {len(along)} axes, expected all beginnings, then all ends")
    widths = [(0, 0)] * x.ndim
    for place, axis in enumerate(along):
        widths[axis] = (given[place], given[place + len(along)])
    if any(max(0, -low) + max(0, -high) > size for size, (low, high) in zip(x.shape, widths, strict=True)):
        raise frame.call.refuse(f"pads {list(given)} take more away than shape {list(x.shape)} has")
    cropped = x[tuple(slice(max(0, -low), size - max(0, -high)) for size, (low, high) in zip(x.shape, widths, strict=True))]
    positive = [(max(0, low), max(0, high)) for low, high in widths]
    frame.room([size + low + high for size, (low, high) in zip(cropped.shape, positive, strict=True)], x.dtype)
    mode = frame.call.text("mode")
    if mode == "constant":
        fill = np.asarray(frame.call.attributes.get("value", 0) if value is None else value)
        if fill.size != 1:
            raise frame.call.refuse(f"the value to pad with has shape {list(fill.shape)}")
        return np.pad(cropped, positive, constant_values=fill.reshape(()).astype(x.dtype))
    if mode not in ("reflect", "edge", "wrap"):
        raise frame.call.refuse(f"mode is {mode!r}, expected constant, reflect, edge or wrap")
    if 0 in cropped.shape:
        raise frame.call.refuse(f"mode {mode} on a tensor without elements")
    return np.pad(cropped, positive, mode=mode)  # type: ignore[call-overload]


def depth_to_space(frame: Frame, x: np.ndarray) -> np.ndarray:
    """[N, C, H, W] -> [N, C/b^2, H b, W b]; mode DCR takes the block from the channel's high part, CRD from its low one."""
    block, mode = frame.call.integer("blocksize"), frame.call.attributes.get("mode", "DCR")
    if x.ndim != 4 or block < 1 or x.shape[1] % block**2 or mode not in ("DCR", "CRD"):
        raise frame.call.refuse(f"blocks of {block} ({mode}) of shape {list(x.shape)}")
    n, c, h, w = x.shape
    if mode == "DCR":
        return (
            x.reshape(n, block, block, c // block**2, h, w).transpose(0, 3, 4, 1, 5, 2).reshape(n, -1, h * block, w * block)
        )
    return x.reshape(n, c // block**2, block, block, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(n, -1, h * block, w * block)


OPERATORS: dict[str, Operator] = {
    "Constant": constant,
    "ConstantOfShape": constant_of_shape,
    "Shape": shape,
    "Size": size,
    "Reshape": reshape,
    "Flatten": flatten,
    "Transpose": transpose,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Concat": concat,
    "Split": split,
    "Slice": slice_,
    "Gather": gather,
    "Expand": expand,
    "Tile": tile,
    "Pad": pad,
    "DepthToSpace": depth_to_space,
}
