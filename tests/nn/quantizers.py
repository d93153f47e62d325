"""What the tests of weight quantizers share: a grid with ties and zeros, values and gradients of a bound scheme."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from neurobin.nn.weights.quantizer import WeightCodes, WeightQuantizer, WeightScheme

WEIGHT = np.array([[0.0, -0.5, 1.5, 0.25], [-0.25, 0.75, -2.0, 1.0], [0.5, 0.5, -0.5, -0.625]])
GRADIENT = np.array([[1.0, 2.0, 3.0, -4.0], [0.5, -1.0, 2.0, 1.0], [1.0, 1.0, 1.0, 2.0]])
SIGNS = np.where(WEIGHT >= 0, 1.0, -1.0)


def bound(scheme: WeightScheme, weight: np.ndarray = WEIGHT) -> tuple[WeightQuantizer, nn.Parameter]:
    """The scheme's quantizer for a float64 weight, which is as given even where binding draws it anew."""
    parameter = nn.Parameter(torch.from_numpy(weight.copy()))
    quantizer = scheme.bind(parameter)
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(weight))
    return quantizer, parameter


def value(scheme: WeightScheme, weight: np.ndarray = WEIGHT, progress: float = 1.0) -> np.ndarray:
    quantizer, parameter = bound(scheme, weight)
    return quantizer(parameter, progress).detach().numpy()


def slope(quantizer: WeightQuantizer, parameter: nn.Parameter, progress: float = 1.0) -> np.ndarray:
    """dL/dw for dL/dq = GRADIENT; gradients of the quantizer's own parameters stay in their `grad`."""
    parameter.grad = None
    quantizer(parameter, progress).backward(torch.from_numpy(GRADIENT))  # type: ignore[no-untyped-call]
    assert parameter.grad is not None
    return parameter.grad.numpy()


def gradient(scheme: WeightScheme, weight: np.ndarray = WEIGHT, progress: float = 1.0) -> np.ndarray:
    return slope(*bound(scheme, weight), progress)


def only(terms: tuple[WeightCodes, ...]) -> WeightCodes:
    """The one term of a quantizer with one base."""
    assert len(terms) == 1
    return terms[0]
