"""Operators that work on one element at a time, with the two-way broadcasting of numpy (onnx.ai, from opset 7 on).

Types stay: whole numbers wrap around, float16 rounds after every operator, comparisons give truth values.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import erf

import numpy as np

from neurobin.frontend.onnx.operators._frame import SLOW, Frame, Operator


def _unary(function: Callable[[np.ndarray], np.ndarray]) -> Operator:
    def operator(frame: Frame, x: np.ndarray) -> np.ndarray:
        return np.asarray(function(x), dtype=x.dtype)

    return operator


def _pair(frame: Frame, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two operands that broadcast. Up to opset 6 only b does, where attribute broadcast is 1, from axis `axis` of a on."""
    stated = frame.call.attributes
    if stated.get("broadcast") and "axis" in stated:
        axis = frame.axis(frame.call.integer("axis"), a.ndim)
        if axis + b.ndim > a.ndim:
            raise frame.call.refuse(f"shape {list(b.shape)} from axis {axis} of {list(a.shape)} on")
        b = b.reshape(*b.shape, *(1,) * (a.ndim - axis - b.ndim))
    if "broadcast" in stated and frame.broadcast(a, b) != (a.shape if stated["broadcast"] else b.shape):
        raise frame.call.refuse(f"shapes {list(a.shape)} and {list(b.shape)} with broadcast={stated['broadcast']}")
    frame.broadcast(a, b)
    return a, b


