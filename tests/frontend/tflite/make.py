"""Makes the networks of this folder with Larq, converts them with Larq Compute Engine and writes what its interpreter says.

    python3.11 -m venv ENV
    ENV/bin/pip install tensorflow-cpu==2.15.1 larq==0.14.0 larq-compute-engine==0.16.0 numpy==1.26.4
    ENV/bin/python -m tests.frontend.tflite.make tests/frontend/tflite/networks

Neither the package nor the tests need that environment. Weights are random, from a seed; batch norms get negative gammas.
Beside each `NAME.tflite` stands `NAME.npz`: `images` uint8 [16, H, W, C] and `outputs` [16, classes], what LCE's interpreter
computes for images / 255 (for int8 inputs: images - 128), scaled and moved as the output tensor says; and by its number, for
the first image, each tensor that an operator of LCE, one that rounds, or one of 8 bits writes. Made with the versions above,
and with or without larq-zoo 2.4.0 (protobuf 3.20.3, flatbuffers 25.12.19), every byte of these files is the same.
"""

from __future__ import annotations

import sys
from pathlib import Path

import flatbuffers
import larq_compute_engine as lce
import numpy as np
import tensorflow as tf
from larq_compute_engine.mlir.python import tflite_schema as schema
from larq_compute_engine.tflite.python.interpreter import Interpreter

from tests.frontend.tflite.make_networks import CLASSES, NETWORKS

layers = tf.keras.layers
EXAMPLES = 16


def examples(random: np.random.Generator, count: int, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(uint8 images [count, H, W, C], classes [count]): each class a pattern of blocks of 4 x 4 pixels, under noise."""
    height, width, channels = shape
    patterns = np.random.default_rng(7).integers(0, 208, (CLASSES, -(-height // 4), -(-width // 4), channels))
    classes = random.integers(0, CLASSES, count)
    fine = patterns[classes].repeat(4, 1).repeat(4, 2)[:, :height, :width]
    return (fine + random.integers(0, 48, fine.shape)).astype(np.uint8), classes


def randomise(model: tf.keras.Model, seed: int) -> None:
    """Random weights, a third of all gammas negative, and a last layer that tells the classes apart.

    Means and variances of batch norms are those of the sums they see, and thresholds so where the values are.
    """
    random = np.random.default_rng(seed)
    images, classes = examples(random, 200, model.input_shape[1:])
    for layer in model.layers:
        if not layer.weights:
            continue
        values = tf.keras.Model(model.input, layer.input)
        seen = np.concatenate([values(one[None] / np.float32(255), training=False).numpy() for one in images])
        if isinstance(layer, layers.BatchNormalization):
            axes = tuple(range(seen.ndim - 1))
            gamma = random.uniform(0.4, 1.2, seen.shape[-1]) * np.where(random.random(seen.shape[-1]) < 1 / 3, -1, 1)
            layer.set_weights([gamma, random.normal(0, 0.3, gamma.shape), seen.mean(axes), seen.var(axes) + 0.01])
        elif isinstance(layer, layers.PReLU):
            lowest = 0.0 if layer.name == "rising" else -0.3
            layer.set_weights([random.uniform(lowest, 0.5, part.shape) for part in layer.get_weights()])
        elif layer.get_weights()[0].shape[-1] == CLASSES:
            layer.set_weights(classifier(seen.reshape(len(seen), -1), classes, layer))
        else:
            parts = [random.normal(0, max(1, part[..., 0].size) ** -0.5, part.shape) for part in layer.get_weights()]
            layer.set_weights([coded(parts[0]), *parts[1:]])


def coded(kernel: np.ndarray) -> np.ndarray:
    """Weights that are 8-bit codes times a scale per filter, so that deployment changes no sum."""
    scale = np.abs(kernel).max(tuple(range(kernel.ndim - 1))) / 127
    return np.rint(kernel / scale) * scale


def classifier(seen: np.ndarray, classes: np.ndarray, layer: layers.Layer) -> list[np.ndarray]:
    """The last layer's weights: ridge regression, or, where they become signs, which features a class has more often."""
    parts = layer.get_weights()
    wanted = np.eye(CLASSES)[classes]
    if len(parts) == 1:
        signs = np.where(seen >= 0, 1.0, -1.0)
        return [(wanted.T @ signs / wanted.sum(0)[:, None] - signs.mean(0)).T]
    centred = seen - seen.mean(0)
    kernel = np.linalg.solve(centred.T @ centred + np.eye(seen.shape[1]), centred.T @ (wanted - wanted.mean(0)))
    kernel *= 0.55 / np.abs(kernel).max()
    return [kernel.reshape(parts[0].shape), -seen.mean(0) @ kernel]


def predict(data: bytes, images: np.ndarray) -> np.ndarray:
    """What the interpreter computes, by the reference kernel; the indirect one must say the same to float rounding."""
    found = []
    for options in ({"use_reference_bconv": True}, {"use_indirect_bgemm": True}):
        interpreter = Interpreter(data, **options)
        outputs = interpreter.predict(as_input(interpreter, images))
        if outputs.dtype == np.int8:
            outputs = (outputs.astype(np.float32) - interpreter.output_zero_points[0]) * interpreter.output_scales[0]
        found.append(outputs)
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-5)
    return found[0]


def inside(data: bytes, images: np.ndarray) -> dict[str, np.ndarray]:
    """What each of LCE's operators, and each that rounds or writes int8, computes for the images, by tensor number."""
    read = lambda: schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(data, 0))  # noqa: E731
    graph, codes = read().subgraphs[0], read().operatorCodes
    found = {}
    for operator in graph.operators:
        index, code = operator.outputs[0], codes[operator.opcodeIndex]
        plain = code.customCode is None and code.builtinCode != schema.BuiltinOperator.ROUND
        if plain and graph.tensors[index].type != schema.TensorType.INT8:
            continue
        model = read()
        model.signatureDefs, model.subgraphs[0].outputs = None, [index]
        builder = flatbuffers.Builder(len(data))
        builder.Finish(model.Pack(builder), b"TFL3")
        interpreter = Interpreter(bytes(builder.Output()), use_reference_bconv=True)
        found[str(index)] = interpreter.predict(as_input(interpreter, images))
    return found


def as_input(interpreter: Interpreter, images: np.ndarray) -> np.ndarray:
    """Images as the network takes them."""
    if interpreter.input_types[0] == np.int8:
        return (images.astype(np.int16) - 128).astype(np.int8)
    return images.astype(np.float32) / np.float32(255)


def main(folder: Path) -> None:
    for seed, (name, (build, options)) in enumerate(NETWORKS.items()):
        tf.keras.backend.clear_session()
        model = build()
        randomise(model, seed)
        data = lce.convert_keras_model(model, **options)
        images, classes = examples(np.random.default_rng(100 + seed), EXAMPLES, model.input_shape[1:])
        (folder / f"{name}.tflite").write_bytes(data)
        outputs = predict(data, images)
        np.savez_compressed(folder / f"{name}.npz", images=images, outputs=outputs, **inside(data, images[:1]))
        print(name, len(data), "bytes,", (outputs.argmax(1) == classes).sum(), "of", EXAMPLES, "right")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
