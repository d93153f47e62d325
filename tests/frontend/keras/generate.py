"""Random networks of Keras and Larq, with arguments likely to trip; needs TensorFlow (see `fuzz`).

An exact network computes with short binary fractions only: TensorFlow rounds nowhere, and a graph must say the same in every
number, ties included. Weights are multiples of 1 / `GRAIN` in every network.
"""

from __future__ import annotations

from typing import Any

import larq as lq
import numpy as np
import tensorflow as tf

L, Q = tf.keras.layers, lq.quantizers
GRAIN = 64
CLASSES = 5


class Choices:
    """A generator, and what exact networks may draw of it."""

    def __init__(self, seed: int, exact: bool) -> None:
        self.rng, self.exact = np.random.default_rng(seed), exact

    def one_of(self, *choices: Any) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def whole(self, low: int, high: int) -> int:
        """From low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def fraction(self, spread: float = 1.0) -> float:
        return float(np.rint(self.rng.uniform(-spread, spread) * 8) / 8)

    def input_quantizer(self) -> Any:
        ways = ["ste_sign", Q.ApproxSign(), Q.SwishSign(), "ste_heaviside", Q.SteTern(abs(self.fraction())), Q.DoReFa(1)]
        more = [None, "ste_tern", Q.DoReFa(self.whole(2, 4)), "dorefa_quantizer"]
        return self.one_of(*ways, *([] if self.exact else more))

    def kernel_quantizer(self) -> Any:
        ways = [None, "ste_sign", Q.SteSign(), Q.SteHeaviside(), Q.SteTern(abs(self.fraction(0.5))), Q.DoReFa(1), Q.NoOp(2)]
        more = ["magnitude_aware_sign", Q.SteTern(ternary_weight_networks=True), Q.DoReFa(2)]
        more += [Q.DoReFa(self.whole(1, 5), "weights")]
        return self.one_of(*ways, *([] if self.exact else more))

    def activation(self) -> Any:
        ways = [None, None, "linear", "relu", tf.nn.relu6, lq.activations.hard_tanh]
        more = ["tanh", "sigmoid", "hard_sigmoid", lq.activations.leaky_tanh]
        return self.one_of(*ways, *([] if self.exact else more))

    def padding(self, x: Any, reach: int) -> str:
        """Windows that reach so far fit in a map as it is, or it is padded."""
        return self.one_of("same", "valid") if min(x.shape[1:3]) >= reach else "same"


def network(seed: int, exact: bool) -> tf.keras.Model:
    k = Choices(seed, exact)
    image = L.Input((k.whole(4, 9), k.whole(4, 9), k.whole(1, 4)))
    x = L.Rescaling(2.0, -1.0)(image)
    for _ in range(k.whole(2, 5)):
        x = BLOCKS[k.whole(0, len(BLOCKS) - 1)](k, x)
        if not exact and k.chance(0.5):
            x = norm(k)(x)
        elif k.chance(0.3):
            x = L.Activation(Q.get(k.input_quantizer()) or "relu")(x)
    return tf.keras.Model(image, ended(k, x))


def norm(k: Choices) -> Any:
    return L.BatchNormalization(
        axis=k.one_of(-1, 3, [3]), scale=k.chance(0.6), center=k.chance(0.6), epsilon=k.one_of(1e-3, 1e-5, 0.25),
        momentum=k.one_of(0.99, 0.5), trainable=k.chance(0.7),
    )  # fmt: skip


def quantized(k: Choices, *parts: str) -> dict[str, Any]:
    """The arguments of Larq's layers, for the weights of these names."""
    weights = {f"{part}_quantizer": k.kernel_quantizer() for part in parts}
    return {"input_quantizer": k.input_quantizer(), "pad_values": k.one_of(0.0, 0.0, 1.0, 1.0, -1.0), **weights}


def convolution(k: Choices, x: Any) -> Any:
    channels, size, dilation = x.shape[-1], (k.whole(1, 3), k.whole(1, 3)), (1, 1)
    strides = k.one_of(1, 1, 2, (1, 2), (3, 1))
    if strides == 1:
        dilation = k.one_of((1, 1), (2, 2), (2, 1), (1, 3))
    groups = k.one_of(1, 1, *(n for n in (2, 3) if channels % n == 0))
    kind, own = L.Conv2D, {}
    if k.exact or k.chance(0.7):
        kind, own = lq.layers.QuantConv2D, quantized(k, "kernel")
    return kind(
        groups * k.whole(1, 3), size, strides, padding=k.padding(x, 7), dilation_rate=dilation, groups=groups,
        use_bias=k.chance(0.5), activation=k.activation(), trainable=k.chance(0.8), **own,
    )(x)  # fmt: skip


