"""Larq's quantizers (github.com/larq/larq, larq/quantizers.py), in TensorFlow's float32: of activations, and of weights.

SteSign, ApproxSign, SwishSign   +1 where x >= 0, else -1; they differ in training only
MagnitudeAwareSign               the same times the mean of |w| of each filter
SteHeaviside                     1 where x > 0, else 0
SteTern                          sign(sign(x + t) + sign(x - t)): 0 between -t and t, both ends not 0
DoReFa                           round(clip(x, 0, 1) n) / n with n = 2^k - 1; of weights 2 round((u + 1) n / 2) / n - 1
                                 with u = tanh(w) / max |tanh(w)|, halves to even
NoOp                             x
xnor_weight_scale                Larq Zoo's XNOR-Net: the sign times the mean of |clip(w, -1, 1)| of each filter
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurobin.frontend.keras.convert.names import Named
from neurobin.frontend.onnx.convert.staircase import Function
from neurobin.frontend.onnx.convert.values import Codes, Fixed
from neurobin.ir import BIPOLAR, TERNARY, DType, Encoding
from neurobin.ir.dtype import u

MOST_BITS = 16  # of weights
_F = np.float32


def _signs(x: np.ndarray) -> np.ndarray:
    return np.where(x < 0, -1, 1)


def _sign(named: Named) -> Function:
    return lambda x, channel: _signs(x)


def _heaviside(named: Named) -> Function:
    return lambda x, channel: np.where(x > 0, 1, 0)


def _ternary(named: Named) -> Function:
    if named.as_layer.flag("ternary_weight_networks"):
        raise named.as_layer.unsupported("the threshold of activations is computed of all images together")
    threshold = _threshold(named)
    return lambda x, channel: _tern(x, threshold)


def _threshold(named: Named) -> np.float32:
    stated = named.as_layer.real("threshold_value", 0.05)
    if stated < 0:
        raise named.as_layer.refuse(f"threshold_value is {stated}, expected a number of at least 0")
    return _F(stated)


def _tern(x: np.ndarray, threshold: np.float32) -> np.ndarray:
    return np.sign(np.sign(x + threshold) + np.sign(x - threshold))


def _dorefa(named: Named) -> Function:
    bits, mode = _bits(named), _mode(named)
    if mode == "weights":
        raise named.as_layer.unsupported("mode weights on activations is computed of all images together")
    steps = _F(2**bits - 1)
    return lambda x, channel: np.rint(np.clip(x, _F(0), _F(1)) * steps) / steps


def _bits(named: Named) -> int:
    bits = named.as_layer.whole("k_bit", 2)
    if bits > MOST_BITS:
        raise named.as_layer.unsupported(f"{bits} bits, expected at most {MOST_BITS}")
    return bits


def _mode(named: Named) -> str:
    mode = named.as_layer.text("mode", "activations")
    if mode not in ("activations", "weights"):
        raise named.as_layer.refuse(f"mode is {mode[:40]!r}, expected activations or weights")
    return mode


# Monotone functions of one number: thresholds stand for them.
INPUTS: dict[str, Callable[[Named], Function]] = {
    "SteSign": _sign,
    "ApproxSign": _sign,
    "SwishSign": _sign,
    "SteHeaviside": _heaviside,
    "SteTern": _ternary,
    "DoReFa": _dorefa,
}


def _one(values: np.ndarray) -> np.ndarray:
    """The scale 1 for a weight of any shape."""
    return np.ones((1,) * values.ndim)


def _plain_signs(named: Named, w: np.ndarray) -> Codes:
    return Codes(_signs(w), _one(w), BIPOLAR)


def _scaled_signs(named: Named, w: np.ndarray) -> Codes:
    return Codes(_signs(w), _mean(np.abs(w)), BIPOLAR)


def _xnor(named: Named, w: np.ndarray) -> Codes:
    return Codes(_signs(w), _mean(np.abs(np.clip(w, -1, 1))), BIPOLAR)


def _unclipped(named: Named, w: np.ndarray) -> Codes:
    return Codes(_signs(w), _one(w) * np.abs(w).mean(dtype=np.float64).astype(_F), BIPOLAR)


def _mean(values: np.ndarray) -> np.ndarray:
    """The mean over all axes but the last, in float32 as the network has it."""
    axes = tuple(range(values.ndim - 1))
    return values.mean(axes, np.float64, keepdims=True).astype(_F).astype(np.float64)


def _bits_of_weights(named: Named, w: np.ndarray) -> Codes:
    return Codes(np.where(w > 0, 1, 0), _one(w), u(1))


def _ternary_weights(named: Named, w: np.ndarray) -> Codes:
    if named.as_layer.flag("ternary_weight_networks"):
        threshold = _F(0.7) * np.abs(w).sum(dtype=np.float64).astype(_F) / _F(w.size)
    else:
        threshold = _threshold(named)
    return Codes(_tern(w, threshold).astype(np.int64), _one(w), TERNARY)


def _dorefa_weights(named: Named, w: np.ndarray) -> Codes:
    """Codes 2 q - n, odd numbers up to n, each worth 1 / n."""
    bits, mode = _bits(named), _mode(named)
    steps = 2**bits - 1
    if mode == "activations":
        codes = np.rint(np.clip(w, _F(0), _F(1)) * _F(steps)).astype(np.int64)
        return Codes(codes, _one(w) / steps, u(bits))
    limited = np.tanh(w)
    most = np.abs(limited).max(initial=0)
    normed = limited / (_F(2) * most) if most else np.zeros_like(w)
    codes = np.rint((normed + _F(0.5)) * _F(steps)).astype(np.int64)
    return Codes(2 * codes - steps, _one(w) / steps, DType(Encoding.BIPOLAR, bits))


KERNELS: dict[str, Callable[[Named, np.ndarray], Codes]] = {
    "SteSign": _plain_signs,
    "ApproxSign": _plain_signs,
    "SwishSign": _plain_signs,
    "MagnitudeAwareSign": _scaled_signs,
    "xnor_weight_scale": _xnor,
    "magnitude_aware_sign_unclipped": _unclipped,
    "SteHeaviside": _bits_of_weights,
    "SteTern": _ternary_weights,
    "DoReFa": _dorefa_weights,
}
NONE = "NoOp"


def quantized(named: Named | None, weight: np.ndarray) -> Fixed:
    """Weights float32 [.., O] behind their quantizer, which must be known. Raises UnsupportedError or FormatError."""
    if named is None or named.name == NONE:
        return Fixed(weight.astype(np.float64))
    codes = KERNELS[named.name](named, weight)
    return Fixed(codes.values * codes.scale, codes)
