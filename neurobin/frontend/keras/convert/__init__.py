"""`Model` -> `Graph`: channels stay last, as Keras and a graph have them; all that is unsupported is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import prod

import numpy as np

from neurobin.errors import FormatError, GraphError, UnsupportedError
from neurobin.frontend.images import Images
from neurobin.frontend.keras.convert import activations, elements, layers, pools
from neurobin.frontend.keras.convert.conversion import Conversion
from neurobin.frontend.keras.convert.names import named
from neurobin.frontend.keras.convert.quantizers import INPUTS, KERNELS, NONE
from neurobin.frontend.keras.model import FUNCTION, WITHIN, Call, Layer, Model, Tensor
from neurobin.frontend.keras.weights import Weights
from neurobin.frontend.limits import DEFAULT, Limits
from neurobin.frontend.onnx.convert.conversion import tidy
from neurobin.ir import Builder, Graph, TensorType
from neurobin.ir.container import short
from neurobin.ir.dtype import i, u
from neurobin.ops.avg_pool2d import AvgPool2d
from neurobin.ops.max_pool2d import MaxPool2d

Rule = Callable[[Conversion, Call], str | tuple[str, ...]]
INPUT = "image"
_NO_OPS = (
    "ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "Identity", "SpatialDropout2D",
)  # fmt: skip


def _same(c: Conversion, call: Call) -> str:
    return c.input(call)


RULES: dict[str, Rule] = {
    "Conv2D": layers.convolution,
    "DepthwiseConv2D": layers.depthwise,
    "SeparableConv2D": layers.separable,
    "Dense": layers.dense,
    "QuantConv2D": layers.convolution,
    "QuantDepthwiseConv2D": layers.depthwise,
    "QuantSeparableConv2D": layers.separable,
    "QuantDense": layers.dense,
    "BatchNormalization": layers.batch_norm,
    "Activation": activations.activation,
    "ReLU": activations.rectifier,
    "LeakyReLU": activations.leaky_rectifier,
    "PReLU": activations.learned_rectifier,
    "Softmax": activations.softmax,
    "MaxPooling2D": pools.max_pool,
    "AveragePooling2D": pools.average_pool,
    "GlobalAveragePooling2D": pools.over_all(AvgPool2d),
    "GlobalMaxPooling2D": pools.over_all(MaxPool2d),
    "ZeroPadding2D": pools.pad,
    "Flatten": pools.flatten,
    "Reshape": pools.reshape,
    "Add": elements.merged(elements.plus),
    "Subtract": elements.merged(elements.minus, 2),
    "Multiply": elements.merged(elements.times),
    "Maximum": elements.merged(elements.larger),
    "Minimum": elements.merged(elements.smaller),
    "Average": elements.average,
    "Concatenate": elements.concatenation,
    "Rescaling": elements.rescaling,
    **dict.fromkeys(_NO_OPS, _same),
}


def _activation(name: str) -> Rule:
    return lambda c, call: activations.ACTIVATIONS[name](c, c.input(call))


def _softmax(c: Conversion, call: Call) -> str:
    if call.keywords.get("axis") not in (None, -1):
        raise call.layer.unsupported(f"ranks axis {short(call.keywords['axis'])}, expected the last")
    return c.end(call, c.input(call), "softmax")


# TFOpLambda: a function of TensorFlow that a model applies to its tensors.
FUNCTIONS: dict[str, Rule] = elements.FUNCTIONS | {
    "nn.relu": _activation("relu"),
    "nn.relu6": _activation("relu6"),
    "math.sigmoid": _activation("sigmoid"),
    "math.tanh": _activation("tanh"),
    "nn.softmax": _softmax,
}
_REALS = ("float32", "float64")
_WHOLE = {"uint8": u(8), "int8": i(8), "uint16": u(16), "int16": i(16)}
_VIEWS = {"Flatten", "Reshape", *_NO_OPS}  # the scores behind a softmax stay the scores
_KEYS = {
    "activation": activations.KNOWN,
    "input_quantizer": {*INPUTS, NONE},
    **dict.fromkeys(("kernel_quantizer", "depthwise_quantizer", "pointwise_quantizer"), frozenset({*KERNELS, NONE})),
}


def kind_of(layer: Layer) -> str:
    """What a layer is called by: its class, or the function that it applies."""
    return layer.text("function") if layer.kind == FUNCTION else layer.kind


def rule_of(layer: Layer) -> Rule | None:
    """How a layer becomes nodes, None for one without a meaning here."""
    return FUNCTIONS.get(layer.text("function")) if layer.kind == FUNCTION else RULES.get(layer.kind)


def unsupported(layer: Layer) -> Iterator[str]:
    """What of a layer has no meaning here."""
    if (problem := _unknown(layer)) is not None:
        yield f"{layer.where}: {problem}"
        return
    for key, known in _KEYS.items():
        function = named(layer, key)
        if function is not None and function.name not in known:
            yield function.told
    policy = _policy(layer)
    if policy not in (None, "float32", "float64"):
        yield f"{layer.where}: computes in {short(policy)}, expected float32"


def _unknown(layer: Layer) -> str | None:
    """Why a layer as a whole has no meaning, None for one that has."""
    if layer.origin:
        return f"is a class of {short(layer.origin)}, not Keras's or Larq's"
    if layer.kind == "Lambda":
        return "holds code, and no code of a file is executed"
    if rule_of(layer) is not None:
        return None
    return f"no meaning for this {f'function {short(kind_of(layer))}' if layer.kind == FUNCTION else 'layer'}"


def _policy(layer: Layer) -> object:
    """The type that a layer computes in: a word, or a serialised policy."""
    stated = layer.config.get("dtype")
    if not isinstance(stated, dict):
        return stated
    config = stated.get("config")
    return config.get("name") if isinstance(config, dict) else stated


def check(model: Model) -> None:
    """Raises UnsupportedError naming every layer, activation and quantizer that has no meaning here."""
    seen = {call.layer.path: call.layer for call in model.calls}
    hint = "convert it to ONNX, or with Larq Compute Engine to .tflite: there stands what the code computes"
    _tell([problem for layer in seen.values() for problem in unsupported(layer)], hint)


def _tell(problems: list[str], hint: str = "") -> None:
    if problems:
        more = f"; and {len(problems) - 20} more" if len(problems) > 20 else ""
        raise UnsupportedError("; ".join(problems[:20]) + more, hint=hint)


def to_graph(model: Model, weights: Weights, images: Images | None = None, limits: Limits = DEFAULT) -> Graph:
    """The graph of a network, as trained, for whole-number images.

    `images` says what the network's real inputs are made of (default: 8-bit pixels over 255). Raises FormatError, and
    UnsupportedError listing every layer that has no meaning in a graph.
    """
    check(model)
    limits.check("input_elements", prod(model.shape), "the number of elements of one image")
    made = _images(model, images)
    c = Conversion(Builder({INPUT: TensorType(model.shape, made.dtype)}), limits, weights, model.output, _ending(model))
    c.builder.prefix = INPUT
    c.names[model.input] = c.affine(INPUT, made.scale, made.offset)
    problems: list[str] = []
    with np.errstate(all="ignore"):  # weights of strangers: what comes of them is looked at
        for call in model.calls:
            for tensor in call.inputs:
                _check_result(c, tensor, call.layer.where)
            if all(tensor in c.names for tensor in call.inputs):
                _convert(c, call, problems)
    _tell(problems)
    _check_result(c, model.output, "the output")
    if model.output == model.input:
        raise UnsupportedError("computes nothing")
    return c.builder.graph(c.names[model.output], source="keras", left_out=", ".join(c.left_out)).pruned()


def _images(model: Model, images: Images | None) -> Images:
    """Pixels over 255 for a network that reads reals, whole numbers as they are for one that makes them reals first.

    Those of the caller come before either. Raises UnsupportedError for other types, and where whole numbers are computed
    with: they may wrap.
    """
    if model.kind in _REALS:
        return images or Images()
    if model.kind not in _WHOLE:
        raise UnsupportedError(f"takes {short(model.kind)}, expected real numbers or whole ones of up to 16 bits")
    for call in model.calls:
        if model.input in call.inputs and call.layer.kind != "Rescaling":
            raise call.layer.unsupported(f"reads {model.kind}, expected a Rescaling of whole numbers before all else")
    return images or Images(_WHOLE[model.kind], 1.0, 0.0)


def _check_result(c: Conversion, tensor: Tensor, where: str) -> None:
    """Raises FormatError for the second result of a call that has one."""
    if tensor not in c.names and replace(tensor, index=0) in c.names:
        raise FormatError(f"reads result {tensor.index} of {short(tensor.name)}, which has fewer", where=where)


def _convert(c: Conversion, call: Call, problems: list[str]) -> None:
    """The nodes of one call. Its problem is added to the others; behind it nothing can be written."""
    rule = rule_of(call.layer)
    assert rule is not None
    c.builder.prefix = tidy(call.layer.path.replace(WITHIN, "/"))
    try:
        _check_keywords(call)
        made = rule(c, call)
    except (UnsupportedError, GraphError) as error:
        problems.append(str(error) if error.where else f"{call.layer.where}: {error}")
        return
    for index, name in enumerate(made if isinstance(made, tuple) else (made,)):
        c.names[Tensor(call.made.key, call.made.node, index)] = name


def _check_keywords(call: Call) -> None:
    """Raises UnsupportedError for what a call says besides its operands: training=True drops values at random."""
    known = elements.KEYWORDS.get(kind_of(call.layer), frozenset()) | {"name"}
    for name, value in call.keywords.items():
        if value is not None and name not in known and (name, value) != ("training", False):
            raise call.layer.unsupported(f"is called with {short(name)} = {short(value)}")


def _ending(model: Model) -> frozenset[Tensor]:
    """Tensors that are the output, or that nothing but other shapes of them leads to it."""
    makers = {call.made: call for call in model.calls}
    readers: dict[Tensor, int] = {}
    for call in model.calls:
        for tensor in call.inputs:
            readers[tensor] = readers.get(tensor, 0) + 1
    at, found = model.output, [model.output]
    while at in makers:
        call = makers[at]
        function = named(call.layer, "activation") if call.layer.kind == "Activation" else None
        if call.layer.kind not in _VIEWS and (function is None or function.name != "linear"):
            break
        if len(call.inputs) != 1 or readers[call.inputs[0]] > 1:
            break
        at = call.inputs[0]
        found.append(at)
    return frozenset(found)
