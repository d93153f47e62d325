"""Layers and functions on the elements of several tensors, or of one tensor and constants."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from neurobin.frontend.keras.convert.activations import MOST, clip, leaky
from neurobin.frontend.keras.convert.conversion import Conversion
from neurobin.frontend.keras.model import Call, Tensor
from neurobin.ops.add import Add
from neurobin.ops.avg_pool2d import AvgPool2d
from neurobin.ops.concat import Concat
from neurobin.ops.multiply import Multiply
from neurobin.ops.relu import Relu
from neurobin.ops.slice import Slice

Pair = Callable[[Conversion, Call, str, str], str]
Beside = Callable[[Conversion, str, np.ndarray], str]  # of a tensor and a constant [C] or [1]


def _aligned(c: Conversion, call: Call, a: str, b: str) -> tuple[str, str]:
    """Two tensors of as many axes: [C] beside [H, W, C] is [1, 1, C], as numpy has it."""
    most = max(len(c.shape(a)), len(c.shape(b)))
    first, second = (c.shaped(call, x, (1,) * (most - len(c.shape(x))) + c.shape(x)) for x in (a, b))
    return first, second


def plus(c: Conversion, call: Call, a: str, b: str) -> str:
    return c.add(Add(), *_aligned(c, call, a, b))


def minus(c: Conversion, call: Call, a: str, b: str) -> str:
    return plus(c, call, a, c.affine(b, -1.0))


def times(c: Conversion, call: Call, a: str, b: str) -> str:
    return c.add(Multiply(), *_aligned(c, call, a, b))


def larger(c: Conversion, call: Call, a: str, b: str) -> str:
    """b + max(a - b, 0)"""
    return plus(c, call, b, c.add(Relu(), minus(c, call, a, b)))


def smaller(c: Conversion, call: Call, a: str, b: str) -> str:
    """a - max(a - b, 0)"""
    return minus(c, call, a, c.add(Relu(), minus(c, call, a, b)))


def merged(pair: Pair, most: int | None = None) -> Callable[[Conversion, Call], str]:
    """A layer that joins two or more tensors of one shape."""

    def rule(c: Conversion, call: Call) -> str:
        inputs = c.inputs(call, 2, most)
        return reduce(lambda a, b: pair(c, call, a, b), inputs)

    return rule


def average(c: Conversion, call: Call) -> str:
    return c.affine(merged(plus)(c, call), 1 / len(call.operands))


def concatenation(c: Conversion, call: Call) -> str:
    parts = c.inputs(call, 1)
    return _side_by_side(c, call, parts, call.layer.config.get("axis", -1))


def _side_by_side(c: Conversion, call: Call, parts: list[str], axis: object) -> str:
    if axis not in (-1, len(c.shape(parts[0]))):
        raise call.layer.unsupported(f"joins axis {axis!r:.40}, which is not the channels'")
    if len({c.builder.types[part].dtype for part in parts}) > 1:
        parts = [c.as_real(part) for part in parts]
    return parts[0] if len(parts) == 1 else c.add(Concat(), *parts)


def rescaling(c: Conversion, call: Call) -> str:
    """x scale + offset, a number each, or one per channel."""
    x, stated = c.input(call), call.layer.config
    return c.affine(x, c.constant(call, stated.get("scale"), x), c.constant(call, stated.get("offset", 0.0), x))


# TensorFlow's functions, as Keras writes them down where a model computes with its tensors (TFOpLambda).


def _operands(c: Conversion, call: Call, *names: str) -> list[Any]:
    """The operands of a function with parameters of these names. Several without a keyword are a list, the first operand."""
    first = call.operands[0] if len(call.operands) == 1 else [*call.operands]
    given = [first, *(call.keywords[name] for name in names[1:] if name in call.keywords)]
    if len(given) != len(names):
        raise call.layer.refuse(f"has {len(given)} operands, expected {', '.join(names)}")
    return given


def _binary(pair: Pair, first: Beside, second: Beside) -> Callable[[Conversion, Call], str]:
    """A function of x and y, of which one may be a constant: `first` is x's rule beside a constant y, `second` y's."""

    def rule(c: Conversion, call: Call) -> str:
        x, y = _operands(c, call, "x", "y")
        if isinstance(x, Tensor) and isinstance(y, Tensor):
            a, b = c.names[x], c.names[y]
            if len(c.shape(a)) != len(c.shape(b)):  # the batch of one would lie on an axis of the other
                sizes = [[None, *c.shape(side)] for side in (a, b)]
                raise call.layer.unsupported(f"reads shapes {sizes[0]} and {sizes[1]}, expected as many axes")
            return pair(c, call, a, b)
        if not (isinstance(x, Tensor) or isinstance(y, Tensor)):
            raise call.layer.refuse("reads no tensor")
        name, value, function = (c.names[x], y, first) if isinstance(x, Tensor) else (c.names[y], x, second)
        return function(c, name, c.constant(call, value, name))

    return rule


def _above(c: Conversion, x: str, bound: np.ndarray) -> str:
    """max(x, bound)"""
    if bound.size == 1:
        return clip(float(bound[0]), MOST)(c, x)
    return c.affine(c.add(Relu(), c.affine(x, bias=-bound)), bias=bound)


def _below(c: Conversion, x: str, bound: np.ndarray) -> str:
    """min(x, bound)"""
    return c.affine(_above(c, c.affine(x, -1.0), -bound), -1.0)


def _plus_constant(c: Conversion, x: str, value: np.ndarray) -> str:
    return c.affine(x, bias=value)


def _times_constant(c: Conversion, x: str, value: np.ndarray) -> str:
    return c.affine(x, value)


def _divided(c: Conversion, call: Call) -> str:
    x, y = _operands(c, call, "x", "y")
    if not isinstance(x, Tensor) or isinstance(y, Tensor):
        raise call.layer.unsupported("divides by what is computed of the image")
    divisor = c.constant(call, y, c.names[x])
    if (divisor == 0).any():
        raise call.layer.refuse("divides by 0")
    return c.affine(c.names[x], 1 / divisor)


def _negative(c: Conversion, call: Call) -> str:
    return c.affine(c.input(call), -1.0)


def _leaky(c: Conversion, call: Call) -> str:
    return leaky(call.layer.number(call.keywords.get("alpha", 0.2), "alpha"))(c, c.input(call))


def _clipped(c: Conversion, call: Call) -> str:
    low, high = (call.layer.number(call.keywords.get(name), name) for name in ("clip_value_min", "clip_value_max"))
    return clip(low, high)(c, c.input(call))


def _concat(c: Conversion, call: Call) -> str:
    return _side_by_side(c, call, c.inputs(call, 1), call.keywords.get("axis"))


def _split(c: Conversion, call: Call) -> tuple[str, ...]:
    """Channels in as many equal parts as stated, or in parts of stated sizes."""
    x, stated, axis = c.input(call), call.keywords.get("num_or_size_splits"), call.keywords.get("axis", 0)
    channels = c.shape(x)[-1]
    if axis not in (-1, len(c.shape(x))):
        raise call.layer.unsupported(f"splits axis {axis!r:.40}, which is not the channels'")
    sizes = [channels // stated] * stated if type(stated) is int and 1 <= stated <= channels else stated
    if not isinstance(sizes, list) or not all(type(n) is int and n > 0 for n in sizes) or sum(sizes) != channels:
        raise call.layer.refuse(f"splits {channels} channels into {stated!r:.40}")
    ends = np.cumsum(sizes).tolist()
    return tuple(c.add(Slice(end - size, end), x) for size, end in zip(sizes, ends, strict=True))


def _mean(c: Conversion, call: Call) -> str:
    """The mean over height and width."""
    x, axes = c.input(call), call.keywords.get("axis")
    if len(c.shape(x)) != 3 or axes not in ([1, 2], [-3, -2]):
        raise call.layer.unsupported(f"a mean over axes {axes!r:.40}, expected height and width of a map")
    height, width, channels = c.shape(x)
    pooled = c.add(AvgPool2d((height, width), (1, 1)), x)
    return pooled if call.keywords.get("keepdims") else c.shaped(call, pooled, (channels,))


_ADD = _binary(plus, _plus_constant, _plus_constant)
_MULTIPLY = _binary(times, _times_constant, _times_constant)
FUNCTIONS: dict[str, Callable[[Conversion, Call], str | tuple[str, ...]]] = {
    "__operators__.add": _ADD,
    "math.add": _ADD,
    "math.subtract": _binary(
        minus, lambda c, x, value: c.affine(x, bias=-value), lambda c, x, value: c.affine(x, -1.0, value)
    ),
    "math.multiply": _MULTIPLY,
    "math.truediv": _divided,
    "math.divide": _divided,
    "math.negative": _negative,
    "math.maximum": _binary(larger, _above, _above),
    "math.minimum": _binary(smaller, _below, _below),
    "math.reduce_mean": _mean,
    "nn.leaky_relu": _leaky,
    "clip_by_value": _clipped,
    "concat": _concat,
    "split": _split,
    "identity": lambda c, call: c.input(call),
}
# What they may be told beside their operands; all others would change what is computed, as what is not None says.
KEYWORDS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("__operators__.add", "math.add", "math.subtract", "math.multiply"), frozenset("xy")),
    **dict.fromkeys(("math.truediv", "math.divide", "math.maximum", "math.minimum"), frozenset("xy")),
    "math.reduce_mean": frozenset({"axis", "keepdims"}),
    "nn.leaky_relu": frozenset({"alpha"}),
    "nn.softmax": frozenset({"axis"}),
    "clip_by_value": frozenset({"clip_value_min", "clip_value_max"}),
    "concat": frozenset({"axis"}),
    "split": frozenset({"num_or_size_splits", "axis"}),
}
