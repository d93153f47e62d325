"""The score of a network's answers, for every kind of question, of torch modules and of graphs alike."""

from __future__ import annotations

import numpy as np

from neurobin.data.average_precision import mean_average_precision, right_share
from neurobin.data.boxes import decode
from neurobin.exec import reference
from neurobin.nets.task import Goal


def score(goal: Goal, outputs: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """The share of right answers in real outputs [N, ...] as "accuracy"; of boxes, among the right, wrong and missed ones.

    Boxes have their "mean_average_precision" beside it. A deployed graph's outputs must have been multiplied by their scale.
    """
    if goal is Goal.CLASSIFICATION:
        return {"accuracy": reference.accuracy(outputs, labels)}
    found = decode(outputs)
    return {"accuracy": right_share(found, labels), "mean_average_precision": mean_average_precision(found, labels)}
