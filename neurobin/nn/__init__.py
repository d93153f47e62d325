"""Torch building blocks of binary and ternary networks: weight quantizers, estimators, activations, layers.

Every module here has `emit(builder, *inputs) -> str`: it appends its meaning at inference to an IR graph.
"""

from neurobin.nn.activations import DorefaActivation, RPReLU, RSign, SignActivation
from neurobin.nn.estimators import CLIPPED, POLYNOMIAL, STRAIGHT_THROUGH, Estimator, clipped, substitute
from neurobin.nn.layers import InputNorm, QuantConv2d, QuantLinear, XnorConv2d
from neurobin.nn.weights import (
    DorefaWeights,
    FixedPointWeights,
    MagnitudeAwareSign,
    RealWeights,
    SignWeights,
    TernaryWeights,
    WeightCodes,
    WeightQuantizer,
    sign,
)

__all__ = [
    "CLIPPED",
    "POLYNOMIAL",
    "STRAIGHT_THROUGH",
    "DorefaActivation",
    "DorefaWeights",
    "Estimator",
    "FixedPointWeights",
    "InputNorm",
    "MagnitudeAwareSign",
    "QuantConv2d",
    "QuantLinear",
    "RPReLU",
    "RSign",
    "RealWeights",
    "SignActivation",
    "SignWeights",
    "TernaryWeights",
    "WeightCodes",
    "WeightQuantizer",
    "XnorConv2d",
    "clipped",
    "sign",
    "substitute",
]