def depthwise(k: Choices, x: Any) -> Any:
    strides = k.one_of(1, 1, 2)
    kind, own = L.DepthwiseConv2D, {}
    if k.exact or k.chance(0.7):
        kind, own = lq.layers.QuantDepthwiseConv2D, quantized(k, "depthwise")
    return kind(
        (k.whole(1, 3), k.whole(1, 3)), strides, padding=k.padding(x, 5), depth_multiplier=k.whole(1, 2),
        dilation_rate=k.one_of(1, 2) if strides == 1 else 1, use_bias=k.chance(0.5), activation=k.activation(),
        **own,
    )(x)  # fmt: skip


def separable(k: Choices, x: Any) -> Any:
    kind, own = L.SeparableConv2D, {}
    if k.exact or k.chance(0.7):
        kind, own = lq.layers.QuantSeparableConv2D, quantized(k, "depthwise", "pointwise")
    return kind(
        k.whole(1, 5), (k.whole(1, 3), k.whole(1, 3)), k.one_of(1, 2), padding=k.padding(x, 4),
        depth_multiplier=k.whole(1, 2), use_bias=k.chance(0.5), activation=k.activation(), **own,
    )(x)  # fmt: skip


def pool(k: Choices, x: Any) -> Any:
    strides, padding = k.one_of(None, 1, 2, (2, 1)), k.padding(x, 3)
    if k.chance(0.5):
        return L.MaxPooling2D((k.whole(1, 3), k.whole(1, 3)), strides, padding)(x)
    if k.exact:
        return L.AveragePooling2D((k.one_of(1, 2), k.one_of(1, 2)), strides, k.padding(x, 3))(x)
    return L.AveragePooling2D((k.whole(1, 3), k.whole(1, 3)), strides, padding)(x)


def bent(k: Choices, x: Any) -> Any:
    """One layer on single elements."""
    several = [k.fraction() for _ in range(x.shape[-1])]
    return k.one_of(
        L.ReLU(k.one_of(None, 0.0, 1.0, 6.0), k.one_of(0.0, 0.25, 1.5)), L.LeakyReLU(k.one_of(0.125, 0.5, 2.0)),
        L.PReLU(shared_axes=k.one_of([1, 2], [1, 2, 3])), L.ZeroPadding2D(k.one_of(1, (1, 2), ((0, 1), (2, 0)))),
        L.Rescaling(1.5, 0.25), L.Rescaling(several, several[::-1]), L.Dropout(0.5), L.SpatialDropout2D(0.5),
        L.Activation(k.activation() or "linear"), L.Dense(3, activation=k.activation()),
    )(x)  # fmt: skip


def joined(k: Choices, x: Any) -> Any:
    """Two or three tensors of one shape, or of one shape but for places, by a layer or a function."""
    y = bent_alike(k, x)
    pooled = L.GlobalMaxPooling2D(keepdims=True)(y)
    return k.one_of(
        lambda: L.Add()([x, y, x]), lambda: L.Subtract()([y, x]), lambda: L.Multiply()([x, y]), lambda: L.Average()([x, y]),
        lambda: L.Maximum()([x, y, L.Rescaling(-1.0)(x)]), lambda: L.Minimum()([x, y]), lambda: L.Add()([x, pooled]),
        lambda: L.Multiply()([x, L.GlobalMaxPooling2D()(y)]), lambda: L.Concatenate(axis=k.one_of(-1, 3))([y, x, y]),
        lambda: x - y, lambda: tf.maximum(x, y), lambda: tf.minimum(y, x), lambda: x * y, lambda: tf.add(y, x),
        lambda: x * pooled,
    )()  # fmt: skip


def bent_alike(k: Choices, x: Any) -> Any:
    return k.one_of(L.ReLU(1.0, 0.25), L.LeakyReLU(2.0), L.Rescaling(-1.0, 0.5), L.PReLU(shared_axes=[1, 2]))(x)


