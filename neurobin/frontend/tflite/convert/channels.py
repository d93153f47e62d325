"""Operators that take channels apart, put them side by side, or put zeros beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.values import Flow
from neurobin.frontend.tflite.convert.activations import activated
from neurobin.frontend.tflite.convert.conversion import Conversion, Padded
from neurobin.frontend.tflite.model import Operator
from neurobin.ops.add import Add
from neurobin.ops.affine import Affine
from neurobin.ops.concat import Concat
from neurobin.ops.pad import Pad
from neurobin.ops.slice import Slice


def concatenation(c: Conversion, operator: Operator) -> Flow:
    c.limits.check("list_length", len(operator.inputs), "the number of its operands", operator.where)
    parts = [c.flow(operator, place) for place in range(len(operator.inputs))]
    axis, rank = operator.integer("axis"), len(parts[0].shape) if parts else 0
    if not parts or axis not in (-1, rank - 1):
        raise UnsupportedError(f"joins axis {axis}, which is not the channels'", where=operator.where)
    return activated(c, operator, _side_by_side(c, parts))


def _side_by_side(c: Conversion, parts: Sequence[Flow]) -> Flow:
    kinds = {c.builder.types[part.name].dtype for part in parts}
    same = parts if len(kinds) == 1 else [c.add(Affine(), part) for part in parts]
    return same[0] if len(same) == 1 else c.add(Concat(), *same)


def split(c: Conversion, operator: Operator) -> tuple[Flow, ...]:
    """SPLIT: as many equal ranges of channels as there are results."""
    axis, x, parts = c.numbers(operator, 0), c.flow(operator, 1), len(operator.outputs)
    if axis not in ([-1], [len(x.shape) - 1]):
        raise UnsupportedError(f"splits axis {axis[:4]}, which is not the channels'", where=operator.where)
    if operator.integer("num_splits") != parts or not parts or x.channels % parts:
        stated = operator.integer("num_splits")
        raise operator.refuse(f"splits {x.channels} channels into {stated} parts, and makes {parts} tensors")
    size = x.channels // parts
    return tuple(_range(c, x, place * size, (place + 1) * size) for place in range(parts))


def _range(c: Conversion, x: Flow, start: int, stop: int) -> Flow:
    return x if stop - start == x.channels else c.add(Slice(start, stop), x)


def pad(c: Conversion, operator: Operator) -> Flow:
    """PAD with zeros, PADV2 with one whole number, round height and width; or with zeros before and behind the channels."""
    x, around = c.map(operator, 0), np.array(c.numbers(operator, 1), dtype=object)
    values = c.fixed(operator, 2).values.reshape(-1) if len(operator.inputs) > 2 else np.zeros(1)
    if values.size != 1:
        raise operator.refuse(f"pads with {values.size} numbers, expected one")
    value = float(values[0])
    said = f"pads {around.tolist()[:16]} with {value}"
    if around.size != 8 or around[:2].any() or min(around) < 0 or not value.is_integer():
        raise UnsupportedError(f"{said}, expected height, width and channels", where=operator.where)
    top, bottom, left, right, before, behind = around[2:].tolist()
    if before or behind:
        if value:
            raise UnsupportedError(f"{said}, expected 0 for channels", where=operator.where)
        wide = x.channels + before + behind
        c.limits.check("input_elements", wide * x.sizes[0] * x.sizes[1], "the number of its elements", operator.where)
        x = _between_zeros(c, operator, x, before, behind)
    return c.add(Pad((top, left, bottom, right), int(value)), x) if any(around[2:6]) else x


def _between_zeros(c: Conversion, operator: Operator, x: Flow, before: int, behind: int) -> Flow:
    """Zeros are channels of x times 0, as often as it takes."""
    c.limits.check("list_length", (before + behind) // x.channels, "how often its channels are padded", operator.where)
    parts = [*_zeros(c, x, before), x, *_zeros(c, x, behind)]
    padded = _side_by_side(c, parts)
    c.padded[padded.name] = Padded(x, before, behind)
    return padded


def _zeros(c: Conversion, x: Flow, count: int) -> list[Flow]:
    whole, rest = divmod(count, x.channels)
    none = c.affine(x, 0.0)
    return [none] * whole + ([c.add(Slice(0, rest), none)] if rest else [])


def total(c: Conversion, a: Flow, b: Flow) -> Flow:
    """a + b. Where zeros stand beside the channels of one, as in MeliusNet, only the others are added."""
    first, second = (b, a) if a.name in c.padded else (a, b)
    padded = c.padded.get(second.name)
    if padded is None or first.sizes != second.sizes:
        return c.add(Add(), a, b)
    start, stop = padded.before, first.channels - padded.after
    added = c.add(Add(), _range(c, first, start, stop), padded.inner)
    parts = [c.add(Slice(*ends), first) for ends in ((0, start), (stop, first.channels)) if ends[0] < ends[1]]
    return _side_by_side(c, [*parts[: start > 0], added, *parts[start > 0 :]])
