"""Descriptions that mean harm or have no meaning: in JSON, and in the layers and calls that they state."""

from __future__ import annotations

import json
from typing import Any

from tests.frontend.keras.build import conv, functional, image, layer, small
from tests.frontend.keras.hostile import FORMAT, REFUSED, USAGE, Hostile, described, own, said, text


def _models(depth: int) -> Any:
    """Models in models."""
    inner: Any = layer("ReLU", "x")
    for _ in range(depth):
        inner = {"class_name": "Sequential", "config": {"name": "x", "layers": [inner]}}
    inner["config"]["build_input_shape"] = [None, 4]
    return inner


def _repeated(levels: int, times: int) -> Any:
    """Models that call the model before them so often: times^levels layers."""
    model = functional(image(4), layer("ReLU", "x", "image"))
    for level in range(levels):
        name = model["name"] = model["config"]["name"] = f"m{level}"
        model["inbound_nodes"] = [[[name, at, 0, {}] if at else ["image", 0, 0, {}]] for at in range(times)]
        model = functional(image(4), model, layer("ReLU", "x", (name, times, 0)))
    return model


def _many_quantizers() -> list[Any]:
    """A search for thresholds each."""

    def tern(n: int) -> Any:
        return {"class_name": "SteTern", "config": {"threshold_value": 0.1 + n / 1e5}}

    rows = (layer("Activation", f"q{n}", f"q{n - 1}" if n else "image", activation=tern(n)) for n in range(1500))
    return [image(4), *rows]


def _empty(levels: int, times: int) -> Any:
    """Models that call the model before them so often, and the first of them has no layers: nothing is ever computed."""
    model = functional(image(4))
    for level in range(levels):
        name = model["name"] = model["config"]["name"] = f"m{level}"
        model["inbound_nodes"] = [[[name, at, 0, {}] if at else ["image", 0, 0, {}]] for at in range(times)]
        model = functional(image(4), model, output_layers=[[name, times, 0]])
    return model


def _called(**keywords: object) -> Any:
    """A call of what reads the image."""
    return {"inbound_nodes": [[["image", 0, 0, keywords]]]}


def _long() -> Any:
    """A model with a constant of many numbers, applied often."""
    model = functional(image(4), layer("TFOpLambda", "x", function="math.add") | _called(y=[[0.5] * 10_000]))
    model["name"] = model["config"]["name"] = "m"
    return model | {"inbound_nodes": [[["m", at, 0, {}] if at else ["image", 0, 0, {}]] for at in range(1000)]}


