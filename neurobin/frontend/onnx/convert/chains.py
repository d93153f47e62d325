"""Operators on single elements: which may wait in a chain, what each is as an op of the graph, and how a chain is written.

A chain is written in two parts. From its first step that rounds or compares on, it is a staircase (see `staircase`): one
`multi_threshold` or `sign`, and a scale. What stands before that is real arithmetic and keeps its own ops. Where the
staircase has no end (a rounding without a clip behind it), it begins as much earlier as it takes to find one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.limits import DEFAULT
from neurobin.frontend.onnx.convert import forks
from neurobin.frontend.onnx.convert.conversion import Conversion, tidy
from neurobin.frontend.onnx.convert.reals import clip_bounds, write_reals
from neurobin.frontend.onnx.convert.staircase import Function, Staircase, staircase
from neurobin.frontend.onnx.convert.values import ROUNDING, Chain, Flow, Step, per_channel
from neurobin.frontend.onnx.evaluate import execute_on
from neurobin.frontend.onnx.kinds import bounds, converts, is_whole
from neurobin.frontend.onnx.operators import Frame
from neurobin.frontend.onnx.operators.quantizers import channel_axis
from neurobin.frontend.onnx.tensors import kind_of

# Operators that are monotone in the flow for any constants beside it, as far as `_monotone` does not object.
MONOTONE = ROUNDING | frozenset(
    {"Add", "Sub", "Mul", "Div", "Neg", "Clip", "Relu", "LeakyRelu", "PRelu", "Max", "Min", "HardSigmoid", "Sigmoid", "Tanh",
     "Softsign", "Identity", "Dropout", "BatchNormalization", "DequantizeLinear"}
)  # fmt: skip
WAITING = MONOTONE | {"Abs"}
COMPARISONS = {"Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not"}
SYMMETRIC = COMPARISONS | {"Add", "Sub", "Mul", "Max", "Min"}  # monotone in either operand
_PARAMETERS = {"BatchNormalization", "MultiThreshold", "QuantizeLinear", "DequantizeLinear"}  # constants by channel first
_WRAPPING = {"Mul", "Div", "Neg", "Abs", "Add", "Sub"}  # of whole numbers, whose results may leave their type
CHANNEL = 2**11  # elements in the time that the levels of one channel take to be put on a grid
ROOM = 2**30  # sums of two numbers below it stay in 32 bits


def write(c: Conversion, chain: Chain) -> Flow:
    """The chain as nodes of the graph, named after its steps. Raises UnsupportedError naming the step that has no op."""
    reader = c.builder.prefix
    try:
        return _written(c, chain.flow, chain.steps)
    finally:
        c.builder.prefix = reader


def _written(c: Conversion, flow: Flow, steps: Sequence[Step]) -> Flow:
    kinds = _kinds(c, flow, steps)
    first = next((index for index, step in enumerate(steps) if step.rounds), len(steps))
    if first == len(steps):
        return write_reals(c, flow, steps, kinds[1:])
    problem: UnsupportedError | None = None
    for begin in _begins(flow, first):
        stairs = steps[begin:]
        if not _all_monotone(c, flow, stairs, kinds[begin:]):
            continue
        try:
            found = _staircase(c, flow, stairs, kinds[begin])
        except UnsupportedError as error:
            problem = error
            continue
        written = write_reals(c, flow, steps[:begin], kinds[1 : begin + 1])
        c.builder.prefix = tidy(stairs[0].call.name)
        for op in found.ops(c.builder.types[written.name].dtype):
            written = c.add(op, written)
        return replace(written, kind=kinds[-1])
    place = next((index for index, step in enumerate(steps) if step.branches), None)
    if place is not None and steps[place].call.op in forks.SUMS:
        return _written(c, forks.joined(c, flow, steps[:place], steps[place]), steps[place + 1 :])
    raise UnsupportedError(problem.what if problem else "behind operators that rise and fall", where=steps[first].call.where)


def _begins(flow: Flow, first: int) -> list[int]:
    """Where a staircase may begin, best first: late, so that real arithmetic keeps its ops; but whole numbers, which the
    file rescales in float32, are compared as they are."""
    late = list(range(first, -1, -1))
    return late if flow.kind.kind == "f" else [0, *late]


def _kinds(c: Conversion, flow: Flow, steps: Sequence[Step]) -> list[np.dtype]:
    """The type of the numbers before each step and behind the last. Raises UnsupportedError for steps that mean no chain."""
    kinds = [flow.kind]
    for index, step in enumerate(steps):
        for branch in step.branches:
            _kinds(c, replace(flow, kind=kinds[-1]), branch)
        _check(flow, step, steps[:index], kinds[-1])
        kinds.append(kind_behind(c, flow, step, kinds[-1]))
    return kinds


def kind_behind(c: Conversion, flow: Flow, step: Step, kind: np.dtype) -> np.dtype:
    """The type of a step's results, as the evaluator has it for one number of `kind` per channel of the flow.

    Raises FormatError for a step that the evaluator refuses, UnsupportedError for constants that vary over places.
    """
    with np.errstate(all="ignore"):
        return _applied(c, flow, step, np.zeros(_along_channels(flow, flow.channels), kind)).dtype


def _check(flow: Flow, step: Step, before: Sequence[Step], kind: np.dtype) -> None:
    """Raises UnsupportedError for training, parameters along another axis than the channels', and numbers that may wrap."""
    call = step.call
    if step.place and call.op not in SYMMETRIC | {"Div"}:
        raise UnsupportedError(f"input {step.place} is computed from the image, expected a constant", where=call.where)
    if call.op == "BatchNormalization" and (call.attributes.get("training_mode", 0) or any(call.outputs[1:])):
        raise UnsupportedError("is in training mode", where=call.where)
    if call.op in _PARAMETERS and any(operand.size > 1 for operand in step.constants):
        axis = parameter_axis(flow, step)
        if axis != flow.channel_axis:
            raise UnsupportedError(f"has parameters along axis {axis}, which is not the channels'", where=call.where)
    if is_whole(kind) and call.op in _WRAPPING and not _has_room(step, kind):
        raise UnsupportedError(f"{call.op} of {kind.name}, which may wrap", where=call.where)
    if call.op == "Cast" and not _keeps_order(step, before, kind):
        raise UnsupportedError(f"casts {kind.name} that may wrap, since no clip bounds it", where=call.where)


