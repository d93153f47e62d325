"""What a detector found: from the grid of its outputs to boxes with confidences, on the host, in numpy.

The meaning of the outputs stands in `neurobin.nn.grid`. The same function decodes a torch module's outputs, a real graph's,
and those of a deployed graph times their scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.errors import UsageError
from neurobin.nn.grid import BOX_OUTPUTS, CELL, PRIOR

LEAST = 0.01  # confidences below are not reported
SAME = 0.5  # of two boxes of one class that overlap by more, the more confident one stays
MAX_EXPONENT = 3.0  # sides are at most 20 priors


@dataclass(frozen=True, eq=False)
class Detections:
    """D boxes: image and class int64 [D], confidence float64 [D], box float64 [D, 4] as left, top, right, bottom."""

    image: np.ndarray
    label: np.ndarray
    confidence: np.ndarray
    box: np.ndarray

    def chosen(self, which: np.ndarray) -> Detections:
        """Those that an index or mask over D names, in its order."""
        return Detections(self.image[which], self.label[which], self.confidence[which], self.box[which])


def decode(outputs: np.ndarray) -> Detections:
    """The boxes in real outputs [N, rows, columns, 5 + K], most confident first within an image.

    Raises UsageError for another shape.
    """
    if outputs.ndim != 4 or outputs.shape[3] < BOX_OUTPUTS + 2:
        raise UsageError(f"expected outputs [N, rows, columns, 5 + classes], got {outputs.shape}", hint="a detector's")
    values = outputs.astype(np.float64)
    classes = _softmax(values[..., BOX_OUTPUTS:])
    confidence = _logistic(values[..., 0]) * classes.max(-1)
    row, column = np.indices(outputs.shape[1:3])
    x, y = (column + _logistic(values[..., 1])) * CELL, (row + _logistic(values[..., 2])) * CELL
    width, height = (PRIOR * np.exp(np.minimum(values[..., k], MAX_EXPONENT)) for k in (3, 4))
    box = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=-1)
    kept = confidence >= LEAST
    found = Detections(np.nonzero(kept)[0], classes.argmax(-1)[kept], confidence[kept], box[kept])
    return without_repeats(found.chosen(np.lexsort((-found.confidence, found.image))))


def without_repeats(found: Detections) -> Detections:
    """Without the boxes that overlap a more confident one of the same image and class by more than `SAME`.

    `found` is ordered by image, then by falling confidence.
    """
    kept = np.ones(len(found.image), bool)
    group = found.image * (found.label.max(initial=0) + 1) + found.label
    order = np.argsort(group, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        close = overlap(found.box[members], found.box[members]) > SAME
        for k, member in enumerate(members):
            kept[member] = not (close[k, :k] & kept[members[:k]]).any()
    return found.chosen(kept)


def overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float64 [A, B]: intersection over union of boxes [A, 4] and [B, 4]; 0 where both are empty."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(-1)
    area = [np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(-1) for boxes in (a, b)]
    union = area[0][:, None] + area[1][None] - common
    return np.asarray(np.where(union > 0, common / np.where(union > 0, union, 1), 0.0))


def _logistic(x: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))


def _softmax(x: np.ndarray) -> np.ndarray:
    raised = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(raised / raised.sum(-1, keepdims=True))
