"""How well boxes were found: mean average precision, and the share of right boxes at one confidence.

Detections of one class are walked through by falling confidence. Each is held against the true box of its image and class
that it overlaps most: right if that is at least one half (intersection over union) and no earlier one has taken that box,
else wrong. With r_k the share of true boxes found among the first k and p_k the share of the first k that is right,

    AP = sum over k of (r_k - r_(k-1)) max over j >= k of p_j

(all points, as in PASCAL VOC from 2010 on; Everingham et al. 2015), and mAP is its mean over the classes that occur.
"""

from __future__ import annotations

import numpy as np

from neurobin.data.boxes import Detections, overlap
from neurobin.errors import UsageError
from neurobin.nn.grid import BOX_FIELDS

ENOUGH = 0.5  # overlap of a right box
SURE = 0.5  # confidence from which a detection counts for the share of right boxes


def mean_average_precision(found: Detections, boxes: np.ndarray) -> float:
    """mAP at an overlap of 0.5 for true boxes int64 [N, M, 5]. Raises UsageError when there are none."""
    image, label, truth = _true(boxes)
    scores = []
    for name in np.unique(label):
        mine = found.chosen(np.flatnonzero(found.label == name))
        mine = mine.chosen(np.argsort(-mine.confidence, kind="stable"))
        members = label == name
        right = hits(mine, image[members], truth[members])
        scores.append(average_precision(right, int(members.sum())))
    return float(np.mean(scores))


def right_share(found: Detections, boxes: np.ndarray) -> float:
    """Right boxes / (right + wrong + missed), of the detections with a confidence of at least one half."""
    image, label, truth = _true(boxes)
    sure = found.chosen(np.flatnonzero(found.confidence >= SURE))
    sure = sure.chosen(np.argsort(-sure.confidence, kind="stable"))
    right = 0
    for name in np.unique(label):
        members = label == name
        right += int(hits(sure.chosen(np.flatnonzero(sure.label == name)), image[members], truth[members]).sum())
    return right / (len(sure.image) + len(label) - right)


def hits(found: Detections, image: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """bool [D]: which detections of one class, walked through in order, are right; `truth` [T, 4] lies in `image` [T]."""
    right = np.zeros(len(found.image), bool)
    taken = np.zeros(len(truth), bool)
    for k, where in enumerate(found.image):
        there = np.flatnonzero(image == where)
        if not len(there):
            continue
        shares = overlap(found.box[k : k + 1], truth[there])[0]
        best = int(shares.argmax())
        right[k] = shares[best] >= ENOUGH and not taken[there[best]]
        taken[there[best]] |= right[k]
    return right


def average_precision(right: np.ndarray, positives: int) -> float:
    """The equation of the module for one class: `right` by falling confidence, of `positives` true boxes."""
    found = np.cumsum(right)
    precision = found / np.arange(1, len(right) + 1)
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    return float((best_from_here * right).sum() / positives)


def _true(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image [T], class [T] and sides float64 [T, 4] of the true boxes."""
    if boxes.ndim != 3 or boxes.shape[2] != BOX_FIELDS or not (boxes[..., 0] >= 0).any():
        raise UsageError(f"expected boxes [N, M, {BOX_FIELDS}] with at least one, got {boxes.shape}")
    image, place = np.nonzero(boxes[..., 0] >= 0)
    return image, boxes[image, place, 0], boxes[image, place, 1:].astype(np.float64)
