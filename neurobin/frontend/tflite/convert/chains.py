"""Operators on single real numbers that together are a quantizer: thresholds stand for them.

The activations of DoReFa-Net, round(clip(x, 0, 1) 3), are MINIMUM, RELU, MUL and ROUND here. An operator that rounds has an
end only with those before it, or behind it, that clip: so it waits, and what follows on single numbers waits with it, until
another operator reads the result. Then `staircase` finds where that changes, from the file's own float32 arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.conversion import tidy
from neurobin.frontend.onnx.convert.staircase import Function, staircase
from neurobin.frontend.onnx.convert.values import BATCH, Flow, per_channel
from neurobin.frontend.tflite.convert.activations import PAIRS, RECTIFIERS, real_bounds
from neurobin.frontend.tflite.convert.conversion import Conversion, Step
from neurobin.frontend.tflite.model import Operator

_REAL = np.dtype("<f4")
_Rule = Callable[[Operator, np.ndarray, int], Function | None]  # (operator, constant [C or 1], place of the flow)


def waits(c: Conversion, operator: Operator) -> bool:
    """True for an operator that rounds, or stands behind one that does: its reader writes it.

    Every operator on single numbers is remembered. Raises FormatError for too many in a row.
    """
    step = _step(c, operator)
    if step is None:
        return False
    steps = (*c.chains.get(step.source, ()), step)  # of a quantizer that is written none are left: it is built on
    c.limits.check("chain", len(steps), "the number of operators on single elements in a row", operator.where)
    c.chains[operator.outputs[0]] = steps
    return any(one.rounds for one in steps)


def written(c: Conversion, steps: tuple[Step, ...]) -> Flow:
    """The thresholds of a chain, begun as late as they have an end: what stands before keeps its ops.

    Raises UnsupportedError naming the first operator that rounds.
    """
    first = next(index for index, step in enumerate(steps) if step.rounds)
    tensor = c.model.tensors[steps[-1].operator.outputs[0]]
    c.builder.prefix = tidy(tensor.name)
    problem: UnsupportedError | None = None
    for begin in range(first, -1, -1):
        stairs = steps[begin:]
        flow = c.seen(c.names[stairs[0].source])
        channels = flow.channels if any(step.varies for step in stairs) else 1
        c.search(channels, tensor, len(stairs))
        function = _composed(stairs)
        try:
            found = staircase(function, channels)
        except UnsupportedError as error:
            problem = error
            continue
        for op in found.ops(c.builder.types[flow.name].dtype):
            flow = c.add(op, flow)
        return flow
    assert problem is not None
    raise UnsupportedError(problem.what, where=steps[first].operator.where)


def refused(c: Conversion, operator: Operator) -> Flow:
    """What rounds something else than one real number of each place of a tensor of images."""
    found = ", ".join(f"{t.kind.name}{list(t.shape)}" for t in (c.model.tensors[i] for i in operator.inputs if i >= 0))
    made = c.model.tensors[operator.outputs[0]]
    what = f"makes {made.kind.name}{list(made.shape)} of {found or 'nothing'}, expected float32 [N, ...] of as many"
    raise UnsupportedError(what, where=operator.where)


def _composed(steps: tuple[Step, ...]) -> Function:
    def function(x: np.ndarray, channel: np.ndarray) -> np.ndarray:
        for step in steps:
            x = step.function(x, channel)
        return x

    return function


def _step(c: Conversion, operator: Operator) -> Step | None:
    """The operator as a monotone function of one real number of one tensor, None where it is none."""
    if operator.op not in FUNCTIONS or len(operator.outputs) != 1:
        return None
    if len(operator.inputs) != _OPERANDS.get(operator.op, 1) or min(operator.inputs) < 0:
        return None
    tensors = [c.model.tensors[index] for index in (*operator.inputs, operator.outputs[0])]
    computed = [place for place in range(len(operator.inputs)) if not c.is_constant(operator, place)]
    if len(computed) != 1 or any(tensor.kind != _REAL for tensor in tensors):
        return None
    place = computed[0]
    source, target = tensors[place], tensors[-1]
    if source.shape != target.shape or len(source.shape) < 2:
        return None
    constant = np.zeros(1)
    if len(operator.inputs) == 2:
        seen = Flow(source.name, (BATCH, *range(len(source.shape) - 1)), source.shape[1:], source.shape[0])
        constant = per_channel(c.fixed(operator, 1 - place).values, seen, operator.where)
    function = FUNCTIONS[operator.op](operator, constant.astype(np.float32), place)
    return None if function is None else Step(operator, source.index, function, constant.size > 1, operator.op in ROUNDING)


def _unary(function: Callable[[np.ndarray], np.ndarray]) -> _Rule:
    return lambda operator, constant, place: lambda x, channel: function(x)


def _binary(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> _Rule:
    """A function of the first operand and the second, then the operator's activation."""

    def rule(operator: Operator, constant: np.ndarray, place: int) -> Function:
        low, high = np.array(real_bounds(operator), np.float32)

        def computed(x: np.ndarray, channel: np.ndarray) -> np.ndarray:
            other = constant[channel % constant.size]
            return np.clip(function(x, other) if place == 0 else function(other, x), low, high)

        return computed

    return rule


def _bounded(operator: Operator, constant: np.ndarray, place: int) -> Function:
    low, high = np.array(real_bounds(operator), np.float32)
    return lambda x, channel: np.clip(x, low, high)


def _bent(operator: Operator, constant: np.ndarray, place: int) -> Function | None:
    """A rectifier with slopes; one that falls below 0 and rises above is not monotone."""
    slope = constant if operator.op == "PRELU" else np.array([operator.options["alpha"]], np.float32)
    if place or not (slope >= 0).all():
        return None
    return lambda x, channel: np.where(x >= 0, x, x * slope[channel % slope.size])


_OPERANDS = dict.fromkeys((*PAIRS, "PRELU"), 2)
# Halves go to the even number (reference/round.h); the sign of 0 is 0.
ROUNDING: dict[str, _Rule] = {
    "ROUND": _unary(np.rint),
    "FLOOR": _unary(np.floor),
    "CEIL": _unary(np.ceil),
    "SIGN": _unary(np.sign),
}
FUNCTIONS: dict[str, _Rule] = ROUNDING | {
    **{name: _binary(function) for name, function in PAIRS.items()},
    **dict.fromkeys(RECTIFIERS, _bounded),
    "PRELU": _bent,
    "LEAKY_RELU": _bent,
}
