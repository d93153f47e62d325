"""Rectifiers, as operators and fused into others: real numbers are clipped, levels of 8 bits behind their rounding.

An 8-bit kernel clips what it stores to round(bound / scale) (CalculateActivationRangeQuantized), so the bound itself need
not be a level. `quantize.stored` does that for the operators that `sums.summed` knows; their flows pass here as they are.
"""

from __future__ import annotations

from math import inf

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.values import Flow
from neurobin.frontend.tflite.convert.conversion import Conversion
from neurobin.frontend.tflite.convert.sums import summed
from neurobin.frontend.tflite.model import Operator
from neurobin.ir import Op
from neurobin.ops.clip import Clip
from neurobin.ops.relu import Relu

NONE = 0
# What operators of two real operands compute before their activation, of constants or of single numbers.
PAIRS = {"ADD": np.add, "SUB": np.subtract, "MUL": np.multiply, "MINIMUM": np.minimum, "MAXIMUM": np.maximum}
_OPS: dict[str, Op] = {
    "RELU": Relu(),
    "RELU_N1_TO_1": Clip(-1.0, 1.0),
    "RELU6": Clip(0.0, 6.0),
    "RELU_0_TO_1": Clip(0.0, 1.0),
}
_BOUNDS = {"RELU": (0.0, inf), "RELU_N1_TO_1": (-1.0, 1.0), "RELU6": (0.0, 6.0), "RELU_0_TO_1": (0.0, 1.0)}
RECTIFIERS = tuple(_BOUNDS)
_FUSED = {1: "RELU", 2: "RELU_N1_TO_1", 3: "RELU6", 4: "TANH", 5: "SIGN_BIT"}


def rectifier(c: Conversion, operator: Operator) -> Flow:
    """RELU and its relatives, as operators of their own."""
    return _applied(c, operator, c.flow(operator, 0), operator.op)


def activated(c: Conversion, operator: Operator, flow: Flow) -> Flow:
    """The flow behind the operator's fused activation. Raises UnsupportedError for one that has no meaning in a graph."""
    name = _name(operator)
    return _applied(c, operator, flow, name) if name in _OPS else flow


def _applied(c: Conversion, operator: Operator, flow: Flow, name: str) -> Flow:
    return flow if summed(c, operator) else c.add(_OPS[name], flow)


def real_bounds(operator: Operator) -> tuple[float, float]:
    """Lowest and highest real number that the operator's activation, or the operator, leaves.

    Raises UnsupportedError for an activation that has no meaning in a graph.
    """
    return _BOUNDS.get(_name(operator), (-inf, inf))


def _name(operator: Operator) -> str:
    """The operator's activation by the name of an operator, the operator's own where it has none."""
    number = int(operator.options.get("fused_activation_function", NONE))
    name = _FUSED.get(number, f"number {number}") if number != NONE else operator.op
    if number != NONE and name not in _OPS:
        raise UnsupportedError(f"activation {name}", where=operator.where)
    return name


def level_bounds(operator: Operator, scale: float) -> tuple[float, float]:
    """Lowest and highest stored - zero point that the operator's activation leaves, halves away from zero."""
    bounds = real_bounds(operator)
    with np.errstate(over="ignore"):
        low, high = (float(np.float32(bound) / np.float32(scale)) for bound in bounds)
    return tuple(np.copysign(np.floor(np.abs([low, high]) + 0.5), [low, high]).tolist())
