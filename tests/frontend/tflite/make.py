"""Makes the networks of this folder with Larq, converts them with Larq Compute Engine and writes what its interpreter says.

    python3.11 -m venv ENV
    ENV/bin/pip install tensorflow-cpu==2.15.1 larq==0.14.0 larq-compute-engine==0.16.0 numpy==1.26.4
    ENV/bin/python tests/frontend/tflite/make.py tests/frontend/tflite/networks

Neither the package nor the tests need that environment. Weights are random, from a seed; batch norms get negative gammas.
Beside each `NAME.tflite` stands `NAME.npz`: `images` uint8 [16, H, W, C] and `outputs` [16, classes], what LCE's interpreter
computes for images / 255 (for int8 inputs: images - 128), scaled and moved as the output tensor says; and by its number, for
the first image, each tensor that an operator of LCE or one of 8 bits writes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import flatbuffers
import larq as lq
import larq_compute_engine as lce
import numpy as np
import tensorflow as tf
from larq_compute_engine.mlir.python import tflite_schema as schema
from larq_compute_engine.tflite.python.interpreter import Interpreter

layers = tf.keras.layers
EXAMPLES = 16
CLASSES = 10


def binary(filters: int, size: int = 3, **options: object) -> lq.layers.QuantConv2D:
    """A binary convolution of binary activations, without bias."""
    return lq.layers.QuantConv2D(
        filters, size, input_quantizer="ste_sign", kernel_quantizer="ste_sign", use_bias=False, **options
    )


def zeros() -> tf.keras.Model:
    """Same padding with zeros, a shortcut, strides and dilation; the first layer has binary weights and real inputs.

    No filter reaches over more than its map: there LCE's optimized kernels (not its reference kernel) correct the padding
    wrongly (an odd number of bits with an even sum; see `grid`).
    """
    x = image = layers.Input((16, 16, 3), batch_size=1)
    x = lq.layers.QuantConv2D(32, 3, kernel_quantizer="ste_sign", padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.Add()([x, layers.BatchNormalization()(binary(32, padding="same")(x))])
    x = layers.MaxPool2D(2)(x)
    x = layers.BatchNormalization()(binary(40, padding="same", dilation_rate=2)(x))
    x = layers.BatchNormalization()(binary(48, padding="same", strides=2)(x))
    x = layers.GlobalAvgPool2D()(x)
    return tf.keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x))


def ones() -> tf.keras.Model:
    """Same padding with ones: bits written by thresholds, pools of bits, groups, a fused ReLU, a binary matrix."""
    x = image = layers.Input((15, 13, 3), batch_size=1)
    x = layers.BatchNormalization()(layers.Conv2D(64, 3, strides=2, padding="same", use_bias=False)(x))
    x = layers.BatchNormalization()(binary(64, padding="same", pad_values=1, groups=2)(x))
    x = layers.BatchNormalization()(binary(96, padding="same", pad_values=1)(x))
    x = layers.MaxPool2D(3, 2, padding="same")(x)
    x = binary(33, padding="same", pad_values=1, activation="relu")(x)
    x = layers.BatchNormalization()(x)
    x = layers.BatchNormalization()(binary(32, 1)(x))
    x = layers.Flatten()(x)
    x = lq.layers.QuantDense(CLASSES, input_quantizer="ste_sign", kernel_quantizer="ste_sign", use_bias=False)(x)
    return tf.keras.Model(image, layers.BatchNormalization()(x))


def valid() -> tf.keras.Model:
    """No padding, odd numbers of channels; PReLU, concatenation, a depthwise layer, an average pool beside the bits."""
    x = image = layers.Input((17, 19, 1), batch_size=1)
    x = layers.Conv2D(24, (3, 2), strides=(2, 1), activation="relu")(x)
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x)
    x = layers.PReLU(shared_axes=[1, 2])(layers.BatchNormalization()(x))
    x = layers.BatchNormalization()(binary(33, (2, 3), dilation_rate=(1, 2))(x))
    a = layers.BatchNormalization()(binary(31, 3, strides=(1, 2))(x))
    b = layers.BatchNormalization()(binary(9, 3, strides=(1, 2), activation="relu")(x))
    x = layers.Concatenate()([a, b])
    x = layers.AveragePooling2D((2, 3), strides=1)(x)
    x = layers.BatchNormalization()(binary(40, 2)(x))
    x = layers.ReLU(6.0)(layers.Lambda(lambda t: t * 1.5 - 0.25)(x))
    x = layers.ZeroPadding2D(((1, 0), (0, 1)))(x)
    x = layers.Flatten()(x)
    return tf.keras.Model(image, layers.Dense(CLASSES)(x))


def fake(low: float, high: float) -> layers.Layer:
    """Fake quantization to 8 bits, as in quantization-aware training."""
    return layers.Lambda(lambda t: tf.quantization.fake_quant_with_min_max_args(t, low, high))


class Int8Conv(layers.Layer):
    """A convolution whose weights are fake-quantized per filter."""

    def __init__(self, filters: int, size: int, **options: object) -> None:
        super().__init__()
        self.filters, self.size, self.options = filters, size, options

    def build(self, shape: tf.TensorShape) -> None:
        self.kernel = self.add_weight("kernel", (self.size, self.size, shape[-1], self.filters))
        self.bias = self.add_weight("bias", (self.filters,))

    def call(self, x: tf.Tensor) -> tf.Tensor:
        kernel = tf.quantization.fake_quant_with_min_max_vars_per_channel(
            self.kernel, tf.fill([self.filters], -0.6), tf.fill([self.filters], 0.6), narrow_range=True
        )
        return tf.nn.bias_add(tf.nn.conv2d(x, kernel, **self.options), self.bias)


def int8() -> tf.keras.Model:
    """Eight-bit inputs, first and last layers and shortcut round binary layers that write int8, as trained that way."""
    image = layers.Input((16, 16, 3), batch_size=1)
    x = fake(0.0, 1.0)(image)
    x = fake(0.0, 4.0)(layers.ReLU()(Int8Conv(32, 3, strides=1, padding="SAME")(x)))
    y = fake(-2.0, 2.0)(layers.BatchNormalization()(x))
    z = binary(32, padding="same", pad_values=1, activation="relu")(y)
    z = fake(-4.0, 4.5)(layers.BatchNormalization()(z))
    x = fake(-5.0, 6.0)(layers.Add()([y, z]))
    x = fake(-4.0, 5.0)(layers.Subtract()([x, fake(-2.5, 3.0)(layers.Multiply()([y, z]))]))
    x = layers.MaxPool2D(2)(x)
    x = fake(-5.0, 5.0)(layers.BatchNormalization()(binary(40, padding="same", pad_values=1)(x)))
    x = fake(-5.0, 5.0)(layers.AveragePooling2D(2)(x))
    x = fake(-5.0, 5.0)(layers.GlobalAvgPool2D(keepdims=True)(x))
    x = fake(-6.0, 6.0)(layers.Concatenate()([x, fake(-6.0, 6.0)(Int8Conv(24, 1, strides=1, padding="VALID")(x))]))
    x = fake(-3.0, 3.0)(Int8Conv(CLASSES, 1, strides=1, padding="VALID")(x))
    return tf.keras.Model(image, layers.Flatten()(x))


def examples(random: np.random.Generator, count: int, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(uint8 images [count, H, W, C], classes [count]): each class a pattern of blocks of 4 x 4 pixels, under noise."""
    height, width, channels = shape
    patterns = np.random.default_rng(7).integers(0, 208, (CLASSES, -(-height // 4), -(-width // 4), channels))
    classes = random.integers(0, CLASSES, count)
    fine = patterns[classes].repeat(4, 1).repeat(4, 2)[:, :height, :width]
    return (fine + random.integers(0, 48, fine.shape)).astype(np.uint8), classes


class Dense8(layers.Layer):
    """A matrix product whose weights are fake-quantized."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = units

    def build(self, shape: tf.TensorShape) -> None:
        self.kernel = self.add_weight("kernel", (shape[-1], self.units))
        self.bias = self.add_weight("bias", (self.units,))

    def call(self, x: tf.Tensor) -> tf.Tensor:
        kernel = tf.quantization.fake_quant_with_min_max_args(self.kernel, -0.6, 0.6, narrow_range=True)
        return tf.nn.bias_add(x @ kernel, self.bias)


class Depthwise8(layers.Layer):
    """A depthwise convolution, two filters per channel, whose weights are fake-quantized per filter."""

    def build(self, shape: tf.TensorShape) -> None:
        self.kernel = self.add_weight("kernel", (3, 3, shape[-1], 2))
        self.bias = self.add_weight("bias", (2 * shape[-1],))

    def call(self, x: tf.Tensor) -> tf.Tensor:
        filters = 2 * x.shape[-1]
        kernel = tf.quantization.fake_quant_with_min_max_vars_per_channel(
            tf.reshape(self.kernel, (3, 3, 1, filters)), tf.fill([filters], -0.6), tf.fill([filters], 0.6), narrow_range=True
        )
        return tf.nn.bias_add(tf.nn.depthwise_conv2d(x, tf.reshape(kernel, (3, 3, -1, 2)), (1, 1, 1, 1), "SAME"), self.bias)


def operators8() -> tf.keras.Model:
    """The other 8-bit operators in a row, with odd zero points and numbers of channels: each rounds in its own way."""
    image = layers.Input((9, 9, 3), batch_size=1)
    x = fake(-2.0, 2.1)(Int8Conv(19, 3, strides=1, padding="SAME")(fake(0.0, 1.0)(image)))
    x = fake(-4.0, 4.3)(Depthwise8()(x))
    x = fake(-3.0, 3.7)(layers.PReLU(shared_axes=[1, 2], name="rising")(x))
    x = fake(-3.0, 3.1)(tf.nn.leaky_relu(x, 0.3))
    y = fake(0.0, 255 / 256)(tf.sigmoid(x))
    x = fake(0.0, 4.0)(tf.nn.relu6(layers.Add()([x, y])))
    x = fake(0.0, 4.0)(layers.AveragePooling2D(2, padding="same")(x))
    y = fake(0.0, 3.3)(layers.GlobalAvgPool2D()(x))
    return tf.keras.Model(image, fake(-4.0, 4.3)(Dense8(CLASSES)(y)))


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
    """What each of LCE's operators, and each that writes int8, computes for the images, by tensor number."""
    read = lambda: schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(data, 0))  # noqa: E731
    graph, codes = read().subgraphs[0], read().operatorCodes
    found = {}
    for operator in graph.operators:
        index = operator.outputs[0]
        if codes[operator.opcodeIndex].customCode is None and graph.tensors[index].type != schema.TensorType.INT8:
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


NETWORKS: dict[str, tuple[Callable[[], tf.keras.Model], dict[str, object]]] = {
    "zeros": (zeros, {}),
    "ones": (ones, {}),
    "valid": (valid, {}),
    "int8": (int8, {"inference_input_type": tf.int8, "inference_output_type": tf.int8}),
    "operators8": (operators8, {"inference_input_type": tf.int8, "inference_output_type": tf.int8}),
}


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
