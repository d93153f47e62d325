"""Operators on constants alone, computed in the file's float32: converters leave some to the interpreter.

TensorFlow's folds no constants above a size: of XNOR-Net's first dense layer the weights are clipped, averaged, made bits
and scaled again by operators of the file. A constant is forgotten behind its last reader.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from neurobin.frontend.onnx.sane import check_numbers
from neurobin.frontend.tflite.convert.activations import PAIRS, RECTIFIERS, real_bounds
from neurobin.frontend.tflite.convert.conversion import WORD, Conversion, pack, unpack
from neurobin.frontend.tflite.model import Operator, Tensor

_REAL, _BITS = np.dtype("<f4"), np.dtype("<i4")
_Rule = Callable[[Conversion, Operator, Tensor], np.ndarray]  # (.., the tensor it makes)


def folded(c: Conversion, operator: Operator) -> bool:
    """True for an operator whose result is a constant now. Raises FormatError where the file states another one."""
    if len(operator.outputs) != 1 or not operator.inputs:
        return False
    if not all(c.is_constant(operator, place) for place in range(len(operator.inputs))):
        return False
    tensor = c.model.tensors[operator.outputs[0]]
    if operator.op == "DEQUANTIZE":
        fixed = c.fixed(operator, 0)
        _check_stated(operator, tensor, fixed.values.shape, _REAL)
        c.folded[tensor.index] = fixed
        return True
    if operator.op not in FOLDS or not {tensor.kind, c.tensor(operator, 0).kind} <= {_REAL, _BITS}:
        return False
    _count(c, operator, tensor)
    values = np.asarray(FOLDS[operator.op](c, operator, tensor))
    _check_stated(operator, tensor, values.shape, values.dtype)
    c.constants[tensor.index] = values
    return True


def _count(c: Conversion, operator: Operator, tensor: Tensor) -> None:
    """What the operator reads and makes, before it does. Raises FormatError where that is too much."""
    made = prod(tensor.shape)
    most = max(made, *(c.data(operator, place).size for place in range(len(operator.inputs))))
    c.limits.check("constant_elements", most, "the number of elements that it reads or makes", operator.where)
    c.compute(most, tensor)
    c.hold(made * tensor.kind.itemsize, tensor)


def _check_stated(operator: Operator, tensor: Tensor, shape: tuple[int, ...], kind: np.dtype) -> None:
    if shape != tensor.shape or kind != tensor.kind:
        stated = f"{tensor.where} states {tensor.kind.name}{list(tensor.shape)}"
        raise operator.refuse(f"makes {kind.name}{list(shape)}, {stated}")


def count_readers(operators: Sequence[Operator]) -> Counter[int]:
    """How often each tensor is read."""
    return Counter(index for operator in operators for index in operator.inputs)


def forget(c: Conversion, operator: Operator) -> None:
    """Drops computed constants that no operator behind this one reads."""
    c.readers.subtract(operator.inputs)
    for index in operator.inputs:
        if c.readers[index] == 0 and index in c.constants:
            c.held_bytes -= c.constants.pop(index).nbytes


def _real(c: Conversion, operator: Operator, place: int = 0) -> np.ndarray:
    """A float32 operand. Raises FormatError for others, and at a number that is none."""
    tensor, values = c.tensor(operator, place), c.data(operator, place)
    if values.dtype != _REAL:
        raise operator.refuse(f"{tensor.where} is of type {values.dtype.name}, expected float32")
    check_numbers(values, tensor.where)
    return values


def _unary(function: Callable[[np.ndarray], np.ndarray]) -> _Rule:
    return lambda c, operator, tensor: function(_real(c, operator))


def _binary(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> _Rule:
    def rule(c: Conversion, operator: Operator, tensor: Tensor) -> np.ndarray:
        a, b = (_real(c, operator, place) for place in range(2))
        try:
            shape: tuple[int, ...] | None = np.broadcast_shapes(a.shape, b.shape)
        except ValueError:
            shape = None
        if shape != tensor.shape:  # before anything is computed: it may be large
            shapes = f"{list(a.shape)} and {list(b.shape)}"
            raise operator.refuse(f"joins shapes {shapes}, {tensor.where} states {list(tensor.shape)}")
        return _clipped(operator, function(a, b))

    return rule


def _clipped(operator: Operator, values: np.ndarray) -> np.ndarray:
    low, high = np.array(real_bounds(operator), np.float32)
    return np.clip(values, low, high)


def _mean(c: Conversion, operator: Operator, tensor: Tensor) -> np.ndarray:
    values, axes = _real(c, operator), c.numbers(operator, 1)
    rank = values.ndim
    if len({axis % max(rank, 1) for axis in axes}) != len(axes) or not all(-rank <= axis < rank for axis in axes):
        raise operator.refuse(f"averages axes {axes[:8]} of {rank}")
    if not values.size:
        raise operator.refuse("averages no numbers")
    return np.asarray(np.mean(values, tuple(axes), np.float32, keepdims=operator.flag("keep_dims")))


def _quantize(c: Conversion, operator: Operator, tensor: Tensor) -> np.ndarray:
    values = _real(c, operator)
    if not values.ndim:
        raise operator.refuse("makes bits of a single number")
    return pack(values < 0)


def _dequantize(c: Conversion, operator: Operator, tensor: Tensor) -> np.ndarray:
    words, packed = c.data(operator, 0), c.tensor(operator, 0)
    if words.shape[:-1] != tensor.shape[:-1]:  # before anything is unpacked
        shapes = f"{list(words.shape)}, {tensor.where} states {list(tensor.shape)}"
        raise operator.refuse(f"makes numbers of the bits of {packed.where} {shapes}")
    c.limits.check("constant_elements", WORD * words.size, "the number of its bits", packed.where)
    c.compute(WORD * words.size, tensor)
    return unpack(words, tensor.shape[-1] if tensor.shape else 0, packed).astype(np.float32)


def _transposed(c: Conversion, operator: Operator, tensor: Tensor) -> np.ndarray:
    values, order = c.data(operator, 0), c.numbers(operator, 1)
    if sorted(order) != list(range(values.ndim)):
        raise operator.refuse(f"puts axes in order {order[:8]}, of {values.ndim}")
    return values.transpose(order)


def _reshaped(c: Conversion, operator: Operator, tensor: Tensor) -> np.ndarray:
    values = c.data(operator, 0)
    if values.size != prod(tensor.shape):
        raise operator.refuse(f"shape {list(tensor.shape)} for the elements of {list(values.shape)}")
    return values.reshape(tensor.shape)


FOLDS: dict[str, _Rule] = {
    "ABS": _unary(np.abs),
    "SIGN": _unary(np.sign),
    **{name: _binary(function) for name, function in PAIRS.items()},
    **dict.fromkeys(RECTIFIERS, lambda c, operator, tensor: _clipped(operator, _real(c, operator))),
    "MEAN": _mean,
    "LceQuantize": _quantize,
    "LceDequantize": _dequantize,
    "TRANSPOSE": _transposed,
    "RESHAPE": _reshaped,
}
