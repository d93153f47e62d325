"""Random networks: what Keras computes with them, and what their graphs do.

    python3.11 -m venv ENV
    ENV/bin/pip install tensorflow-cpu==2.15.1 larq==0.14.0 numpy==1.26.4 h5py click networkx
    ENV/bin/python -m tests.frontend.keras.fuzz 0 200
    ENV/bin/python -m tests.frontend.keras.fuzz 0 60 tests/frontend/keras/recorded.npz

The first tells of each that differs, the second records what agreed for the tests. Each network is saved as Keras does, as
HDF5, as an archive, or as a description beside its weights, and read again here. Two of three are exact (see `generate`): a
graph must say the same in every number. In the others a difference is none where a value all but meets a threshold.
`recorded.npz` holds, one network behind the other: `said` JSON [[description, [[path, role, shape], ...], shape of images,
number of outputs, exact], ...], `weights` in units of 1 / GRAIN, `images` uint8, and Keras's `outputs` float32.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from neurobin.errors import NeurobinError
from neurobin.frontend.images import Images
from neurobin.frontend.keras.model import WITHIN
from neurobin.frontend.load import load
from neurobin.ir import Graph
from tests.frontend.keras.generate import GRAIN, Choices, network, randomise
from tests.frontend.keras.judge import PIXEL, verdict

COUNT = 3  # images


def saved(model: tf.keras.Model, form: int, folder: Path) -> Graph:
    """The graph of the network, from the file or files that Keras writes."""
    images = Images(scale=PIXEL)
    if form == 2:
        (folder / "net.json").write_text(model.to_json())
        model.save_weights(folder / "w.h5")
        return load(folder / "net.json", images, weights=folder / "w.h5")
    path = folder / ("net.h5" if form else "net.keras")
    model.save(path)
    return load(path, images)


def made(seed: int) -> tuple[tf.keras.Model, np.ndarray, np.ndarray, bool] | None:
    """(network, images, what Keras makes of them, exact), None where Keras itself has no such network."""
    tf.keras.backend.clear_session()
    exact = seed % 3 > 0
    try:
        model = network(seed, exact)
        randomise(model, Choices(seed, exact))
        images = np.random.default_rng(seed).integers(0, 256, (COUNT, *model.input_shape[1:])).astype(np.uint8)
        return model, images, model(images * np.float32(PIXEL), training=False).numpy(), exact
    except (ValueError, TypeError, tf.errors.OpError):
        return None


def stated(model: tf.keras.Model, path: str = "") -> list[tuple[str, str, np.ndarray]]:
    """(path of the layer, role, values) of every weight."""
    found = []
    for layer in model.layers:
        place = f"{path}{WITHIN}{layer.name}" if path else layer.name
        if isinstance(layer, tf.keras.Model):
            found += stated(layer, place)
        else:
            names = [weight.name.rpartition("/")[2].partition(":")[0] for weight in layer.weights]
            found += [(place, name, values) for name, values in zip(names, layer.get_weights(), strict=True)]
    return found


def main(first: int, last: int, target: Path | None = None) -> None:
    outcomes: Counter[str] = Counter()
    said: list[Any] = []
    arrays: dict[str, list[np.ndarray]] = {"weights": [], "images": [], "outputs": []}
    for seed in range(first, last):
        one = made(seed)
        if one is None:
            outcomes["not of Keras"] += 1
            continue
        model, images, outputs, exact = one
        with tempfile.TemporaryDirectory() as folder:
            try:
                graph = saved(model, seed // 3 % 3, Path(folder))
            except NeurobinError as error:
                outcomes["refused"] += 1
                print(seed, error)
                continue
            except Exception as error:
                outcomes["CRASH"] += 1
                print(seed, "CRASH", repr(error))
                continue
        found = verdict(graph, images, outputs, exact)
        outcomes[found] += 1
        if found.startswith("differs"):
            print(seed, found)
        elif found != "near tie":
            weights = stated(model)
            shapes = [(path, role, values.shape) for path, role, values in weights]
            said.append([json.loads(model.to_json()), shapes, images.shape, outputs.shape[1], exact])
            arrays["weights"] += [np.rint(values * GRAIN).astype(np.int16).reshape(-1) for _, _, values in weights]
            arrays["images"].append(images.reshape(-1))
            arrays["outputs"].append(outputs.reshape(-1))
    print(dict(outcomes))
    if target is not None:
        text = np.frombuffer(json.dumps(said).encode(), np.uint8)
        np.savez_compressed(target, said=text, **{name: np.concatenate(parts) for name, parts in arrays.items()})


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *map(Path, sys.argv[3:]))
