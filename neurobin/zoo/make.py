"""From a trained module to the two graphs of a zoo entry, as trained and deployed, with the accuracy of each step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurobin.data import Dataset
from neurobin.exec import activity, reference
from neurobin.exec.deviation import deviation
from neurobin.frontend.torch import from_torch
from neurobin.ir import DType, Encoding, Graph, Json, TensorType
from neurobin.passes import lower
from neurobin.train import Trained
from neurobin.train.loop import predict

CALIBRATION_IMAGES = 256
ACTIVITY_IMAGES = 256
BATCH = 256


@dataclass(frozen=True)
class Entry:
    """A zoo network before and after deployment, with the same meta data."""

    trained: Graph
    deployed: Graph
    scores: Mapping[str, Mapping[str, float]]  # by measure ("accuracy"), then "torch", "float" and "deployed"

    @property
    def accuracy(self) -> Mapping[str, float]:
        """Share of right answers of the torch module, the real graph and the integers."""
        return self.scores["accuracy"]


def entry_name(method: str, data: str, core: bool) -> str:
    """A network's name: method and data set, and whether its filters fit a neurosynaptic core."""
    return f"{method}_{data}{'_core' if core else ''}"


def make(result: Trained, data: Dataset, command: str) -> Entry:
    """Lower a trained module and score it on the test split as torch module, real graph and integers.

    Detectors keep their "mean_average_precision" in the meta data as well. Calibration uses the first 256 training images,
    never test images.
    """
    method = result.method
    bits = max((data.levels - 1).bit_length(), 1)
    image = TensorType(tuple(int(size) for size in data.x_train.shape[1:]), DType(Encoding.UNSIGNED, bits))
    trained = from_torch(result.module, image)
    deployed = lower(trained, data.x_train[:CALIBRATION_IMAGES], method.precision)
    scores = {
        "torch": data.score(predict(result.module, data.x_test)),
        "float": data.score(_in_batches(trained, data.x_test)),
        "deployed": data.score(reference.real_outputs(deployed, _in_batches(deployed, data.x_test))),
    }
    measured = {name: {stage: found[name] for stage, found in scores.items()} for name in scores["torch"]}
    about: dict[str, Json] = {
        "name": entry_name(method.name, data.name, result.core),
        "method": method.name,
        "title": method.title,
        "citation": method.citation,
        "dataset": data.name,
        "seed": result.seed,
        "epochs": result.epochs,
        "command": command,
        **{name: dict(stages) for name, stages in measured.items()},
        "precision": dict(vars(method.precision)),
    }
    changed = deviation(trained, deployed, data.x_test[:ACTIVITY_IMAGES])
    about["deviation"] = {"images": min(ACTIVITY_IMAGES, len(data.x_test)), "flips": [f.to_dict() for f in changed]}
    rates = activity.measure(deployed, data.x_test[:ACTIVITY_IMAGES]).summary()
    return Entry(trained.with_meta(**about), deployed.with_meta(**about, activity=rates), measured)


def _in_batches(graph: Graph, images: np.ndarray) -> np.ndarray:
    """The outputs of a graph in the reference engine, whose maps are large."""
    return np.concatenate([reference.run(graph, images[k : k + BATCH]) for k in range(0, len(images), BATCH)])
