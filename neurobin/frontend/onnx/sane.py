"""Whether the numbers in a model can be those of a network: looked at once, between reading and converting.

The standard allows any number anywhere, and the evaluator computes with it. A network that is to become a graph holds none
of these: NaN, infinities and denormals (which many processors and compilers take for 0), scales that are no positive number,
bit widths that are none, roundings nobody defined, variances without a square root. Thresholds need not ascend: an element's
level is how many of them it has reached, in any order. What is computed from constants is seen when it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite

import numpy as np

from neurobin.errors import FormatError
from neurobin.frontend.limits import DEFAULT, Limits
from neurobin.frontend.onnx.domains import CHANNELS_LAST, QONNX, STANDARD
from neurobin.frontend.onnx.model import Attribute, Call, Model, Opaque
from neurobin.frontend.onnx.operators import Frame
from neurobin.frontend.onnx.operators.quantizers import bit_width, check_scale, integer_range, rounding
from neurobin.ir.container import short

CHUNK = 2**16  # numbers looked at together: their masks stay small
# per size of a number: an integer type, and (doubled, so without the sign) the patterns of infinity and of the least normal
_PATTERNS: dict[int, tuple[type[np.unsignedinteger], int, int]] = {
    4: (np.uint32, 0xFF000000, 0x01000000),
    8: (np.uint64, 0xFFE0000000000000, 0x0020000000000000),
}
Known = Mapping[str, np.ndarray]


def check(model: Model, limits: Limits = DEFAULT) -> None:
    """Raises FormatError naming the place of the first bad number, UnsupportedError naming a rounding nobody knows here."""
    for name, values in model.constants.items():
        check_numbers(values, f"constant {short(name)}")
    for call in model.calls:
        for name, value in call.attributes.items():
            _check_attribute(value, f"{call.where}, attribute {short(name)}")
    known = dict(model.constants) | {call.outputs[0]: values for call in model.calls for values in _constant(call)}
    for call in model.calls:
        rule = _RULES.get((call.domain, call.op))
        if rule is not None:
            rule(Frame(call, limits), known)


def _constant(call: Call) -> list[np.ndarray]:
    """The numbers of a Constant node, nothing for other nodes."""
    if (call.domain, call.op) != (STANDARD, "Constant"):
        return []
    return [np.asarray(value) for value in call.attributes.values() if not isinstance(value, Opaque | str)]


def check_numbers(values: np.ndarray, where: str) -> None:
    """Raises FormatError at the first real number that is NaN, infinite or, unless of 16 bits, denormal."""
    if values.dtype.kind != "f":
        return
    flat = values.reshape(-1)
    for first in range(0, flat.size, CHUNK):
        bad = _bad(flat[first : first + CHUNK])
        if bad.any():
            index = first + int(bad.argmax())
            place = [int(i) for i in np.unravel_index(index, values.shape)]
            number = flat[index]
            if np.isfinite(number):
                what, hint = f"is {number!s}, a denormal number", "set such numbers to 0, then export again"
            else:
                what, hint = f"is {number}", "repair or retrain the network: no number computed with it means anything"
            raise FormatError(f"{what}, at {place}" if place else what, where=where, hint=hint)


def _bad(part: np.ndarray) -> np.ndarray:
    """Where numbers are not 0 and not normal; by their bits, so that a processor that flushes denormals sees them too."""
    if part.dtype.itemsize not in _PATTERNS:
        return ~np.isfinite(part)  # float16 has few normal numbers, and is widened before anything is computed
    kind, infinity, smallest = _PATTERNS[part.dtype.itemsize]
    bits = np.left_shift(part.view(kind), 1)
    normal = (bits - kind(smallest)) < kind(infinity - smallest)  # wraps around below the smallest
    return ~(normal | (bits == 0))


def _check_attribute(value: Attribute, where: str) -> None:
    if isinstance(value, np.ndarray):
        check_numbers(value, where)
        return
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, float) and not isfinite(number):
            raise FormatError(f"is {number}, expected a finite number", where=where)


Rule = Callable[[Frame, Known], None]


def _operand(frame: Frame, known: Known, index: int) -> np.ndarray | None:
    """An input, where it is a constant."""
    inputs = frame.call.inputs
    return known.get(inputs[index]) if index < len(inputs) else None


def _scales(**places: int) -> Rule:
    """A rule: these inputs are positive numbers."""

    def rule(frame: Frame, known: Known) -> None:
        for what, index in places.items():
            scale = _operand(frame, known, index)
            if scale is not None:
                check_scale(frame, scale, what)

    return rule


def _bits(frame: Frame, known: Known, index: int) -> int | None:
    """A stated width, where it is a constant. Raises FormatError for one that is none."""
    bits = _operand(frame, known, index)
    return None if bits is None else bit_width(frame, bits)


def _quant(frame: Frame, known: Known) -> None:
    _scales(scale=1)(frame, known)
    bits = _bits(frame, known, 3)
    if bits is not None:
        integer_range(frame, bits)
    rounding(frame)


def _trunc(frame: Frame, known: Known) -> None:
    """Version 2 has a scale of its result between the two widths."""
    newer = frame.call.version >= 2
    _scales(scale=1, **({"out_scale": 4} if newer else {}))(frame, known)
    for index in (3, 5 if newer else 4):
        _bits(frame, known, index)
    rounding(frame)


def _batch_norm(frame: Frame, known: Known) -> None:
    epsilon, variance = frame.call.real("epsilon"), _operand(frame, known, 4)
    if variance is None:
        return
    wrong = ~(variance.astype(np.float64) + epsilon > 0)
    if wrong.any():
        index = int(wrong.reshape(-1).argmax())
        number = variance.reshape(-1)[index]
        raise frame.call.refuse(f"variance is {number} at [{index}], with epsilon {epsilon:.6g} it has no square root")


_RULES: dict[tuple[str, str], Rule] = {
    (QONNX, "Quant"): _quant,
    (QONNX, "IntQuant"): _quant,
    (QONNX, "BipolarQuant"): _scales(scale=1),
    (QONNX, "Trunc"): _trunc,
    (STANDARD, "QuantizeLinear"): _scales(scale=1),
    (STANDARD, "DequantizeLinear"): _scales(scale=1),
    (STANDARD, "QLinearConv"): _scales(x_scale=1, w_scale=4, y_scale=6),
    (STANDARD, "QLinearMatMul"): _scales(a_scale=1, b_scale=4, y_scale=6),
    (STANDARD, "BatchNormalization"): _batch_norm,
    (CHANNELS_LAST, "BatchNormalization"): _batch_norm,
}
