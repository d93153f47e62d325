"""ATen's operators that move elements, pad, join and part.

A view of more axes than a map has, or of three, is not written: what is computed is where each of its elements comes from,
until a later view has a map's or a vector's axes again. So a shuffle of channels written as view, transpose, view is one.
"""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor, fx

from neurobin.errors import UnsupportedError
from neurobin.frontend.torch_export.elements import Rule
from neurobin.frontend.torch_export.operands import Arguments
from neurobin.frontend.torch_export.translation import Names, Translation

AXES = (2, 4)  # of vectors and maps, with their batch


def _view(t: Translation, a: Arguments) -> str:
    """Elements in the same order, in the shape torch states."""
    source, shape = a["self"], tuple(int(size) for size in t.result.shape)
    moved = _moved(t, source)
    if moved is not None:
        return moved
    return t.tensor(source) if shape == t.shape(source) else t.call("Reshape", t.tensor(source), t.whole(*shape))


def _permute(t: Translation, a: Arguments) -> str:
    return _transposed(t, a["self"], [int(axis) for axis in a["dims"]])


def _transpose(t: Translation, a: Arguments) -> str:
    rank = len(t.shape(a["self"]))
    order = list(range(rank))
    one, other = int(a["dim0"]) % rank, int(a["dim1"]) % rank
    order[one], order[other] = order[other], order[one]
    return _transposed(t, a["self"], order)


def _transposed(t: Translation, source: fx.Node, order: list[int]) -> str:
    moved = _moved(t, source)
    if moved is not None:
        return moved
    return t.call("Transpose", t.tensor(source), perm=tuple(axis % len(order) for axis in order))


def _moved(t: Translation, source: fx.Node) -> str | None:
    """Notes where the elements of a view come from, or writes it once it has a map's axes; None for views of maps."""
    written = len(t.result.shape) in AXES
    if source not in t.spread and written:
        return None
    if source in t.spread:
        root, places = t.spread[source]
    else:
        root, places = source, torch.arange(prod(t.shape(source))).reshape(t.shape(source))
    placed: Tensor = t.node.target(places.contiguous(), *t.node.args[1:], **t.node.kwargs)  # type: ignore[operator]
    if written:
        return _written(t, root, placed)
    t.spread[t.node] = (root, placed)
    return ""


def _written(t: Translation, root: fx.Node, places: Tensor) -> str:
    """A tensor whose elements are those of `root` at these places: channels in another order, or none moved at all."""
    shape = t.shape(root)
    everywhere = torch.arange(prod(shape)).reshape(shape)
    if torch.equal(places.reshape(-1), everywhere.reshape(-1)):
        return t.call("Reshape", t.tensor(root), t.whole(*places.shape))
    if tuple(places.shape) == shape and len(shape) > 1:
        order = places[0].reshape(shape[1], -1)[:, 0] // prod(shape[2:])
        if torch.equal(everywhere[:, order], places):
            return t.call("Gather", t.tensor(root), t.constant(order.numpy()), axis=1)
    raise UnsupportedError(f"moves elements of {list(shape)} in a way that is no shuffle of channels")


def _concat(t: Translation, a: Arguments) -> str:
    return t.call("Concat", *(t.operand(part) for part in a["tensors"]), axis=int(a["dim"]))


def _split(t: Translation, a: Arguments) -> Names:
    """Parts of one size, the last of what is left, or of given sizes."""
    axis = int(a["dim"])
    total = t.shape(a["self"])[axis]
    if a.get("split_sizes") is not None:
        sizes = [int(size) for size in a["split_sizes"]]
    else:
        size = int(a["split_size"])
        sizes = [min(size, total - first) for first in range(0, total, size)]
    return t.split("Split", len(sizes), t.tensor(a["self"]), t.whole(*sizes), axis=axis)


def _slice(t: Translation, a: Arguments) -> str:
    size = t.shape(a["self"])[int(a["dim"])]
    ends = [size if a["end"] is None else int(a["end"]), 0 if a["start"] is None else int(a["start"])]
    end, start = (max(0, place + size if place < 0 else min(place, size)) for place in ends)
    if (start, end, a["step"]) == (0, size, 1):
        return _view(t, a)
    return t.call("Slice", t.tensor(a["self"]), *(t.whole(value) for value in (start, end, int(a["dim"]), int(a["step"]))))


def _select(t: Translation, a: Arguments) -> str:
    """The only entry of an axis, which goes."""
    a.require(t.shape(a["self"])[int(a["dim"])] == 1, "picks one entry of several")
    return _view(t, a)


def _gather(t: Translation, a: Arguments) -> str:
    return t.call("Gather", t.tensor(a["self"]), t.constant(t.known(a["index"])), axis=int(a["dim"]))


def _index(t: Translation, a: Arguments) -> str:
    """Entries of one axis, in a list: x[:, order]."""
    named = [axis for axis, entry in enumerate(a["indices"]) if entry is not None]
    order = t.known(a["indices"][named[0]])
    a.require(len(named) == 1 and order.ndim == 1 and order.dtype.kind == "i", "picks elements by more than one list")
    return t.call("Gather", t.tensor(a["self"]), t.constant(order), axis=named[0])


def _pad(t: Translation, a: Arguments) -> str:
    """torch names the last axis first, and of each axis both ends."""
    mode = str(a.get("mode") or "constant")
    rank, widths = len(t.shape(a["self"])), [int(width) for width in a["pad"]]
    begins, ends = [0] * rank, [0] * rank
    for pair in range(len(widths) // 2):
        begins[rank - 1 - pair], ends[rank - 1 - pair] = widths[2 * pair : 2 * pair + 2]
    fill = t.operand(a["value"] or 0.0)
    return t.call("Pad", t.tensor(a["self"]), t.whole(*begins, *ends), fill, mode=mode)


RULES: dict[str, Rule] = {
    "aten.view.default": _view,
    "aten._unsafe_view.default": _view,
    "aten.squeeze.dims": _view,
    "aten.squeeze.dim": _view,
    "aten.unsqueeze.default": _view,
    "aten.permute.default": _permute,
    "aten.transpose.int": _transpose,
    "aten.cat.default": _concat,
    "aten.split.Tensor": _split,
    "aten.split_with_sizes.default": _split,
    "aten.slice.Tensor": _slice,
    "aten.select.int": _select,
    "aten.index_select.default": _gather,
    "aten.index.Tensor": _index,
    "aten.pad.default": _pad,
    "aten.constant_pad_nd.default": _pad,
}