def _binary(function: Callable[[np.ndarray, np.ndarray], np.ndarray], result: type | None = None) -> Operator:
    def operator(frame: Frame, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        a, b = _pair(frame, a, b)
        return np.asarray(function(a, b), dtype=result or a.dtype)

    return operator


def _variadic(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Operator:
    def operator(frame: Frame, *arrays: np.ndarray) -> np.ndarray:
        frame.broadcast(*arrays)
        return np.asarray(reduce(function, arrays))

    return operator


def div(frame: Frame, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b; whole numbers truncate towards 0. Raises FormatError where a whole number is divided by 0."""
    a, b = _pair(frame, a, b)
    if a.dtype.kind == "f":
        return np.asarray(a / b)
    if (b == 0).any():
        raise frame.call.refuse("divides a whole number by 0")
    return np.asarray(a // b + ((a % b != 0) & ((a < 0) != (b < 0))), dtype=a.dtype)


def power(frame: Frame, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a to the power of b, in the type of a. Raises FormatError for whole numbers to a negative power."""
    a, b = _pair(frame, a, b)
    frame.work(SLOW * max(a.size, b.size))
    if a.dtype.kind in "iu" and b.dtype.kind in "iu":
        if (b < 0).any():
            raise frame.call.refuse("raises whole numbers to a negative power")
        frame.room(frame.broadcast(a, b), np.uint64)
        return np.power(a.astype(np.uint64), b.astype(np.uint64)).astype(a.dtype)  # modulo 2^64, so modulo any less
    return np.asarray(np.power(a, b)).astype(a.dtype)


def where(frame: Frame, condition: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    frame.broadcast(a, b, condition)
    return np.where(condition, a, b)


def clip(frame: Frame, x: np.ndarray, low: np.ndarray | None = None, high: np.ndarray | None = None) -> np.ndarray:
    """min(max(x, low), high): `high` wins where it is below `low`. Bounds are attributes up to opset 10."""
    stated = frame.call.attributes
    low = np.asarray(stated["min"], x.dtype) if "min" in stated else low
    high = np.asarray(stated["max"], x.dtype) if "max" in stated else high
    for bound in (low, high):
        if bound is not None and bound.size != 1:
            raise frame.call.refuse(f"a bound has shape {list(bound.shape)}, expected one number")
    x = x if low is None else np.maximum(x, low.reshape(()))
    return np.asarray(x if high is None else np.minimum(x, high.reshape(())))


def leaky_relu(frame: Frame, x: np.ndarray) -> np.ndarray:
    slope = x.dtype.type(frame.call.real("alpha"))
    return np.where(x < 0, x * slope, x)


def prelu(frame: Frame, x: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """x where x >= 0, else slope x; the slope broadcasts to x, never the other way. Up to opset 6 it is one per channel."""
    if frame.call.version < 7 and slope.ndim == 1 and x.ndim > 1:
        slope = slope.reshape(-1, *(1,) * (x.ndim - 2))
    if frame.broadcast(x, slope) != x.shape:
        raise frame.call.refuse(f"a slope of shape {list(slope.shape)} does not fit {list(x.shape)}")
    return np.where(x < 0, x * slope, x)


def hard_sigmoid(frame: Frame, x: np.ndarray) -> np.ndarray:
    alpha, beta = x.dtype.type(frame.call.real("alpha")), x.dtype.type(frame.call.real("beta"))
    return np.asarray(np.clip(alpha * x + beta, 0, 1), dtype=x.dtype)


def elu(frame: Frame, x: np.ndarray) -> np.ndarray:
    alpha = x.dtype.type(frame.call.real("alpha"))
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def selu(frame: Frame, x: np.ndarray) -> np.ndarray:
    alpha, gamma = x.dtype.type(frame.call.real("alpha")), x.dtype.type(frame.call.real("gamma"))
    return gamma * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def shift(frame: Frame, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    frame.broadcast(a, b)
    towards = frame.call.text("direction")
    if towards not in ("LEFT", "RIGHT"):
        raise frame.call.refuse(f"direction is {towards!r}, expected LEFT or RIGHT")
    return np.asarray(np.left_shift(a, b) if towards == "LEFT" else np.right_shift(a, b))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def softplus(frame: Frame, x: np.ndarray) -> np.ndarray:
    frame.work(SLOW * x.size)
    return np.asarray(np.logaddexp(x, 0), dtype=x.dtype)


def error_function(frame: Frame, x: np.ndarray) -> np.ndarray:
    """Element by element in Python: numpy has none."""
    frame.room(x.shape, np.float64)
    frame.work(8 * SLOW * x.size)
    return np.asarray(np.vectorize(erf, otypes=[np.float64])(x), dtype=x.dtype)


OPERATORS: dict[str, Operator] = {
    "Abs": _unary(np.abs),
    "Neg": _unary(np.negative),
    "Sign": _unary(np.sign),
    "Floor": _unary(np.floor),
    "Ceil": _unary(np.ceil),
    "Round": _unary(np.rint),
    "Relu": _unary(lambda x: np.maximum(x, 0)),
    "Exp": _unary(np.exp),
    "Log": _unary(np.log),
    "Sqrt": _unary(np.sqrt),
    "Reciprocal": _unary(lambda x: 1 / x),
    "Tanh": _unary(np.tanh),
    "Erf": error_function,
    "Sigmoid": _unary(_sigmoid),
    "Softplus": softplus,
    "Softsign": _unary(lambda x: x / (1 + np.abs(x))),
    "Identity": lambda frame, x: x,
    "Not": _unary(np.logical_not),
    "BitwiseNot": _unary(np.invert),
    "Add": _binary(np.add),
    "Sub": _binary(np.subtract),
    "Mul": _binary(np.multiply),
    "Div": div,
    "Pow": power,
    "And": _binary(np.logical_and),
    "Or": _binary(np.logical_or),
    "Xor": _binary(np.logical_xor),
    "BitwiseAnd": _binary(np.bitwise_and),
    "BitwiseOr": _binary(np.bitwise_or),
    "BitwiseXor": _binary(np.bitwise_xor),
    "BitShift": shift,
    "Equal": _binary(np.equal, np.bool_),
    "Greater": _binary(np.greater, np.bool_),
    "GreaterOrEqual": _binary(np.greater_equal, np.bool_),
    "Less": _binary(np.less, np.bool_),
    "LessOrEqual": _binary(np.less_equal, np.bool_),
    "Max": _variadic(np.maximum),
    "Min": _variadic(np.minimum),
    "Sum": _variadic(np.add),
    "Where": where,
    "Clip": clip,
    "LeakyRelu": leaky_relu,
    "PRelu": prelu,
    "HardSigmoid": hard_sigmoid,
    "Elu": elu,
    "Selu": selu,
}
