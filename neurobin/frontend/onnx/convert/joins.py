"""Operators on several computed tensors: sums, products, logic, and channels side by side."""

from __future__ import annotations

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert import stairs
from neurobin.frontend.onnx.convert.chains import kind_behind
from neurobin.frontend.onnx.convert.conversion import Conversion, real
from neurobin.frontend.onnx.convert.exact import trace
from neurobin.frontend.onnx.convert.line import Line, narrowed, numbers, times, whole, written
from neurobin.frontend.onnx.convert.values import Chain, Fixed, Flow, by_place
from neurobin.frontend.onnx.model import Call
from neurobin.frontend.onnx.operators import Frame
from neurobin.ir import BINARY, BIPOLAR, FLOAT64, Constant
from neurobin.ops.add import Add
from neurobin.ops.affine import Affine
from neurobin.ops.concat import Concat
from neurobin.ops.logic import Logic
from neurobin.ops.multiply import Multiply
from neurobin.ops.position_scale import PositionScale
from neurobin.passes.fixed_point import integers


def concat(c: Conversion, call: Call) -> Flow:
    parts = [c.flow(name) for name in call.inputs]
    axis = Frame(call, c.limits).axis(call.integer("axis"), len(parts[0].order))
    if any(part.order != parts[0].order for part in parts) or axis != parts[0].channel_axis:
        raise UnsupportedError(f"joins axis {axis}, which is not the channels'", where=call.where)
    if len(parts) == 1:
        return parts[0]
    kinds = {c.builder.types[part.name].dtype for part in parts}
    same = parts if len(kinds) == 1 else [c.add(Affine(), part) for part in parts]
    return c.add(Concat(), same[0], *(part.name for part in same[1:]))


def join(c: Conversion, call: Call) -> Flow:
    """Add, Sub and Mul of two computed tensors; Mul of a map with a factor for each of its places."""
    fixed = [value.values for name in call.inputs if isinstance(value := c.values[name], Fixed)]
    if fixed:
        return _scaled_by_place(c, call, fixed[0])
    return _joined(c, call, *(c.flow(name) for name in call.inputs))


def _scaled_by_place(c: Conversion, call: Call, values: np.ndarray) -> Flow:
    x = c.flow(next(name for name in call.inputs if not isinstance(c.values[name], Fixed)))
    factor = by_place(values, x)
    if factor is None:
        raise UnsupportedError(f"a constant of shape {list(values.shape)}", where=call.where)
    if not c.integers:
        return c.add(PositionScale(Constant(FLOAT64, factor.astype(np.float64))), x)
    return c.add(PositionScale(integers(narrowed(whole(factor.reshape(-1))).reshape(factor.shape))), x)


def _joined(c: Conversion, call: Call, a: Flow, b: Flow) -> Flow:
    if a.order != b.order or len(a.sizes) != len(b.sizes):
        raise UnsupportedError(f"joins tensors of shapes {list(a.shape)} and {list(b.shape)}", where=call.where)
    if a.kind.kind != "f" and not c.integers:
        raise UnsupportedError(f"{call.op} of {a.kind.name}, which may wrap", where=call.where)
    if call.op == "Mul":
        kinds = {c.builder.types[flow.name] for flow in (a, b)}
        agrees = c.integers and len(kinds) == 1 and next(iter(kinds)).dtype == BIPOLAR
        return c.add(Logic("xnor") if agrees else Multiply(), a, b.name)
    if a.sizes != b.sizes:
        raise UnsupportedError(f"adds tensors of shapes {list(a.shape)} and {list(b.shape)}", where=call.where)
    return c.add(Add(), a, (_negative(c, b) if call.op == "Sub" else b).name)


def _negative(c: Conversion, x: Flow) -> Flow:
    return written(c, times(c, Line(x), numbers(-1))) if c.integers else c.add(Affine(real(np.array(-1.0))), x)


def total(c: Conversion, call: Call) -> Flow:
    """Sum: one tensor and the next, and so on. In whole numbers, thresholds of one tensor are thresholds of uneven steps."""
    parts = [part for name in call.inputs if isinstance(part := c.values[name], Chain)]
    compare = c.integers and len(parts) == len(call.inputs) > 1
    if compare and all(part.steps[-1].call.op == "MultiThreshold" for part in parts):
        return stairs.written(c, stairs.summed([_thresholds(c, part) for part in parts]))
    result = c.flow(call.inputs[0])
    for name in call.inputs[1:]:
        result = _joined(c, call, result, c.flow(name))
    return result


def _thresholds(c: Conversion, chain: Chain) -> stairs.Stairs:
    """A chain that ends in thresholds, which are left to the sum."""
    line = trace(c, chain.flow, chain.steps[:-1])
    kind_behind(c, line.flow, chain.steps[-1], line.flow.kind)
    return stairs.of_thresholds(c, line, chain.steps[-1])


def extreme(c: Conversion, call: Call) -> Flow:
    """The larger or the smaller of two bits: logic."""
    flows = [c.flow(name) for name in call.inputs]
    kinds = {(c.builder.types[flow.name].dtype, flow.order, flow.sizes) for flow in flows}
    if len(flows) != 2 or len(kinds) != 1 or next(iter(kinds))[0] not in (BINARY, BIPOLAR):
        what = f"{call.op} of several computed tensors, expected two of single bits and of one shape"
        raise UnsupportedError(what, where=call.where)
    return c.add(Logic("or" if call.op == "Max" else "and"), flows[0], flows[1].name)
