"""Batch normalisation in both its modes, and softmax."""

from __future__ import annotations

from math import prod

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.operators._frame import Frame, Operator


def batch_normalization(
    frame: Frame, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, mean: np.ndarray, variance: np.ndarray
) -> np.ndarray | tuple[np.ndarray, ...]:
    """gamma (x - mean) / sqrt(variance + epsilon) + beta per channel.

    Before opset 14 a call with one used output is inference, whatever its momentum. In training mode the statistics are
    those of the batch over all axes but the channels', and the running ones move towards them.
    """
    call, channels = frame.call, x.shape[1] if x.ndim > 1 else 1
    for name, values in (("scale", gamma), ("bias", beta), ("mean", mean), ("variance", variance)):
        if values.shape != (channels,):
            raise call.refuse(f"{name} has shape {list(values.shape)} for {channels} channels")
    if call.attributes.get("spatial", 1) != 1:
        raise UnsupportedError("normalises every place of a map by itself (spatial=0)", where=call.where)
    training = bool(call.attributes.get("training_mode", 0))
    if not training and (any(call.outputs[1:]) or call.attributes.get("is_test") == 0):
        raise UnsupportedError("is in training mode, as its outputs or is_test say", where=call.where)
    epsilon, momentum = call.real("epsilon"), call.real("momentum")
    if not training:
        return _normalised(x, gamma, beta, mean, variance, epsilon)
    axes = tuple(axis for axis in range(x.ndim) if axis != 1)
    if x.size == 0:
        raise call.refuse(f"takes the statistics of no elements, shape {list(x.shape)}")
    batch_mean, batch_variance = x.mean(axes), x.var(axes)
    running = [
        (old * momentum + new * (1 - momentum)).astype(old.dtype)
        for old, new in ((mean, batch_mean), (variance, batch_variance))
    ]
    return _normalised(x, gamma, beta, batch_mean, batch_variance, epsilon), *running


def _normalised(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, mean: np.ndarray, variance: np.ndarray, epsilon: float
) -> np.ndarray:
    rows = (-1, *(1,) * (x.ndim - 2))
    scaled = (x - mean.reshape(rows)) / np.sqrt(variance.reshape(rows) + variance.dtype.type(epsilon))
    return np.asarray(scaled * gamma.reshape(rows) + beta.reshape(rows), dtype=x.dtype)


def softmax(frame: Frame, x: np.ndarray) -> np.ndarray:
    return np.exp(log_softmax(frame, x)).astype(x.dtype)


def log_softmax(frame: Frame, x: np.ndarray) -> np.ndarray:
    """Along one axis; before opset 13 along that axis and all behind it together."""
    axis = frame.axis(frame.call.integer("axis"), x.ndim)
    rows = x
    if frame.call.version < 13:
        rows, axis = x.reshape(prod(x.shape[:axis]), -1), 1
    shifted = rows - rows.max(axis, keepdims=True, initial=-np.inf)
    return (shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))).reshape(x.shape).astype(x.dtype)


def dropout(
    frame: Frame, x: np.ndarray, ratio: np.ndarray | None = None, training: np.ndarray | None = None
) -> np.ndarray | tuple[np.ndarray, ...]:
    """The identity, and a mask of ones. Raises UnsupportedError in training mode, which is random."""
    random = frame.call.attributes.get("is_test") == 0 if training is None else bool(training.any())
    if random and (ratio is None or ratio.any()):
        raise UnsupportedError("drops at random: training mode", where=frame.call.where)
    return (x, np.ones(x.shape, np.bool_))[: max(1, len(frame.call.outputs))]


OPERATORS: dict[str, Operator] = {
    "BatchNormalization": batch_normalization,
    "Softmax": softmax,
    "LogSoftmax": log_softmax,
    "Dropout": dropout,
}
