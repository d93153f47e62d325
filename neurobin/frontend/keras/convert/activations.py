"""Activations: rectifiers and their relatives as ops on real numbers, Larq's quantizers as thresholds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurobin.frontend.keras.convert.conversion import Conversion
from neurobin.frontend.keras.convert.names import Named, named
from neurobin.frontend.keras.convert.quantizers import INPUTS, NONE
from neurobin.frontend.keras.model import Call
from neurobin.frontend.onnx.convert.conversion import real
from neurobin.frontend.onnx.convert.staircase import staircase
from neurobin.ops.add import Add
from neurobin.ops.clip import Clip
from neurobin.ops.prelu import Prelu
from neurobin.ops.relu import Relu
from neurobin.ops.sigmoid import Sigmoid

MOST = float(np.finfo(np.float32).max)
SOFTMAX = ("softmax", "log_softmax")
Rule = Callable[[Conversion, str], str]


def activated(c: Conversion, call: Call, x: str, key: str = "activation") -> str:
    """x behind a function that the call's layer names, which must be known."""
    function = named(call.layer, key)
    if function is None or function.name in ("linear", NONE):
        return x
    if function.name in INPUTS:
        return _quantized(c, call, function, x)
    if function.name in SOFTMAX:
        return c.end(call, x, function.name)
    return ACTIVATIONS[function.name](c, x)


def _quantized(c: Conversion, call: Call, function: Named, x: str) -> str:
    """The thresholds of a quantizer, found from what it computes in float32."""
    dtype = c.builder.types[x].dtype
    key = (function.name, dtype, repr(sorted((name, repr(value)) for name, value in function.config.items())))
    if key not in c.quantizers:
        c.search(call)
        c.quantizers[key] = tuple(staircase(INPUTS[function.name](function), 1).ops(dtype))
    for op in c.quantizers[key]:
        x = c.add(op, x)
    return x


def clip(low: float, high: float) -> Rule:
    return lambda c, x: c.add(Clip(low, high), x)


def leaky(slope: float) -> Rule:
    """x where it is positive, else slope * x."""
    return lambda c, x: c.add(Prelu(real(np.array(slope))), c.as_real(x))


def relu(c: Conversion, x: str) -> str:
    return c.add(Relu(), x)


def _hard_sigmoid(c: Conversion, x: str) -> str:
    return c.add(Clip(0.0, 1.0), c.affine(x, 0.2, 0.5))


def _tanh(c: Conversion, x: str) -> str:
    """tanh(x) = 2 / (1 + exp(-2 x)) - 1"""
    return c.affine(c.add(Sigmoid(), c.affine(x, 2.0)), 2.0, -1.0)


def _leaky_tanh(c: Conversion, x: str) -> str:
    """clip(x) + 0.2 (x - clip(x)) = 0.8 clip(x) + 0.2 x, with clip to [-1, 1]."""
    return c.add(Add(), c.affine(c.add(Clip(-1.0, 1.0), x), 0.8), c.affine(x, 0.2))


ACTIVATIONS: dict[str, Rule] = {
    "relu": relu,
    "relu6": clip(0.0, 6.0),
    "sigmoid": lambda c, x: c.add(Sigmoid(), x),
    "hard_sigmoid": _hard_sigmoid,
    "tanh": _tanh,
    "hard_tanh": clip(-1.0, 1.0),
    "leaky_tanh": _leaky_tanh,
    "clip_by_value_activation": clip(0.0, 1.0),  # of Larq Zoo's DoReFa-Net
}
KNOWN = {*ACTIVATIONS, *INPUTS, *SOFTMAX, "linear", NONE}


def activation(c: Conversion, call: Call) -> str:
    return activated(c, call, c.input(call))


def rectifier(c: Conversion, call: Call) -> str:
    """ReLU: x between 0 and max_value, that above it, and negative_slope x below 0."""
    layer, x = call.layer, c.input(call)
    if layer.real("threshold", 0.0) != 0:
        raise layer.unsupported("jumps at its threshold, expected 0")
    slope = layer.real("negative_slope", 0.0)
    x = leaky(slope)(c, x) if slope else relu(c, x)
    if layer.config.get("max_value") is None:
        return x
    most = layer.real("max_value")
    if most < 0:
        raise layer.refuse(f"max_value is {most}, expected a number of at least 0")
    return clip(-MOST, most)(c, x)


def leaky_rectifier(c: Conversion, call: Call) -> str:
    return leaky(call.layer.real("alpha", 0.3))(c, c.input(call))


def learned_rectifier(c: Conversion, call: Call) -> str:
    """PReLU: slopes per channel, or one for all; shared_axes are of size 1."""
    layer, x = call.layer, c.input(call)
    sizes, shared = list(c.shape(x)), layer.config.get("shared_axes") or []
    for axis in shared if isinstance(shared, list) else [shared]:
        if type(axis) is not int or not 1 <= axis <= len(sizes):
            raise layer.refuse(f"shares axis {axis!r:.40} of {len(sizes)}")
        sizes[axis - 1] = 1
    slopes = c.weight(call, "alpha", sizes)
    rows = slopes.reshape(-1, slopes.shape[-1])
    if (rows != rows[0]).any():
        raise layer.unsupported("has slopes that differ from place to place, expected shared_axes=[1, 2]")
    return c.add(Prelu(real(rows[0])), c.as_real(x))


def softmax(c: Conversion, call: Call) -> str:
    x = c.input(call)
    axis, rank = call.layer.whole("axis", -1, least=-1), len(c.shape(x)) + 1
    if axis not in (-1, rank - 1):
        raise call.layer.unsupported(f"ranks axis {axis}, expected the last")
    return c.end(call, x, "Softmax")
