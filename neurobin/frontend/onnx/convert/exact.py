"""Chains where a file is whole numbers from end to end: integer ops that compute the same integers.

Products, sums and divisions by powers of two make a `Line` of the flow; what clips, rectifies or compares writes it. Every
result is proven to stay within the whole numbers that its type in the file holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert import line as lines
from neurobin.frontend.onnx.convert import stairs
from neurobin.frontend.onnx.convert.chains import kind_behind
from neurobin.frontend.onnx.convert.conversion import Conversion, check_exact, tidy
from neurobin.frontend.onnx.convert.line import Line, numbers, whole
from neurobin.frontend.onnx.convert.reals import clip_bounds
from neurobin.frontend.onnx.convert.values import Chain, Flow, Step, by_channel
from neurobin.frontend.onnx.kinds import is_whole
from neurobin.ir import TERNARY, DType
from neurobin.ir.dtype import i, u
from neurobin.ops.abs import Abs
from neurobin.ops.prelu import Prelu
from neurobin.ops.relu import Relu
from neurobin.passes.fixed_point import integers

ROUNDED = ("PRelu", "Add", "Floor")  # a rectifier of whole numbers, rounded half up: one op


def write(c: Conversion, chain: Chain) -> Flow:
    """The chain as integer ops, named after its steps. Raises UnsupportedError naming the step that has no op."""
    reader = c.builder.prefix
    try:
        return lines.written(c, trace(c, chain.flow, chain.steps))
    finally:
        c.builder.prefix = reader


def trace(c: Conversion, flow: Flow, steps: Sequence[Step]) -> Line:
    """The steps up to a line that is left to its reader. What was written for another reader is taken."""
    done = max((index + 1 for index, step in enumerate(steps) if step.call.outputs[0] in c.written), default=0)
    line = Line(c.written[steps[done - 1].call.outputs[0]] if done else flow)
    while done < len(steps):
        call = steps[done].call
        taken = len(ROUNDED) if call.op == "PRelu" else 1
        c.builder.prefix = tidy(call.name)
        try:
            rule = RULES.get(call.op)
            if rule is None:
                raise UnsupportedError(f"{call.op} of whole numbers has no op")
            kind = line.flow.kind
            for step in steps[done : done + taken]:
                kind = kind_behind(c, line.flow, step, kind)
            line = rule(c, line, steps[done : done + taken])
            line = replace(line, flow=replace(line.flow, kind=kind))
            check_exact(kind, *line.ends(c))
        except UnsupportedError as error:
            raise UnsupportedError(error.what, where=call.where) from None
        done = min(done + taken, len(steps))
        if line.is_identity and steps[done - 1].call.outputs[0]:
            c.written[steps[done - 1].call.outputs[0]] = line.flow
    return line


def _constant(line: Line, step: Step) -> np.ndarray:
    """The constant beside the flow, [C] or [1]."""
    return whole(by_channel(step.constants[0], line.flow, step.call.where))


def _add(c: Conversion, line: Line, steps: Sequence[Step]) -> Line:
    return line.plus(_constant(line, steps[0]))


def _sub(c: Conversion, line: Line, steps: Sequence[Step]) -> Line:
    constant = _constant(line, steps[0])
    return line.plus(-constant) if steps[0].place == 0 else _neg(c, line, steps).plus(constant)


def _mul(c: Conversion, line: Line, steps: Sequence[Step]) -> Line:
    return lines.times(c, line, _constant(line, steps[0]))


def _neg(c: Conversion, line: Line, steps: Sequence[Step]) -> Line:
    return lines.times(c, line, numbers(-1))


def _div(c: Conversion, line: Line, steps: Sequence[Step]) -> Line:
    """Whole division cuts off, the floor of what is not negative; floor(floor(z / 2^s) / 2^k) = floor(z / 2^(s + k))."""
    divisor = _constant(line, steps[0])
    power, low = int(divisor[0]), line.ends(c)[0]
    shifts = bool((divisor == power).all()) and power > 0 and power & (power - 1) == 0
    if not shifts or steps[0].place != 0 or not is_whole(line.flow.kind):
        raise UnsupportedError("divides by something else than a power of two in whole numbers")
    if low < 0:
        raise UnsupportedError(f"divides numbers down to {low}, which rounds towards 0")
    return replace(line, shift=line.shift + power.bit_length() - 1)


def _same(c: Conversion, line: Line, steps: Sequence[Step]) -> Line:
    """What leaves whole numbers as they are, in a type that holds them."""
    return line


def _relu(c: Conversion, line: Line, steps: Sequence[Step]) -> Line:
    return Line(c.add(Relu(), lines.written(c, line)))


def _abs(c: Conversion, line: Line, steps: Sequence[Step]) -> Line:
    return Line(c.add(Abs(), lines.written(c, line)))


def _clip(c: Conversion, line: Line, steps: Sequence[Step]) -> Line:
    low, high = clip_bounds(steps[0])
    if low == 0 and high is None:
        return _relu(c, line, steps)
    found = [dtype for dtype in _types_up_to(high) if (dtype.low, dtype.high) == (low, high)]
    if not found:
        raise UnsupportedError(f"clips to {low} ... {high}, the range of no type")
    return Line(lines.written(c, line, found[0]))


def _types_up_to(high: float | None) -> list[DType]:
    """The types whose largest value this may be."""
    if high is None or not 0 <= high < 2**53:
        return []
    bits = int(high).bit_length()
    return [TERNARY, i(bits + 1), *([u(bits)] if bits else [])]


def _prelu(c: Conversion, line: Line, steps: Sequence[Step]) -> Line:
    """floor(PRelu(x, slope) + 1/2), with slopes that are whole multiples of 2^-shift; a shift of 0 needs no rounding."""
    flow = lines.written(c, line)
    if tuple(step.call.op for step in steps) != ROUNDED:
        raise UnsupportedError("PRelu of whole numbers that is not rounded half up")
    slope, half = (by_channel(step.constants[0], flow, step.call.where).astype(np.float64) for step in steps[:2])
    if not np.isfinite(slope).all():
        raise UnsupportedError("a slope that is no number")
    shift = max(value.as_integer_ratio()[1].bit_length() - 1 for value in slope.tolist())
    if shift > 62 or ((half != 0.5) & ((half != 0) | (shift > 0))).any():
        raise UnsupportedError("PRelu of whole numbers that is not rounded half up")
    scaled, dtype = np.ldexp(slope, shift), c.builder.types[flow.name].dtype
    places = max(shift, int(half.any()))  # binary ones, behind the point
    largest = max(int(np.abs(scaled).max()), 1 << shift)  # numbers from 0 on are not multiplied, but the half is added
    reach = (max(-dtype.low, dtype.high) * largest << (places - shift)) + (1 << places >> 1)
    check_exact(flow.kind, -reach, reach)  # of all numbers on the way, times 2^places: then floats hold them
    return Line(c.add(Prelu(integers(scaled.astype(np.int64)), shift), flow))


def _bipolar(c: Conversion, line: Line, steps: Sequence[Step]) -> Line:
    return Line(stairs.written(c, stairs.of_sign(c, line, steps[0])))


def _thresholds(c: Conversion, line: Line, steps: Sequence[Step]) -> Line:
    return Line(stairs.written(c, stairs.of_thresholds(c, line, steps[0])))


Rule = Callable[[Conversion, Line, Sequence[Step]], Line]  # the steps it reads: one, or those of `ROUNDED`
RULES: dict[str, Rule] = {
    "Add": _add,
    "Sub": _sub,
    "Mul": _mul,
    "Neg": _neg,
    "Div": _div,
    "Cast": _same,
    "Identity": _same,
    "Dropout": _same,
    "Floor": _same,
    "Ceil": _same,
    "Round": _same,
    "Relu": _relu,
    "Abs": _abs,
    "Clip": _clip,
    "PRelu": _prelu,
    "BipolarQuant": _bipolar,
    "MultiThreshold": _thresholds,
}
