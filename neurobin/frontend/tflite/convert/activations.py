"""What an operator applies to its own result: the fused activation function."""

from __future__ import annotations

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.values import Flow
from neurobin.frontend.tflite.convert.conversion import Conversion
from neurobin.frontend.tflite.model import Operator
from neurobin.ir import Op
from neurobin.ops.clip import Clip
from neurobin.ops.relu import Relu

NONE = 0
_FUNCTIONS: dict[int, Op] = {1: Relu(), 2: Clip(-1.0, 1.0), 3: Clip(0.0, 6.0)}
_NAMES = {4: "TANH", 5: "SIGN_BIT"}


def activated(c: Conversion, operator: Operator, flow: Flow) -> Flow:
    """The flow behind the operator's activation. Raises UnsupportedError for one that has no meaning in a graph."""
    number = operator.integer("fused_activation_function")
    if number == NONE:
        return flow
    if number not in _FUNCTIONS:
        raise UnsupportedError(f"activation {_NAMES.get(number, f'number {number}')}", where=operator.where)
    return c.add(_FUNCTIONS[number], flow)
