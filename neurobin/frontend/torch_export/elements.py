"""ATen's operators on single elements, in torch's own arithmetic: operands are cast to the type torch computes in.

copysign and comparisons take -0 as 0, as graphs do.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np
import torch
from torch import fx

from neurobin.frontend.torch_export.operands import Arguments
from neurobin.frontend.torch_export.translation import Names, Translation, type_of

Rule = Callable[[Translation, Arguments], Names]


def _unary(op: str) -> Rule:
    return lambda t, a: t.call(op, t.operand(a["self"]))


def _binary(op: str) -> Rule:
    return lambda t, a: t.call(op, t.operand(a["self"]), t.operand(a["other"]))


def _sum(op: str) -> Rule:
    """self + alpha other, or their difference."""

    def rule(t: Translation, a: Arguments) -> str:
        other = t.operand(a["other"])
        if a["alpha"] != 1:
            other = t.call("Mul", other, t.operand(a["alpha"]))
        return t.call(op, t.operand(a["self"]), other)

    return rule


def _less(t: Translation, a: Arguments) -> str:
    """rsub: other - alpha self."""
    less = t.operand(a["self"])
    if a["alpha"] != 1:
        less = t.call("Mul", less, t.operand(a["alpha"]))
    return t.call("Sub", t.operand(a["other"]), less)


def _divide(t: Translation, a: Arguments) -> str:
    """Reals by reals. Rounded down: whole numbers by whole ones, and reals by powers of two, where the quotient is exact."""
    mode = a.get("rounding_mode")
    if mode is None:
        return t.call("Div", t.operand(a["self"]), t.operand(a["other"]))
    a.require(mode == "floor", f"rounding_mode {mode!r} (only 'floor')")
    return _floor_divide(t, a)


def _floor_divide(t: Translation, a: Arguments) -> str:
    divisor, dtype = t.known(a["other"]), t.result.dtype
    if dtype.is_floating_point:
        exact = (np.frexp(divisor.astype(np.float64))[0] == 0.5).all()
        a.require(bool(exact), "reals divided and rounded down, by other numbers than powers of two")
        return t.call("Floor", t.call("Div", t.operand(a["self"]), t.operand(a["other"])))
    kind, number = type_of(dtype)
    a.require(kind.itemsize <= 4 and bool((divisor > 0).all()), f"{kind.name} divided and rounded down")
    wide = torch.float64  # holds all of 32 bits, and quotients of those never round up to the next whole number
    quotient = t.call("Floor", t.call("Div", t.operand(a["self"], wide), t.operand(a["other"], wide)))
    ends = np.iinfo(kind)
    clipped = t.call("Clip", quotient, *(t.constant(np.array(end, np.float64)) for end in (ends.min, ends.max)))
    return t.call("Cast", clipped, to=number)


def _power(t: Translation, a: Arguments) -> str:
    """The second power, as a product."""
    exponent = t.known(a["exponent"])
    a.require(exponent.size == 1 and exponent.item() == 2, "a power other than the second")
    x = t.operand(a["self"])
    return t.call("Mul", x, x)


def _compare(op: str) -> Rule:
    def rule(t: Translation, a: Arguments) -> str:
        sides = [t.example(side) if isinstance(side, fx.Node) else side for side in (a["self"], a["other"])]
        dtype = torch.result_type(*sides)
        return t.call(op, t.operand(a["self"], dtype), t.operand(a["other"], dtype))

    return rule


_ABOVE = {"aten.gt.Scalar", "aten.gt.Tensor", "aten.ge.Scalar", "aten.ge.Tensor"}
_BELOW = {"aten.lt.Scalar", "aten.lt.Tensor", "aten.le.Scalar", "aten.le.Tensor"}


def _where(t: Translation, a: Arguments) -> str:
    """Of two numbers by a comparison. Of what was compared itself it is the larger or the smaller, or a rectifier:

    where(p > q, p, q) = max(p, q), where(p > q, q, p) = min(p, q), where(p > 0, p, s p) = prelu(p, s).
    """
    condition, one, other = t.plain(a["condition"]), t.plain(a["self"]), t.plain(a["other"])
    name = str(condition.target) if isinstance(condition, fx.Node) else ""
    if name in _ABOVE | _BELOW:
        p, q = (t.plain(side) for side in condition.args[:2])
        above, below = (one, other) if name in _ABOVE else (other, one)
        if _alike(t, above, p) and _alike(t, below, q):
            return t.call("Max", t.operand(p), t.operand(q))
        if _alike(t, above, q) and _alike(t, below, p):
            return t.call("Min", t.operand(p), t.operand(q))
        slope = _slope(t, below, p)
        if _alike(t, above, p) and slope is not None and t.is_known(q) and not t.known(q).any():
            return t.call("PRelu", t.operand(p), t.operand(slope))
    return t.call("Where", t.tensor(a["condition"]), t.operand(a["self"]), t.operand(a["other"]))


def _alike(t: Translation, one: Any, other: Any) -> bool:
    """True for the same computed tensor, and for constants of the same numbers at every place of the result."""
    if one is other:
        return True
    if not (t.is_known(one) and t.is_known(other)):
        return False
    return bool((t.known(one).astype(np.float64) == t.known(other).astype(np.float64)).all())


def _slope(t: Translation, product: Any, p: Any) -> Any:
    """s of the product s p, None for anything else."""
    if not isinstance(product, fx.Node) or str(product.target) != "aten.mul.Tensor":
        return None
    one, other = (t.plain(side) for side in product.args[:2])
    slope = other if one is p else one if other is p else None
    return slope if slope is not None and t.is_known(slope) else None


def _copysign(t: Translation, a: Arguments) -> str:
    """|self| with the sign of other."""
    magnitude = np.abs(t.known(a["self"])).astype(type_of(t.result)[0])
    a.require(magnitude.size == 1, "magnitudes that vary")
    up = t.call("GreaterOrEqual", t.operand(a["other"]), t.operand(0.0))
    one = magnitude.reshape(())
    return t.call("Where", up, t.constant(one), t.constant(-one))


def _clip(low: str, high: str) -> Rule:
    """Between two bounds, either of which may be left out; bounds that vary are extremes, the upper one taken last."""

    def rule(t: Translation, a: Arguments) -> str:
        bounds = [None if a.get(name) == open_end else a.get(name) for name, open_end in ((low, -inf), (high, inf))]
        x = t.operand(a["self"])
        if all(bound is None or not isinstance(bound, fx.Node) for bound in bounds):
            given = [t.operand(bound) if bound is not None else "" for bound in bounds]
            return t.call("Clip", x, *given) if any(given) else x
        for op, bound in zip(("Max", "Min"), bounds, strict=True):
            x = x if bound is None else t.call(op, x, t.operand(bound))
        return x

    return rule


def _relu6(t: Translation, a: Arguments) -> str:
    return t.call("Clip", t.operand(a["self"]), t.operand(0.0), t.operand(6.0))


def _prelu(t: Translation, a: Arguments) -> str:
    """One slope, or one for each channel on axis 1."""
    slope = t.known(a["weight"])
    rank = len(t.shape(a["self"]))
    if slope.ndim <= 1 and rank > 2:
        slope = slope.reshape(-1, *(1,) * (rank - 2))
    return t.call("PRelu", t.operand(a["self"]), t.constant(slope))


def _leaky(t: Translation, a: Arguments) -> str:
    return t.call("LeakyRelu", t.operand(a["self"]), alpha=float(a["negative_slope"]))


def _relu6_of_more(t: Translation, x: str) -> str:
    """min(max(x + 3, 0), 6) / 6, in that order of roundings."""
    clipped = t.call("Clip", t.call("Add", x, t.operand(3.0)), t.operand(0.0), t.operand(6.0))
    return t.call("Div", clipped, t.operand(6.0))


def _hardsigmoid(t: Translation, a: Arguments) -> str:
    return _relu6_of_more(t, t.operand(a["self"]))


def _hardswish(t: Translation, a: Arguments) -> str:
    x = t.operand(a["self"])
    return t.call("Mul", x, _relu6_of_more(t, x))


def _silu(t: Translation, a: Arguments) -> str:
    x = t.operand(a["self"])
    return t.call("Mul", x, t.call("Sigmoid", x))


def _cast(t: Translation, a: Arguments) -> str:
    """To another type; numbers are truncated towards 0 where it has whole ones only, as torch does."""
    return t.operand(a["self"], t.result.dtype)


def _fake_quantize(t: Translation, a: Arguments) -> str:
    """(clip(round(x / scale) + zero) - zero) scale, the quotient by way of 1 / scale, as torch has it."""
    dtype = t.result.dtype
    kind, _ = type_of(dtype)
    scale, zero = (t.known(a[name]).astype(kind) for name in ("scale", "zero_point"))
    if scale.size > 1:
        axis, rank = int(a["axis"]), len(t.shape(a["self"]))
        scale, zero = (values.reshape(-1, *(1,) * (rank - 1 - axis)) for values in (scale, zero))
    a.require(bool((scale > 0).all()), "a scale that is not positive")
    x = t.call("Mul", t.operand(a["self"]), t.constant((1 / scale).astype(kind)))
    x = t.call("Add", t.call("Round", x), t.constant(zero))
    x = t.call("Clip", x, t.operand(a["quant_min"]), t.operand(a["quant_max"]))
    return t.call("Mul", t.call("Sub", x, t.constant(zero)), t.constant(scale))


RULES: dict[str, Rule] = {
    "aten.abs.default": _unary("Abs"),
    "aten.neg.default": _unary("Neg"),
    "aten.sign.default": _unary("Sign"),
    "aten.floor.default": _unary("Floor"),
    "aten.ceil.default": _unary("Ceil"),
    "aten.round.default": _unary("Round"),
    "aten.relu.default": _unary("Relu"),
    "aten.sigmoid.default": _unary("Sigmoid"),
    "aten.tanh.default": _unary("Tanh"),
    "aten.logical_not.default": lambda t, a: t.call("Not", t.operand(a["self"], torch.bool)),
    "aten.add.Tensor": _sum("Add"),
    "aten.add.Scalar": _sum("Add"),
    "aten.sub.Tensor": _sum("Sub"),
    "aten.sub.Scalar": _sum("Sub"),
    "aten.rsub.Scalar": _less,
    "aten.rsub.Tensor": _less,
    "aten.mul.Tensor": _binary("Mul"),
    "aten.mul.Scalar": _binary("Mul"),
    "aten.div.Tensor": _divide,
    "aten.div.Scalar": _divide,
    "aten.div.Tensor_mode": _divide,
    "aten.floor_divide.default": _floor_divide,
    "aten.pow.Tensor_Scalar": _power,
    "aten.maximum.default": _binary("Max"),
    "aten.minimum.default": _binary("Min"),
    "aten.gt.Scalar": _compare("Greater"),
    "aten.gt.Tensor": _compare("Greater"),
    "aten.ge.Scalar": _compare("GreaterOrEqual"),
    "aten.ge.Tensor": _compare("GreaterOrEqual"),
    "aten.lt.Scalar": _compare("Less"),
    "aten.lt.Tensor": _compare("Less"),
    "aten.le.Scalar": _compare("LessOrEqual"),
    "aten.le.Tensor": _compare("LessOrEqual"),
    "aten.where.self": _where,
    "aten.where.Scalar": _where,
    "aten.where.ScalarSelf": _where,
    "aten.where.ScalarOther": _where,
    "aten.copysign.Tensor": _copysign,
    "aten.clamp.default": _clip("min", "max"),
    "aten.clamp.Tensor": _clip("min", "max"),
    "aten.clamp_min.default": _clip("min", "max"),
    "aten.clamp_max.default": _clip("min", "max"),
    "aten.hardtanh.default": _clip("min_val", "max_val"),
    "aten.relu6.default": _relu6,
    "aten.prelu.default": _prelu,
    "aten.leaky_relu.default": _leaky,
    "aten.hardsigmoid.default": _hardsigmoid,
    "aten.hardswish.default": _hardswish,
    "aten.silu.default": _silu,
    "aten._to_copy.default": _cast,
    "aten.type_as.default": _cast,
    "aten.fake_quantize_per_tensor_affine.default": _fake_quantize,
    "aten.fake_quantize_per_channel_affine.default": _fake_quantize,
}
