"""What every operator on single elements is as an op on real values of the graph, where nothing behind it rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from neurobin.errors import GraphError, UnsupportedError
from neurobin.frontend.onnx.convert.conversion import Conversion, real, tidy
from neurobin.frontend.onnx.convert.values import Flow, Step, per_channel
from neurobin.ops.abs import Abs
from neurobin.ops.affine import Affine
from neurobin.ops.batch_norm import BatchNorm
from neurobin.ops.clip import Clip
from neurobin.ops.prelu import Prelu
from neurobin.ops.relu import Relu
from neurobin.ops.sigmoid import Sigmoid


def write_reals(c: Conversion, flow: Flow, steps: Sequence[Step], kinds: Sequence[np.dtype]) -> Flow:
    """The steps as ops, one each, with results of these types; what was written for another reader is taken.

    Raises UnsupportedError for a step that has no op.
    """
    done = max((index + 1 for index, step in enumerate(steps) if step.call.outputs[0] in c.written), default=0)
    if done:
        flow = c.written[steps[done - 1].call.outputs[0]]
    for step, kind in zip(steps[done:], kinds[done:], strict=True):
        rule = REALS.get(step.call.op)
        if rule is None:
            raise UnsupportedError(f"{step.call.op} of real values has no op", where=step.call.where)
        c.builder.prefix = tidy(step.call.name)
        try:
            flow = replace(rule(c, flow, step), kind=kind)
        except (UnsupportedError, GraphError) as error:
            raise UnsupportedError(error.what, where=step.call.where, hint=error.hint) from None
        if step.call.outputs[0]:
            c.written[step.call.outputs[0]] = flow
    return flow


Rule = Callable[[Conversion, Flow, Step], Flow]


def _affine(scale: float | np.ndarray, bias: float | np.ndarray) -> Affine:
    return Affine(real(np.asarray(scale)), real(np.asarray(bias)))


def _constant(flow: Flow, step: Step) -> np.ndarray:
    """The one constant beside the flow, per channel."""
    return per_channel(step.constants[0], flow, step.call.where)


def _add(c: Conversion, flow: Flow, step: Step) -> Flow:
    return c.add(_affine(1.0, _constant(flow, step)), flow)


def _sub(c: Conversion, flow: Flow, step: Step) -> Flow:
    constant = _constant(flow, step)
    return c.add(_affine(1.0, -constant) if step.place == 0 else _affine(-1.0, constant), flow)


def _mul(c: Conversion, flow: Flow, step: Step) -> Flow:
    return c.add(_affine(_constant(flow, step), 0.0), flow)


def _div(c: Conversion, flow: Flow, step: Step) -> Flow:
    if step.place != 0:
        raise UnsupportedError("divides a constant by what is computed from the image", where=step.call.where)
    constant = _constant(flow, step)
    if (constant == 0).any():
        raise step.call.refuse("divides by 0")
    return c.add(_affine(1 / constant, 0.0), flow)


def _clip(c: Conversion, flow: Flow, step: Step) -> Flow:
    return _clipped(c, flow, *clip_bounds(step))


def clip_bounds(step: Step) -> tuple[float | None, float | None]:
    """(lowest, highest) result; bounds are attributes up to opset 10, then inputs, and may be left out."""
    stated = step.call.attributes
    given = [stated.get(name) for name in ("min", "max")]
    for index, operand in enumerate(step.operands[1:3]):
        if operand is not None:
            given[index] = operand.reshape(-1)[0]
    low, high = (None if bound is None else float(bound) for bound in given)  # type: ignore[arg-type]
    return low, high


def _clipped(c: Conversion, flow: Flow, low: float | None, high: float | None) -> Flow:
    most = float(np.finfo(np.float32).max)
    low, high = -most if low is None else float(low), most if high is None else float(high)
    if low == 0 and high >= most:
        return c.add(Relu(), flow)
    return c.add(Clip(min(low, high), high), flow)


def _extreme(c: Conversion, flow: Flow, step: Step) -> Flow:
    if len(step.operands) != 2 or step.constants[0].size != 1:
        raise UnsupportedError("the extreme of a tensor and several constants", where=step.call.where)
    bound = float(step.constants[0].reshape(-1)[0])
    return _clipped(c, flow, bound, None) if step.call.op == "Max" else _clipped(c, flow, None, bound)


def _hard_sigmoid(c: Conversion, flow: Flow, step: Step) -> Flow:
    return c.add(Clip(0.0, 1.0), c.add(_affine(step.call.real("alpha"), step.call.real("beta")), flow))


def _prelu(c: Conversion, flow: Flow, step: Step) -> Flow:
    return _bent(c, flow, _constant(flow, step))


def _bent(c: Conversion, flow: Flow, slope: np.ndarray) -> Flow:
    """A rectifier with a real slope: whole numbers, which are bent by whole ones, are made real before."""
    whole = not c.builder.types[flow.name].dtype.is_float
    return c.add(Prelu(real(slope)), c.add(Affine(), flow) if whole else flow)


def _dequantize(c: Conversion, flow: Flow, step: Step) -> Flow:
    """Of one parameter or one for each channel: which axis they lie along was looked at when the chain was."""
    factor, zero = (operand.astype(np.float64).reshape(-1) for operand in (*step.constants, np.zeros(1))[:2])
    return c.add(_affine(factor, -factor * zero), flow)


def _batch_norm(c: Conversion, flow: Flow, step: Step) -> Flow:
    """The operator's inference form, on channels in axis 1 as the graph has them last."""
    call = step.call
    gamma, beta, mean, variance = (np.asarray(operand) for operand in step.operands[1:])
    epsilon = call.real("epsilon")
    if not (variance + epsilon > 0).all():
        index = int(np.argmin(variance + epsilon > 0))
        raise call.refuse(f"variance[{index}] is {variance[index]}, with epsilon {epsilon} it has no square root")
    return c.add(BatchNorm(real(gamma), real(beta), real(mean), real(variance), epsilon), flow)


def _cast(c: Conversion, flow: Flow, step: Step) -> Flow:
    """To another real type: the graph's reals are wider than any of them."""
    if not step.keeps_reals:
        raise UnsupportedError("casts real values to whole numbers, and no clip bounds them", where=step.call.where)
    return flow


REALS: dict[str, Rule] = {
    "Add": _add,
    "Sub": _sub,
    "Mul": _mul,
    "Div": _div,
    "Neg": lambda c, flow, step: c.add(_affine(-1.0, 0.0), flow),
    "Clip": _clip,
    "Relu": lambda c, flow, step: c.add(Relu(), flow),
    "LeakyRelu": lambda c, flow, step: _bent(c, flow, np.array(step.call.real("alpha"))),
    "PRelu": _prelu,
    "Max": _extreme,
    "Min": _extreme,
    "Abs": lambda c, flow, step: c.add(Abs(), flow),
    "Sigmoid": lambda c, flow, step: c.add(Sigmoid(), flow),
    "HardSigmoid": _hard_sigmoid,
    "DequantizeLinear": _dequantize,
    "Identity": lambda c, flow, step: flow,
    "Dropout": lambda c, flow, step: flow,
    "Cast": _cast,
    "BatchNormalization": _batch_norm,
}