def _has_room(step: Step, kind: np.dtype) -> bool:
    """True for a sum of wide numbers and a constant."""
    return kind.itemsize >= 4 and step.call.op in ("Add", "Sub") and all(np.abs(v).max() < ROOM for v in step.constants)


def _keeps_order(step: Step, before: Sequence[Step], kind: np.dtype) -> bool:
    """True for a cast that wraps no number that the steps before it leave. Below 0 and above it alike, truth is not 0."""
    to = kind_of(step.call.integer("to"), step.call.where)
    return step.keeps_reals or converts(kind, to) or (is_whole(to) and _fits(before, to))


def _fits(before: Sequence[Step], to: np.dtype) -> bool:
    """True where the steps before clip to numbers of a type."""
    for step in reversed(before):
        if step.call.op == "Clip":
            (low, high), (least, most) = clip_bounds(step), bounds(to)
            return low is not None and high is not None and least <= low <= high <= most
        if step.call.op not in ("Round", "Floor", "Ceil", "Identity"):
            return step.call.op == "Sign" and bounds(to)[0] < 0
    return False


def _all_monotone(c: Conversion, flow: Flow, steps: Sequence[Step], kinds: Sequence[np.dtype]) -> bool:
    """True when each step is monotone in its flow, and branches of one rise and fall together."""
    for index, (step, kind) in enumerate(zip(steps, kinds, strict=False)):
        if step.branches:
            before = replace(flow, kind=kind)
            alone = all(_all_monotone(c, before, branch, _kinds(c, before, branch)) for branch in step.branches)
            functions = [_function(c, before, branch) for branch in step.branches]
            if not alone or not forks.agree(step, _function(c, before, [step]), functions, flow.channels, kind):
                return False
        elif not _monotone(step, steps[:index], kind):
            return False
    return True


