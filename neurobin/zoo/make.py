"""From a trained module to the two graphs of a zoo entry, as trained and deployed, with the accuracy of each step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from neurobin.data import Dataset
from neurobin.exec import activity, packed, reference
from neurobin.exec.deviation import deviation
from neurobin.frontend.torch import from_torch
from neurobin.ir import DType, Encoding, Graph, Json, TensorType
from neurobin.passes import lower
from neurobin.train import Trained

CALIBRATION_IMAGES = 256
ACTIVITY_IMAGES = 256
BATCH = 256
CORE = "_core"  # the suffix of networks whose filters fit a neurosynaptic core


@dataclass(frozen=True)
class Entry:
    """A zoo network before and after deployment, with the same meta data."""

    trained: Graph
    deployed: Graph
    accuracy: Mapping[str, float]  # share of right answers of the torch module, the real graph and the integers


def make(result: Trained, data: Dataset, command: str) -> Entry:
    """Lower a trained module and measure its accuracy on the test split as torch module, real graph and integers.

    Calibration uses the first 256 training images, never test images.
    """
    method = result.method
    bits = max((data.levels - 1).bit_length(), 1)
    image = TensorType(tuple(int(size) for size in data.x_train.shape[1:]), DType(Encoding.UNSIGNED, bits))
    trained = from_torch(result.module, image)
    deployed = lower(trained, data.x_train[:CALIBRATION_IMAGES], method.precision)
    accuracy = {
        "torch": _torch_accuracy(result.module, data),
        "float": _float_accuracy(trained, data),
        "deployed": reference.accuracy(packed.run(deployed, data.x_test), data.y_test),
    }
    about: dict[str, Json] = {
        "name": f"{method.name}_{data.name}{CORE if result.core else ''}",
        "method": method.name,
        "title": method.title,
        "citation": method.citation,
        "dataset": data.name,
        "seed": result.seed,
        "epochs": result.epochs,
        "command": command,
        "accuracy": dict(accuracy),
        "precision": dict(vars(method.precision)),
    }
    changed = deviation(trained, deployed, data.x_test[:ACTIVITY_IMAGES])
    about["deviation"] = {"images": min(ACTIVITY_IMAGES, len(data.x_test)), "flips": [f.to_dict() for f in changed]}
    rates = activity.measure(deployed, data.x_test[:ACTIVITY_IMAGES]).summary()
    return Entry(trained.with_meta(**about), deployed.with_meta(**about, activity=rates), accuracy)


def _torch_accuracy(module: torch.nn.Module, data: Dataset) -> float:
    """Share of right answers of the module itself in evaluation mode, in its own precision."""
    module.eval()
    right = 0
    with torch.inference_mode():
        for start in range(0, len(data.x_test), BATCH):
            maps = torch.from_numpy(data.x_test[start : start + BATCH].transpose(0, 3, 1, 2).astype(np.float32))
            right += int((module(maps).argmax(1).numpy() == data.y_test[start : start + BATCH]).sum())
    return right / len(data.y_test)


def _float_accuracy(graph: Graph, data: Dataset) -> float:
    """Share of right answers of the real-valued graph in the reference engine."""
    scores = [reference.run(graph, data.x_test[k : k + BATCH]) for k in range(0, len(data.x_test), BATCH)]
    return reference.accuracy(np.concatenate(scores), data.y_test)
