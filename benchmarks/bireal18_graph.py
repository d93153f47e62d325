"""Bi-Real Net 18 as a graph, lowered to integers: what our executor runs where the peers run floats."""

from __future__ import annotations

from functools import cache

import numpy as np

from benchmarks.bireal18 import BLOCKS, NORM_EPSILON, SIZE, Block, Parameters, random_image, random_parameters
from neurobin.ir import BIPOLAR, FLOAT64, Builder, Constant, DType, Graph, TensorType
from neurobin.ir.dtype import u
from neurobin.ops.add import Add
from neurobin.ops.affine import Affine
from neurobin.ops.avg_pool2d import AvgPool2d
from neurobin.ops.batch_norm import BatchNorm
from neurobin.ops.conv2d import Conv2d
from neurobin.ops.dense import Dense
from neurobin.ops.flatten import Flatten
from neurobin.ops.max_pool2d import MaxPool2d
from neurobin.ops.sign import Sign
from neurobin.passes import lower

CALIBRATION_IMAGES = 2
STEPS_PER_UNIT = 40  # pixel codes per unit of the normalised image; 128 is 0


def pixels(image: np.ndarray) -> np.ndarray:
    """uint8 codes of a real image [N, 224, 224, 3] of unit variance."""
    return np.clip(np.rint(image * STEPS_PER_UNIT + 128), 0, 255).astype(np.uint8)


def trained(parameters: Parameters) -> Graph:
    """The network as its authors describe it, on 8-bit pixels."""
    b = Builder({"image": TensorType((SIZE, SIZE, 3), u(8))})
    x = b.add(Affine(_real(np.array([1 / STEPS_PER_UNIT])), _real(np.array([-128 / STEPS_PER_UNIT]))), "image")
    x = b.add(Conv2d(_filters(parameters["stem.conv.weight"]), stride=(2, 2), padding=(3, 3, 3, 3)), x, name="stem.conv")
    x = b.add(_norm(parameters, "stem.norm"), x, name="stem.norm")
    x = b.add(MaxPool2d((3, 3), (2, 2), (1, 1, 1, 1)), x, name="stem.pool")
    for block in BLOCKS:
        x = _block(b, parameters, block, x)
    size = b.types[x].shape[0]
    x = b.add(AvgPool2d((size, size), (size, size)), x, name="pool")
    x = b.add(Flatten(), x)
    x = b.add(Dense(_real(parameters["dense.weight"])), x, name="dense")
    x = b.add(Affine(bias=_real(parameters["dense.bias"])), x, name="logits")
    return b.graph(x)


def deployed(parameters: Parameters, images: np.ndarray) -> Graph:
    """The same in integers, calibrated on pixels uint8 [N, 224, 224, 3]."""
    return lower(trained(parameters), images)


@cache
def network() -> Graph:
    """The deployed network of random parameters that every claim runs, calibrated on two images."""
    images = np.concatenate([random_image(k) for k in range(CALIBRATION_IMAGES)])
    return deployed(random_parameters(), pixels(images))


def _block(b: Builder, parameters: Parameters, block: Block, x: str) -> str:
    stride, name = (block.stride, block.stride), block.name
    weight = _filters(parameters[f"{name}.conv.weight"], BIPOLAR)
    y = b.add(Sign(), x, name=f"{name}.sign")
    y = b.add(Conv2d(weight, stride=stride, padding=(1, 1, 1, 1)), y, name=f"{name}.conv")
    y = b.add(_norm(parameters, f"{name}.norm"), y, name=f"{name}.norm")
    if block.stride > 1:
        x = b.add(AvgPool2d(stride, stride), x, name=f"{name}.shortcut.pool")
        x = b.add(Conv2d(_filters(parameters[f"{name}.shortcut.conv.weight"])), x, name=f"{name}.shortcut.conv")
        x = b.add(_norm(parameters, f"{name}.shortcut.norm"), x, name=f"{name}.shortcut.norm")
    return b.add(Add(), y, x, name=f"{name}.add")


def _real(values: np.ndarray) -> Constant:
    return Constant(FLOAT64, values.astype(np.float64))


def _filters(weight: np.ndarray, dtype: DType = FLOAT64) -> Constant:
    """[O, I, KH, KW] -> [O, KH, KW, I]."""
    return Constant(dtype, weight.transpose(0, 2, 3, 1).astype(np.float64 if dtype.is_float else np.int8))


def _norm(parameters: Parameters, name: str) -> BatchNorm:
    gamma, beta, mean, variance = (
        _real(parameters[f"{name}.{field}"]) for field in ("weight", "bias", "running_mean", "running_var")
    )
    return BatchNorm(gamma, beta, mean, variance, NORM_EPSILON)
