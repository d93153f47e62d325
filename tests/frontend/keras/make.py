"""Makes the networks of this folder with Keras and Larq, and writes what Keras computes with them.

    python3.11 -m venv ENV
    ENV/bin/pip install tensorflow-cpu==2.15.1 larq==0.14.0 larq-compute-engine==0.16.0 numpy==1.26.4
    ENV/bin/python -m tests.frontend.keras.make tests/frontend/keras/networks

Neither the package nor the tests need that environment (the compute engine only for what `tests.frontend.tflite` lends).
Weights are random, from a seed; a third of all gammas is negative. Files are as Keras wrote them, then packed by gzip: HDF5
is half empty. Beside each network stands `NAME.npz`: `images` uint8 [16, H, W, C], `outputs` [16, classes], what Keras makes
of images / 255, and by the layer's name, for the first two images, sums of products of quantized numbers, which are to be
the same to the last unit.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from pathlib import Path

import larq as lq
import numpy as np
import tensorflow as tf

from tests.frontend.keras.make_networks import CLASSES, NETWORKS
from tests.frontend.tflite.make import EXAMPLES, examples

layers = tf.keras.layers
EXACT = ("ones", "zeros", "ternary", "bits", "inner")  # layers without bias and activation


def randomise(model: tf.keras.Model, images: np.ndarray, classes: np.ndarray, random: np.random.Generator) -> None:
    """Random weights; batch norms fit the sums they see, and a last layer tells the classes apart."""
    for layer in model.layers:
        if isinstance(layer, tf.keras.Model):
            for part in layer.layers:
                part.set_weights([_drawn(part, weight, random) for weight in part.weights])
            continue
        if not layer.weights:
            continue
        seen = tf.keras.Model(model.input, layer.input)(images / np.float32(255), training=False).numpy()
        if isinstance(layer, layers.BatchNormalization):
            axes = tuple(range(seen.ndim - 1))
            fitted = {"moving_mean": seen.mean(axes), "moving_variance": seen.var(axes) + 0.01}
            layer.set_weights([fitted.get(_role(one), _drawn(layer, one, random)) for one in layer.weights])
        elif layer is _last(model) and not isinstance(layer, lq.layers.QuantDense):
            layer.set_weights(_classifier(seen.reshape(len(seen), -1), classes))
        else:
            layer.set_weights([_drawn(layer, weight, random) for weight in layer.weights])


def _last(model: tf.keras.Model) -> layers.Layer:
    return [layer for layer in model.layers if layer.weights][-1]


def _classifier(seen: np.ndarray, classes: np.ndarray) -> list[np.ndarray]:
    """[kernel, bias] by ridge regression, held small enough to bear quantized features."""
    centred, wanted = seen - seen.mean(0), np.eye(CLASSES)[classes] - 1 / CLASSES
    spread = centred.T @ centred
    kernel = 4 * np.linalg.solve(spread + 0.02 * np.trace(spread) * np.eye(len(spread)), centred.T @ wanted)
    return [kernel, -seen.mean(0) @ kernel]


def _role(weight: tf.Variable) -> str:
    return weight.name.rpartition("/")[2].removesuffix(":0")


def _drawn(layer: layers.Layer, weight: tf.Variable, random: np.random.Generator) -> np.ndarray:
    shape, role = weight.shape, _role(weight)
    if role == "gamma":
        return random.uniform(0.4, 1.2, shape) * np.where(random.random(shape) < 1 / 3, -1, 1)
    if role == "moving_variance":
        return random.uniform(4, 30, shape)
    if role == "alpha":
        return random.uniform(-0.3, 0.5, shape)
    if role in ("beta", "moving_mean", "bias"):
        return random.normal(0, 0.3, shape)
    return random.normal(0, max(1, int(np.prod(shape[:-1]))) ** -0.5, shape)


def save(model: tf.keras.Model, form: str, folder: Path, name: str) -> None:
    """As Keras does, then packed."""
    with tempfile.TemporaryDirectory() as aside:
        stem = Path(aside) / name
        if form == "json":
            stem.with_suffix(".json").write_text(model.to_json())
            model.save_weights(stem.with_suffix(".h5"))
        else:
            model.save(stem.with_suffix(f".{form}"))
        for file in Path(aside).iterdir():
            (folder / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))


def main(folder: Path, names: list[str]) -> None:
    for seed, (name, (build, form)) in enumerate(NETWORKS.items()):
        if names and name not in names:
            continue
        tf.keras.backend.clear_session()
        tf.keras.utils.set_random_seed(seed)
        model, random = build(), np.random.default_rng(seed)
        randomise(model, *examples(random, 200, model.input_shape[1:]), random)
        images, classes = examples(np.random.default_rng(100 + seed), EXAMPLES, model.input_shape[1:])
        outputs = model(images / np.float32(255), training=False).numpy()
        inside = {
            layer.name: tf.keras.Model(model.input, layer.output)(images[:2] / np.float32(255)).numpy()
            for layer in model.layers
            if layer.name in EXACT
        }
        save(model, form, folder, name)
        exact = {key: values.astype(np.int16) for key, values in inside.items()}
        assert all(np.array_equal(exact[key], inside[key]) for key in exact)
        np.savez_compressed(folder / f"{name}.npz", images=images, outputs=outputs, **exact)
        right = (outputs.argmax(1) == classes).sum()
        print(name, [(one.name, one.stat().st_size) for one in folder.glob(f"{name}.*")], f"{right} of {EXAMPLES} right")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