def _monotone(step: Step, before: Sequence[Step], kind: np.dtype) -> bool:
    """True when the step is monotone in its flow: a slope that turns, a constant less it or a cast that wraps may not be."""
    call = step.call
    if call.op == "Cast":
        return _keeps_order(step, before, kind)
    if call.op not in MONOTONE:
        return False
    if call.op == "PRelu" and not all((slope >= 0).all() for slope in step.constants):
        return False
    if call.op == "LeakyRelu" and call.real("alpha") < 0:
        return False
    return step.place == 0 or call.op in SYMMETRIC


def _staircase(c: Conversion, flow: Flow, steps: Sequence[Step], kind: np.dtype) -> Staircase:
    """The steps as thresholds per channel, or for all channels at once where no constant tells them apart."""
    varies = any(_by_channel(step, operand, flow) for step in forks.flat(steps) for operand in step.constants)
    channels = flow.channels if varies else 1
    Frame(steps[0].call, c.limits, c.spent).work(channels * CHANNEL)
    return staircase(_function(c, flow, steps), channels, kind)


def parameter_axis(flow: Flow, step: Step) -> int:
    """Along which axis of the flow an operator has one parameter each."""
    frame = Frame(step.call, DEFAULT)
    if step.call.op == "MultiThreshold":
        return channel_axis(frame, len(flow.order))
    return frame.axis(1 if step.call.op == "BatchNormalization" else step.call.integer("axis"), len(flow.order))


def _by_channel(step: Step, operand: np.ndarray, flow: Flow) -> bool:
    """True for a constant with one value (or row) per channel, False for one for all. Raises UnsupportedError otherwise."""
    if step.call.op in _PARAMETERS and operand.ndim >= 1:
        return len(operand) > 1 or flow.channels == 1  # the evaluator wants as many as there are numbers
    return len(per_channel(operand, flow, step.call.where)) > 1


def _along_channels(flow: Flow, count: int) -> list[int]:
    """The shape of so many numbers along the channels' axis."""
    return [count if axis == flow.channel_axis else 1 for axis in range(len(flow.order))]


def _applied(c: Conversion, flow: Flow, step: Step, values: np.ndarray, channel: np.ndarray | None = None) -> np.ndarray:
    """What the evaluator makes of numbers [.., M, ..] along the channels' axis: of these channels [M], else of all."""
    operands: list[np.ndarray | None] = []
    branches = iter(step.branches)
    for operand in step.operands:
        if operand is None and step.branches:
            operand = values
            for inner in next(branches):
                operand = _applied(c, flow, inner, operand, channel)
        elif operand is not None and _by_channel(step, operand, flow) and channel is not None:
            along = 0 if step.call.op in _PARAMETERS else operand.ndim - len(flow.order) + flow.channel_axis
            operand = np.take(operand, channel, along)
        operands.append(operand)
    if not step.branches:
        operands[step.place] = values
    return execute_on(step.call, operands, c.limits, c.spent)[0]


def _function(c: Conversion, flow: Flow, steps: Sequence[Step]) -> Function:
    """The steps as a function of numbers and their channels, computed by the evaluator in the types of the file."""

    def function(x: np.ndarray, channel: np.ndarray) -> np.ndarray:
        shape = _along_channels(flow, len(x))
        values = x.reshape(shape)
        with np.errstate(all="ignore"):
            for step in steps:
                values = _applied(c, flow, step, values, channel)
        return np.broadcast_to(values, shape).reshape(-1).astype(np.float64)

    return function