def computed(k: Choices, x: Any) -> Any:
    """A function beside constants, on either side."""
    several, number = [k.fraction() for _ in range(x.shape[-1])], k.fraction()
    return k.one_of(
        lambda: x + number, lambda: number - x, lambda: x - several, lambda: tf.constant(several) - x, lambda: several * x,
        lambda: x / 4, lambda: x / tf.constant([0.5 * (-2) ** n for n in range(x.shape[-1])]), lambda: -x,
        lambda: tf.maximum(x, several), lambda: tf.minimum(several, x), lambda: tf.maximum(number, x),
        lambda: tf.minimum(x, number),
        lambda: tf.clip_by_value(x, -0.5, 0.75), lambda: tf.nn.leaky_relu(x, alpha=0.25), lambda: tf.nn.relu6(x),
        lambda: tf.nn.relu(tf.identity(x)), lambda: parted(k, x), lambda: tf.math.divide(tf.subtract(x, 0.5), 2.0),
        lambda: tf.math.multiply(x, np.reshape(several, (1, 1, 1, -1)).astype(np.float32)),
    )()  # fmt: skip


def parted(k: Choices, x: Any) -> Any:
    channels = x.shape[-1]
    sizes = k.one_of(channels, [1, channels - 1]) if channels > 1 else 1
    parts = tf.split(x, sizes, axis=k.one_of(-1, 3))
    return tf.concat([*parts[::-1], parts[0]], k.one_of(-1, 3))


def repeated(k: Choices, x: Any) -> Any:
    """One layer, or one model, applied twice, with weights of which not all are trained."""
    channels = x.shape[-1]
    read, trained = k.input_quantizer(), [k.chance(0.6) for _ in range(3)]
    conv = lq.layers.QuantConv2D(channels, 3, padding="same", input_quantizer=read, kernel_quantizer=k.kernel_quantizer(),
                                 trainable=trained[0])  # fmt: skip
    if k.chance(0.3):
        return conv(conv(x))
    inner = [conv] if k.exact else [conv, L.BatchNormalization(trainable=trained[1])]
    more = lq.layers.QuantConv2D(channels, 3, padding="same", input_quantizer="ste_sign", kernel_quantizer="ste_sign",
                                 trainable=trained[2])  # fmt: skip
    if k.chance(0.5):
        model = tf.keras.Sequential([*inner, more])
    else:
        start = y = L.Input(x.shape[1:])
        for one in inner:
            y = one(y)
        model = tf.keras.Model(start, L.Add()([start, more(y)]))
    once = model(x)
    return model(once) if k.chance(0.5) else once


def ended(k: Choices, x: Any) -> Any:
    height, width, channels = x.shape[1:]
    small = height * width in (1, 2, 4, 8, 16, 32)
    ways = [L.Flatten(), L.GlobalMaxPooling2D(), L.Reshape((-1,))]
    if small or not k.exact:
        ways += [L.GlobalAveragePooling2D(), lambda x: tf.reduce_mean(x, k.one_of([1, 2], [-3, -2]))]
        ways += [lambda x: L.Flatten()(tf.reduce_mean(x, [1, 2], keepdims=True))]
    ways += [lambda x: L.Flatten()(L.Reshape((width, height * channels))(x))]
    x = k.one_of(*ways)(x)
    own = {"input_quantizer": k.input_quantizer(), "kernel_quantizer": k.kernel_quantizer()}
    return lq.layers.QuantDense(CLASSES, activation=k.one_of(*[None] * 5, "softmax"), **own)(x)


BLOCKS = (convolution, convolution, convolution, depthwise, separable, pool, bent, joined, computed, repeated)


def randomise(model: tf.keras.Model, k: Choices) -> None:
    """Weights on the grain; gammas of either sign, some weights 0 or on a threshold."""
    for layer in model.layers:
        if isinstance(layer, tf.keras.Model):
            randomise(layer, k)
        elif layer.weights:
            layer.set_weights([_drawn(weight, k) for weight in layer.weights])


def _drawn(weight: tf.Variable, k: Choices) -> np.ndarray:
    spread = 0.5 if k.exact else 1.0
    grain = 8 if k.exact else GRAIN
    values = np.rint(k.rng.normal(0, spread, weight.shape) * grain) / grain
    return np.abs(values) + 0.25 if "variance" in weight.name else values
