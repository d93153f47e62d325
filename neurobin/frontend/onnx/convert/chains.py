"""Operators on single elements: which may wait in a chain, what each is as an op of the graph, and how a chain is written.

A chain is written in two parts. From its first step that rounds or compares on, it is a staircase (see `staircase`): one
`multi_threshold` or `sign`, and a scale. What stands before that is real arithmetic and keeps its own ops. Where the
staircase has no end (a rounding without a clip behind it), it begins as much earlier as it takes to find one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.limits import Limits
from neurobin.frontend.onnx.convert.conversion import Conversion, real, tidy
from neurobin.frontend.onnx.convert.staircase import Function, Staircase, staircase
from neurobin.frontend.onnx.convert.values import Chain, Flow, Step, per_channel
from neurobin.frontend.onnx.evaluate import execute_on
from neurobin.frontend.onnx.model import Call
from neurobin.ir import BINARY, BIPOLAR, Constant
from neurobin.ops.abs import Abs
from neurobin.ops.affine import Affine
from neurobin.ops.batch_norm import BatchNorm
from neurobin.ops.clip import Clip
from neurobin.ops.multi_threshold import MultiThreshold
from neurobin.ops.prelu import Prelu
from neurobin.ops.relu import Relu
from neurobin.ops.sigmoid import Sigmoid
from neurobin.ops.sign import Sign

# Operators whose results are few: what a staircase begins with.
STEPS = frozenset(
    {"Sign", "Round", "Floor", "Ceil", "Cast", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Where", "Not",
     "QuantizeLinear", "Quant", "IntQuant", "BipolarQuant", "Trunc", "MultiThreshold"}
)  # fmt: skip
# Operators that are monotone in the flow for any constants beside it, as far as `_monotone` does not object.
MONOTONE = STEPS | frozenset(
    {"Add", "Sub", "Mul", "Div", "Neg", "Clip", "Relu", "LeakyRelu", "PRelu", "Max", "Min", "HardSigmoid", "Sigmoid", "Tanh",
     "Softsign", "Identity", "Dropout", "BatchNormalization", "DequantizeLinear"}
)  # fmt: skip
WAITING = MONOTONE | {"Abs"}
COMPARISONS = {"Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not"}
SYMMETRIC = COMPARISONS | {"Add", "Sub", "Mul", "Max", "Min"}  # monotone in either operand
REAL_TYPES = {1, 10, 11}  # of TensorProto: float32, float16, float64
_PARAMETERS = {"BatchNormalization", "MultiThreshold", "QuantizeLinear", "DequantizeLinear"}  # constants by channel first


def write(c: Conversion, chain: Chain, name: str) -> Flow:
    """The chain as nodes of the graph. Raises UnsupportedError naming the step that has no op."""
    first = next((index for index, step in enumerate(chain.steps) if step.call.op in STEPS), len(chain.steps))
    if first == len(chain.steps):
        return _write_reals(c, chain.flow, chain.steps)
    problem: UnsupportedError | None = None
    for begin in range(first, -1, -1):
        stairs = chain.steps[begin:]
        if not all(_monotone(step, before) for step, before in zip(stairs, (None, *stairs), strict=False)):
            break
        try:
            found = _staircase(chain.flow, stairs, c.limits)
        except UnsupportedError as error:
            problem = problem or error
            continue
        return _write_stairs(c, _write_reals(c, chain.flow, chain.steps[:begin]), found, stairs[0].call)
    call = chain.steps[first].call
    raise UnsupportedError(problem.what if problem else "behind operators that rise and fall", where=call.where)


def _write_reals(c: Conversion, flow: Flow, steps: Sequence[Step]) -> Flow:
    for step in steps:
        rule = REALS.get(step.call.op)
        if rule is None:
            raise UnsupportedError(f"{step.call.op} of real values has no op", where=step.call.where)
        c.builder.prefix = tidy(step.call.name)
        flow = rule(c, flow, step)
    return flow


def _monotone(step: Step, before: Step | None) -> bool:
    """True when the step is monotone in its flow: a slope that turns, a constant less it or a cast that wraps may not be."""
    call = step.call
    if call.op not in MONOTONE:
        return False
    if call.op == "PRelu" and not all((slope >= 0).all() for slope in step.constants):
        return False
    if call.op == "LeakyRelu" and call.real("alpha") < 0:
        return False
    if call.op == "Cast" and call.integer("to") not in REAL_TYPES:
        return before is not None and before.call.op in COMPARISONS
    return step.place == 0 or call.op in SYMMETRIC


def _staircase(flow: Flow, steps: Sequence[Step], limits: Limits) -> Staircase:
    """The steps as thresholds per channel, or for all channels at once where no constant tells them apart."""
    varies = any(_by_channel(step, operand, flow) for step in steps for operand in step.constants)
    return staircase(_function(flow, steps, limits), flow.channels if varies else 1)


def _by_channel(step: Step, operand: np.ndarray, flow: Flow) -> bool:
    """True for a constant with one value (or row) per channel, False for one for all. Raises UnsupportedError otherwise."""
    if step.call.op in _PARAMETERS and operand.ndim >= 1:
        return len(operand) > 1
    return len(per_channel(operand, flow, step.call.where)) > 1


def _function(flow: Flow, steps: Sequence[Step], limits: Limits) -> Function:
    """The steps as a function of numbers and their channels, computed by the evaluator in the types of the file."""
    rank, axis = len(flow.order), flow.channel_axis

    def narrowed(step: Step, operand: np.ndarray, channel: np.ndarray) -> np.ndarray:
        if not _by_channel(step, operand, flow):
            return operand
        along = 0 if step.call.op in _PARAMETERS else operand.ndim - rank + axis
        return np.take(operand, channel, along)

    def function(x: np.ndarray, channel: np.ndarray) -> np.ndarray:
        shape = [1] * rank
        shape[axis] = len(x)
        values = x.reshape(shape)
        with np.errstate(all="ignore"):
            for step in steps:
                operands = [None if operand is None else narrowed(step, operand, channel) for operand in step.operands]
                operands[step.place] = values
                values = execute_on(step.call, operands, limits)[0]
        return np.broadcast_to(values, shape).reshape(-1).astype(np.float64)

    return function


def _write_stairs(c: Conversion, flow: Flow, found: Staircase, call: Call) -> Flow:
    """A sign where there are two values -1 and +1, else thresholds; then the scale, unless it is 1."""
    c.builder.prefix = tidy(call.name)
    rows, down = found.thresholds, found.descending
    if found.dtype == BIPOLAR and not down.any() and (rows == rows[0]).all() and np.abs(rows[0, 0]) < 1e300:
        flow = c.add(Sign(real(rows[0])) if rows[0, 0] else Sign(), flow)
    else:
        same = len(rows) > 1 and (rows == rows[0]).all() and (down == down[0]).all()
        rows, down = (rows[:1], down[:1]) if same else (rows, down)
        op = MultiThreshold(Constant(real(rows[0]).dtype, rows), found.dtype, Constant(BINARY, down.astype(np.int8)))
        flow = c.add(op, flow)
    if (found.scale == 1).all() and (found.bias == 0).all():
        return flow
    return c.add(Affine(real(_one(found.scale)), real(_one(found.bias))), flow)


def _one(values: np.ndarray) -> np.ndarray:
    """One value where all are equal."""
    return values[:1] if (values == values[0]).all() else values


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
    """Bounds are attributes up to opset 10, then inputs; one that is left out is the end of float32."""
    stated = step.call.attributes
    given = [stated.get(name) for name in ("min", "max")]
    for index, operand in enumerate(step.operands[1:]):
        given[index] = None if operand is None else operand.reshape(-1)[0]
    low, high = (None if bound is None else float(bound) for bound in given)  # type: ignore[arg-type]
    return _clipped(c, flow, low, high)


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
    if step.place != 0:
        raise UnsupportedError("a slope that is computed from the image", where=step.call.where)
    return c.add(Prelu(real(_constant(flow, step))), flow)


def _dequantize(c: Conversion, flow: Flow, step: Step) -> Flow:
    scale, zero = step.operands[1], step.operands[2] if len(step.operands) > 2 else None
    factor = per_channel(np.asarray(scale), flow, step.call.where)
    return c.add(_affine(factor, 0.0 if zero is None else -factor * per_channel(zero, flow, step.call.where)), flow)


def _batch_norm(c: Conversion, flow: Flow, step: Step) -> Flow:
    """The operator's inference form, on channels in axis 1 as the graph has them last."""
    call = step.call
    if call.attributes.get("training_mode", 0) or any(call.outputs[1:]):
        raise UnsupportedError("is in training mode", where=call.where)
    gamma, beta, mean, variance = (np.asarray(operand) for operand in step.operands[1:])
    epsilon = call.real("epsilon")
    if not (variance + epsilon > 0).all():
        index = int(np.argmin(variance + epsilon > 0))
        raise call.refuse(f"variance[{index}] is {variance[index]}, with epsilon {epsilon} it has no square root")
    if flow.shape[1] != flow.channels:
        raise UnsupportedError(f"normalises axis 1 of a tensor of shape {list(flow.shape)}", where=call.where)
    return c.add(BatchNorm(real(gamma), real(beta), real(mean), real(variance), epsilon), flow)


REALS: dict[str, Rule] = {
    "Add": _add,
    "Sub": _sub,
    "Mul": _mul,
    "Div": _div,
    "Neg": lambda c, flow, step: c.add(_affine(-1.0, 0.0), flow),
    "Clip": _clip,
    "Relu": lambda c, flow, step: c.add(Relu(), flow),
    "LeakyRelu": lambda c, flow, step: c.add(Prelu(real(np.array(step.call.real("alpha")))), flow),
    "PRelu": _prelu,
    "Max": _extreme,
    "Min": _extreme,
    "Abs": lambda c, flow, step: c.add(Abs(), flow),
    "Sigmoid": lambda c, flow, step: c.add(Sigmoid(), flow),
    "HardSigmoid": _hard_sigmoid,
    "DequantizeLinear": _dequantize,
    "Identity": lambda c, flow, step: flow,
    "Dropout": lambda c, flow, step: flow,
    "BatchNormalization": _batch_norm,
}
