"""The networks that `make` saves, with Keras's and Larq's layers: every layer, quantizer and function that is read."""

from __future__ import annotations

from collections.abc import Callable

import larq as lq
import tensorflow as tf

layers, quantizers = tf.keras.layers, lq.quantizers
CLASSES = 10


def binary(filters: int, size: int = 3, **options: object) -> lq.layers.QuantConv2D:
    """A binary convolution of binary activations, without bias."""
    return lq.layers.QuantConv2D(
        filters, size, input_quantizer="ste_sign", kernel_quantizer="ste_sign", use_bias=False, **options
    )


def signs() -> tf.keras.Model:
    """Every quantizer with two values, both paddings, strides, dilation and groups; shortcuts; a softmax."""
    x = image = layers.Input((16, 14, 3))
    x = lq.layers.QuantConv2D(8, 3, strides=2, kernel_quantizer="ste_sign", padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(scale=False)(x)
    y = binary(8, padding="same", pad_values=1.0, kernel_constraint="weight_clip", name="ones")(x)
    x = layers.Add()([x, layers.BatchNormalization(center=False)(y)])
    y = lq.layers.QuantConv2D(
        8, 3, input_quantizer=quantizers.ApproxSign(), kernel_quantizer=quantizers.MagnitudeAwareSign(), padding="same",
        use_bias=False,
    )(x)  # fmt: skip
    x = layers.Add()([x, layers.BatchNormalization(epsilon=1e-5)(y)])
    x = layers.PReLU(shared_axes=[1, 2])(x)
    x = layers.BatchNormalization(scale=False, center=False)(x)
    y = lq.layers.QuantConv2D(
        12, 3, input_quantizer=quantizers.SwishSign(4.0), kernel_quantizer="approx_sign", padding="same", strides=2,
        activation="relu", pad_values=1,
    )(x)  # fmt: skip
    x = layers.BatchNormalization()(y)
    x = layers.BatchNormalization()(binary(12, 3, dilation_rate=(2, 1), padding="same", groups=2, name="zeros")(x))
    x = layers.GlobalAveragePooling2D()(x)
    return tf.keras.Model(image, layers.Dense(CLASSES, activation="softmax")(x), name="signs")


def planes() -> tf.keras.Model:
    """Quantizers with more values, of activations and of weights; depthwise and separable layers of Larq."""
    x = image = layers.Input((13, 15, 2))
    x = lq.layers.QuantConv2D(10, 3, kernel_quantizer=quantizers.DoReFa(3, "weights"), padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = lq.layers.QuantDepthwiseConv2D(
        3, depth_multiplier=2, input_quantizer=quantizers.DoReFa(2), depthwise_quantizer=quantizers.MagnitudeAwareSign(),
        padding="same", strides=2, activation="hard_tanh",
    )(x)  # fmt: skip
    x = layers.BatchNormalization()(x)
    x = lq.layers.QuantSeparableConv2D(
        12, 3, input_quantizer="ste_tern", depthwise_quantizer="ste_sign",
        pointwise_quantizer=quantizers.SteTern(ternary_weight_networks=True), padding="same", activation="leaky_tanh",
    )(x)  # fmt: skip
    x = layers.BatchNormalization()(x)
    x = lq.layers.QuantConv2D(
        14, 3, input_quantizer=quantizers.SteTern(0.4), kernel_quantizer=quantizers.SteTern(0.03), padding="same",
        use_bias=False, pad_values=1, name="ternary",
    )(x)  # fmt: skip
    x = layers.AveragePooling2D(3, 2, padding="same")(layers.BatchNormalization()(x))
    x = lq.layers.QuantConv2D(
        14, 2, input_quantizer=quantizers.SteHeaviside(), kernel_quantizer=quantizers.SteHeaviside(), use_bias=False,
        name="bits",
    )(x)  # fmt: skip
    x = layers.BatchNormalization()(x)
    x = lq.layers.QuantConv2D(12, 1, input_quantizer=quantizers.DoReFa(4), kernel_quantizer=quantizers.DoReFa(2))(x)
    x = layers.Activation(quantizers.DoReFa(3))(x)
    return tf.keras.Model(image, layers.Dense(CLASSES)(layers.Flatten()(x)))


def plain() -> tf.keras.Model:
    """Keras's own layers: convolutions of every kind, rectifiers, pools, joins."""
    image = layers.Input((15, 17, 3))
    x = layers.Rescaling(2.0, -1.0)(image)
    x = layers.Conv2D(8, (3, 2), strides=(2, 3), padding="same")(layers.GaussianNoise(0.1)(x))
    x = layers.ReLU(max_value=2.0, negative_slope=0.25)(x)
    x = layers.Conv2D(12, 3, groups=4, padding="same", dilation_rate=(1, 2), activation="tanh")(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="relu6")(x)
    x = layers.SeparableConv2D(8, 2, depth_multiplier=2, activation="hard_sigmoid")(layers.LeakyReLU(0.1)(x))
    a, b = layers.Conv2D(8, 1)(x), layers.Conv2D(8, 1, activation="sigmoid")(layers.SpatialDropout2D(0.2)(x))
    x = layers.Concatenate()([layers.Subtract()([a, b]), layers.Multiply()([a, b, x]), layers.Average()([a, b, x])])
    x = layers.Add()([x, layers.Multiply()([x, layers.GlobalMaxPooling2D(keepdims=True)(x)])])
    x = layers.Concatenate(axis=3)([layers.Maximum()([x, bent(x)]), layers.Minimum()([x, bent(x)])])
    x = layers.ZeroPadding2D(((1, 0), (0, 2)))(layers.Dropout(0.3)(x))
    x = layers.AveragePooling2D((2, 3), strides=3)(layers.MaxPooling2D(3, 1, padding="same")(x))
    x = layers.Reshape((-1, 48))(layers.BatchNormalization()(x))
    x = layers.Flatten()(x)
    return tf.keras.Model(image, layers.Softmax()(layers.Dense(CLASSES)(x)))


def bent(x: tf.Tensor) -> tf.Tensor:
    """Another map of that shape, sometimes above, sometimes below."""
    return layers.PReLU(shared_axes=[1, 2, 3])(layers.Activation("linear")(layers.Rescaling(-1.0, 0.5)(x)))


def nested() -> tf.keras.Model:
    """Models within a model: one in a row, one that is applied twice to different maps, layers that are not trained."""
    inner = layers.Input((6, 6, 8))
    y = layers.BatchNormalization(name="norm", trainable=False)(binary(8, padding="same", name="conv")(inner))
    shared = tf.keras.Model(inner, layers.Add()([inner, y]), name="block")
    row = tf.keras.Sequential([layers.Conv2D(8, 2, trainable=False), layers.MaxPooling2D(2), layers.BatchNormalization()])
    image = layers.Input((13, 13, 1))
    x = shared(shared(row(image)))
    x = layers.Concatenate()([x, shared(layers.Activation(quantizers.SteSign())(x))])
    x = layers.Flatten()(layers.BatchNormalization()(x))
    return tf.keras.Model(image, layers.Dense(CLASSES)(x))


def sequence() -> tf.keras.Model:
    """A row of layers: pools of bits, matrix products of bits with real and with binary weights."""
    return tf.keras.Sequential(
        [
            layers.InputLayer((12, 12, 1)),
            layers.Conv2D(12, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.Activation(quantizers.SteSign()),
            layers.MaxPooling2D(2),
            binary(8, name="inner"),
            layers.BatchNormalization(),
            layers.Flatten(),
            lq.layers.QuantDense(16, input_quantizer="ste_sign", kernel_quantizer="magnitude_aware_sign"),
            layers.BatchNormalization(),
            lq.layers.QuantDense(12, input_quantizer="ste_sign", activation="relu"),
            layers.Dense(CLASSES),
        ]
    )


def functions() -> tf.keras.Model:
    """TensorFlow's functions on tensors, as Keras writes them down."""
    x = image = layers.Input((12, 10, 3))
    x = layers.Conv2D(12, 3, padding="same")(x * 2.0 - 1.0)
    parts = tf.split(x, 3, axis=-1)
    x = tf.concat([parts[2], tf.nn.relu(parts[0]), tf.nn.leaky_relu(parts[1], 0.3)], -1)
    y = layers.BatchNormalization()(binary(12, padding="same", pad_values=1, name="inner")(x))
    x = x + y
    x = tf.maximum(x, -y) - tf.minimum(0.5 - x, y / 2.0)
    x = tf.clip_by_value(x, -2.0, 2.5) + tf.math.sigmoid(x) * tf.nn.relu6(x) + tf.tanh(y)
    x = tf.maximum(-1.0, tf.minimum(x, 3.0)) + tf.constant([0.1 * n for n in range(12)])
    x = layers.BatchNormalization()(x)
    gate = layers.Dense(12, activation="sigmoid")(tf.reduce_mean(x, [1, 2], keepdims=True))
    x = tf.reduce_mean(tf.multiply(x, gate), [1, 2])
    return tf.keras.Model(image, tf.nn.softmax(layers.Dense(CLASSES)(x)))


NETWORKS: dict[str, tuple[Callable[[], tf.keras.Model], str]] = {
    "signs": (signs, "h5"),
    "planes": (planes, "keras"),
    "plain": (plain, "json"),
    "nested": (nested, "h5"),
    "nested_archive": (nested, "keras"),
    "sequence": (sequence, "json"),
    "functions": (functions, "keras"),
}