RELU = layer("ReLU", "x", "image")
LAMBDA = layer("Lambda", "evil", "image", function=["4wEAAAAA", None, None], function_type="lambda")
LAYERS: dict[str, Hostile] = {
    # JSON
    "a description alone": Hostile(text(json.dumps(small()[0])), USAGE, "is a description without weights (try: neurobin"),
    "deep JSON": Hostile(text('{"class_name":' + "[" * 10**6), FORMAT, "nested too deeply"),
    "a long number": Hostile(text('{"class_name": ' + "1" * 10**5), FORMAT, "a number too long"),
    "a number beyond reals": Hostile(text('{"class_name": 1e999}'), FORMAT, "beyond 64-bit reals"),
    "a key twice": Hostile(text('{"class_name": "Model", "class_name": "Sequential"}'), FORMAT, "appears twice"),
    "NaN in JSON": Hostile(text('{"class_name": NaN}'), FORMAT, "which is not a JSON number"),
    "long JSON": Hostile(text("{" + " " * 2**24 + "}"), FORMAT, "is longer than 8388608 bytes"),
    "no UTF-8": Hostile(text(b'{"class_name": "\xff"}'), FORMAT, "is not UTF-8"),
    "JSON of something else": Hostile(text('{"layers": []}'), FORMAT, "no description of a Keras network"),
    "a subclass": Hostile(text('{"class_name": "Mine", "config": {}}'), REFUSED, "describes a Mine, expected one of"),
    "a list for a configuration": Hostile(text('{"class_name": "Model", "config": []}'), FORMAT, "no class_name and config"),
    "no layers": Hostile(text('{"class_name": "Model", "config": {}}'), FORMAT, "without a list of layers"),
    "an empty row": Hostile(text('{"class_name": "Sequential", "config": {"layers": []}}'), FORMAT, "has 0 layers"),
    "models in models": Hostile(text(json.dumps(_models(12))), FORMAT, "nests models more than 8 deep"),
    "models that multiply": Hostile(text(json.dumps(_repeated(5, 20))), FORMAT, "number of times that layers are applied"),
    # layers
    "Lambda": Hostile(described(image(4), LAMBDA), REFUSED, "layer evil (Lambda): holds code, and no code of a file is"),
    "several unknown ones": Hostile(
        described(image(4), LAMBDA, layer("Mine", "y", "evil"), conv("z", "y", 3, input_quantizer="my_sign")),
        REFUSED, "(Mine): no meaning for this layer; layer z (QuantConv2D): no meaning for input_quantizer my_sign",
    ),
    "a class of the same name": Hostile(
        described(image(4), RELU | {"module": "mine.layers", "registered_name": "mine>ReLU"}),
        REFUSED, "layer x (ReLU): is a class of 'mine>ReLU', not Keras's or Larq's",
    ),
    "a model of another class": Hostile(
        text(json.dumps(functional(image(4), RELU) | {"module": "mine"})), REFUSED, "describes a Functional of mine"
    ),
    "an inner model of another class": Hostile(
        described(image(4), layer("Sequential", "x", "image", layers=[]) | {"module": "mine"}), REFUSED, "a class of 'mine'"
    ),
    "a quantizer of the same name": Hostile(
        said(3, input_quantizer={"module": "__main__", "class_name": "SteSign", "config": {}}), REFUSED, "of __main__"
    ),
    "an unknown function": Hostile(
        described(image(4), layer("TFOpLambda", "x", "image", function="io.read_file")), REFUSED, "'io.read_file'"
    ),
    "an unknown quantizer": Hostile(said(3, kernel_quantizer={"class_name": "os.sys", "config": {}}), REFUSED, "os.sys"),
    "an activation that is code": Hostile(
        said(1, activation={"class_name": "__lambda__", "config": {"value": "x"}}), REFUSED, "activation __lambda__"
    ),
    "a scale of all images": Hostile(said(3, input_quantizer="magnitude_aware_sign"), REFUSED, "Magnitude"),
    "a quantizer that is a number": Hostile(said(3, kernel_quantizer=3), FORMAT, "kernel_quantizer is 3, expected a name"),
    "bits out of range": Hostile(
        own(3, kernel_quantizer={"class_name": "DoReFa", "config": {"k_bit": 64}}), REFUSED, "64 bits, expected at most"
    ),
    "no bits": Hostile(own(3, kernel_quantizer={"class_name": "DoReFa", "config": {"k_bit": 0}}), FORMAT, "k_bit is 0"),
    "a thousand quantizers": Hostile(described(*_many_quantizers()), FORMAT, "the limit work is"),
    "half floats": Hostile(said(3, dtype="mixed_float16"), REFUSED, "computes in 'mixed_float16'"),
    "channels first": Hostile(own(1, data_format="channels_first"), REFUSED, "has its channels first"),
    "a stride of 0": Hostile(own(1, strides=[0, 1]), FORMAT, "strides is [0, 1], expected two whole numbers of at least 1"),
    "a huge dilation": Hostile(own(1, dilation_rate=[2**30, 1]), FORMAT, "the number of elements of the padded map"),
    "a real stride": Hostile(own(1, strides=[1.5, 1]), FORMAT, "strides is [1.5, 1]"),
    "groups that divide nothing": Hostile(own(1, groups=3), FORMAT, "3 groups of 2 channels and 4 filters"),
    "filters without number": Hostile(own(1, filters=None), FORMAT, "filters is None"),
    "padding with a fraction": Hostile(own(3, pad_values=0.5), REFUSED, "pads with 0.5"),
    "another padding": Hostile(own(1, padding="causal"), REFUSED, "padding 'causal', expected same or valid"),
    "another axis": Hostile(own(2, axis=[1]), REFUSED, "normalises axis [1] of 4, expected the last"),
    "epsilon that is no number": Hostile(own(2, epsilon="x"), FORMAT, "epsilon is 'x', expected a number"),
    "a rectifier that jumps": Hostile(described(image(4), layer("ReLU", "x", "image", threshold=1.0)), REFUSED, "jumps"),
    "a wide padding": Hostile(
        described(image(4, 4, 1), layer("ZeroPadding2D", "x", "image", padding=[[60000, 60000], [60000, 60000]])),
        FORMAT, "the limit map_elements is",
    ),
    "a wide pool": Hostile(
        described(image(4, 4, 1), layer("AveragePooling2D", "x", "image", pool_size=2**20, strides=1, padding="same")),
        FORMAT, "the number of elements of the padded map is 1099517919241",
    ),
    "a slow pool": Hostile(
        described(image(1000, 1000, 1), layer("MaxPooling2D", "x", "image", pool_size=900, strides=1, padding="same")),
        FORMAT, "the limit products is",
    ),
    "a large image": Hostile(described(image(10**5, 10**5, 1), RELU), FORMAT, "the limit input_elements is"),
    "an open image": Hostile(described(image(None, None, 3), RELU), REFUSED, "some of it open"),
    "a negative image": Hostile(described(image(-4), RELU), FORMAT, "its input has shape [None, -4]"),
    # calls
    "two layers of one name": Hostile(described(image(4), RELU, RELU), FORMAT, "layer 'x': two layers have this name"),
    "a name that is none": Hostile(described(image(4), layer("ReLU", "a / x", "image")), FORMAT, "has the name 'a / x'"),
    "a cycle": Hostile(
        described(image(4), layer("Add", "x", "image", "y"), layer("ReLU", "y", "x")), FORMAT, "its model form a cycle"
    ),
    "a layer that reads itself": Hostile(described(image(4), layer("Add", "x", "image", "x")), FORMAT, "form a cycle"),
    "nobody's tensor": Hostile(described(image(4), layer("ReLU", "x", "nobody")), FORMAT, "reads 'nobody', call 0, wh"),
    "a call that never was": Hostile(described(image(4), layer("ReLU", "x", ("image", 7, 0))), FORMAT, "'image', call 7"),
    "a second result": Hostile(
        described(image(4), RELU, layer("ReLU", "y", ("x", 0, 5))), FORMAT, "layer y (ReLU): reads result 5 of 'x'"
    ),
    "a tensor that is a text": Hostile(
        described(image(4), RELU | {"inbound_nodes": [[["image", "0", 0, {}]]]}), FORMAT, "expected [layer, node, tensor]"
    ),
    "calls as Keras 3 has them": Hostile(
        described(image(4), RELU | {"inbound_nodes": [{"args": [], "kwargs": {}}]}), REFUSED, "described as Keras 3 does"
    ),
    "no calls": Hostile(described(image(4), RELU | {"inbound_nodes": None}), FORMAT, "has no list inbound_nodes"),
    "two outputs": Hostile(
        described(image(4), RELU, output_layers=[["x", 0, 0], ["image", 0, 0]]), REFUSED, "1 inputs and 2 outputs"
    ),
    "two inputs": Hostile(
        described(image(4), image(4, name="b"), layer("Add", "x", "b"), input_layers=[["image", 0, 0], ["b", 0, 0]]),
        REFUSED, "2 inputs and 1 outputs",
    ),
    "the image itself": Hostile(described(image(4), output_layers=[["image", 0, 0]]), REFUSED, "computes nothing"),
    "models that multiply nothing": Hostile(text(json.dumps(_empty(7, 10))), FORMAT, "number of times that layers are"),
    "a long constant, many times": Hostile(described(image(4), _long()), FORMAT, "the limit fields is"),
    "random values": Hostile(
        described(image(4), layer("Dropout", "x", ("image", 0, 0), rate=0.5) | _called(training=True)),
        REFUSED, "layer x (Dropout): is called with 'training' = True",
    ),
    "a model called for training": Hostile(
        described(image(4), functional(image(4), RELU) | {"name": "m"} | _called(training=True), RELU),
        REFUSED, "layer model (Functional): is called for training",
    ),
    "an argument that nobody reads": Hostile(
        described(image(4), layer("TFOpLambda", "x", function="math.add") | _called(y=1.0, out=2)),
        REFUSED, "is called with 'out' = 2",
    ),
    "tensors of other axes": Hostile(
        described(
            image(4, 4, 2), layer("GlobalMaxPooling2D", "v", "image"),
            layer("TFOpLambda", "x", function="math.add") | _called(y=["v", 0, 0]),
        ), REFUSED, "reads shapes [None, 4, 4, 2] and [None, 2], expected as many axes",
    ),
    "a softmax of places, ranked together": Hostile(
        described(image(4, 4, 2), layer("Rescaling", "r", "image", scale=2.0), layer("Softmax", "s", "r"),
                  layer("Flatten", "x", "s")), REFUSED, "of each place of a map, which are ranked together",
    ),
    "whole numbers that may wrap": Hostile(
        described(image(4) | {"config": {"name": "image", "batch_input_shape": [None, 4], "dtype": "uint8"}}, RELU),
        REFUSED, "layer x (ReLU): reads uint8, expected a Rescaling of whole numbers before all else",
    ),
    "letters that command a terminal": Hostile(
        described(image(4), layer("ReLU", "a\x1b]0;b\x07\n", "image", threshold=1.0)),
        REFUSED, "layer a\\x1b]0;b\\x07\\n (ReLU): jumps at its threshold",
    ),
}  # fmt: skip
