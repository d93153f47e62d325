"""The networks that `make` converts, as Keras models with Larq's layers."""

from __future__ import annotations

from collections.abc import Callable

import larq as lq
import tensorflow as tf

layers = tf.keras.layers
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


def planes() -> tf.keras.Model:
    """Activations of 2 and 3 bits as DoReFa-Net has them; channels that are split, padded and added as in MeliusNet."""
    x = image = layers.Input((16, 16, 3), batch_size=1)
    x = layers.BatchNormalization()(layers.Conv2D(12, 3, strides=2, padding="same", use_bias=False)(x))
    x = layers.BatchNormalization()(dorefa(2, 16, padding="same")(x))
    parts = layers.Lambda(lambda t: tf.split(t, 4, axis=-1))(x)
    x = layers.Concatenate()([layers.Conv2D(4, 3, padding="same")(part) for part in parts])
    y = layers.BatchNormalization()(binary(8, padding="same", pad_values=1)(x))
    x = layers.Add()([x, layers.Lambda(lambda t: tf.pad(t, [[0, 0], [0, 0], [0, 0], [8, 0]]))(y)])
    x = layers.MaxPool2D(2)(layers.BatchNormalization()(x))
    x = layers.BatchNormalization()(dorefa(3, 20)(x))
    x = layers.Lambda(lambda t: tf.clip_by_value(t, -1.0, 1.5))(x)
    return tf.keras.Model(image, layers.Dense(CLASSES)(layers.GlobalAvgPool2D()(x)))


def dorefa(bits: int, filters: int, **options: object) -> lq.layers.QuantConv2D:
    """A convolution of `bits`-bit activations with binary weights."""
    quantizer = lq.quantizers.DoReFa(k_bit=bits, mode="activations")
    return lq.layers.QuantConv2D(
        filters, 3, input_quantizer=quantizer, kernel_quantizer="ste_sign", use_bias=False, **options
    )


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


NETWORKS: dict[str, tuple[Callable[[], tf.keras.Model], dict[str, object]]] = {
    "zeros": (zeros, {}),
    "ones": (ones, {}),
    "valid": (valid, {}),
    "int8": (int8, {"inference_input_type": tf.int8, "inference_output_type": tf.int8}),
    "operators8": (operators8, {"inference_input_type": tf.int8, "inference_output_type": tf.int8}),
    "planes": (planes, {}),
}
