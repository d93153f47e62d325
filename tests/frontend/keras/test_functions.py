"""TensorFlow's functions, as Keras writes them down, in every order of their operands."""

from __future__ import annotations

import numpy as np
import pytest

from neurobin.exec import reference

pytest.importorskip("h5py", reason="needs the h5py package: pip install h5py")

from neurobin.errors import FormatError
from tests.frontend.keras.build import functional, image, layer
from tests.frontend.keras.single import graph


def function(name: str, operand: object, **keywords: object):
    """A network that applies a function of TensorFlow to its image, as Keras writes that down."""
    one = layer("TFOpLambda", "f", function=name)
    one["inbound_nodes"] = [operand if isinstance(operand, list) else ["image", 0, 0, keywords]]
    return functional(image(3), one)


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        (function("math.subtract", None, y=3.0), [-2, -1, 0]),
        (function("math.subtract", ["_CONSTANT_VALUE", -1, 3.0, {"y": ["image", 0, 0]}]), [2, 1, 0]),
        (function("__operators__.add", None, y=["image", 0, 0]), [2, 4, 6]),
        (function("math.multiply", None, y=[1.0, 2.0, -1.0]), [1, 4, -3]),
        (function("math.truediv", None, y=2), [0.5, 1, 1.5]),
        (function("math.maximum", None, y=[0.0, 5.0, 3.0]), [1, 5, 3]),
        (function("math.minimum", None, y=2.0), [1, 2, 2]),
        (function("math.negative", None), [-1, -2, -3]),
        (function("clip_by_value", None, clip_value_min=1.5, clip_value_max=2.5), [1.5, 2, 2.5]),
        (function("nn.leaky_relu", ["image", 0, 0, {"alpha": 0.5}]), [1, 2, 3]),
        (function("concat", [["image", 0, 0, {"axis": -1}], ["image", 0, 0, {"axis": -1}]]), [1, 2, 3, 1, 2, 3]),
    ],
)
def test_functions_of_tensorflow(config, wanted):
    assert reference.run(graph(config), np.array([[1, 2, 3]])).reshape(-1).tolist() == wanted


def test_parts_of_a_split_are_told_apart():
    split = layer("TFOpLambda", "split", function="split")
    split["inbound_nodes"] = [["image", 0, 0, {"num_or_size_splits": [1, 2], "axis": -1}]]
    made = graph(functional(image(3), split, layer("Concatenate", "x", ("split", 0, 1), ("split", 0, 0))))
    assert reference.run(made, np.array([[1, 2, 3]])).tolist() == [[2, 3, 1]]


def test_a_list_before_a_tensor_is_one_operand():
    """[1, 2, 3] - x: Keras writes the list's numbers one by one, and the tensor by keyword."""
    numbers = [["_CONSTANT_VALUE", -1, value, {"y": ["image", 0, 0]}] for value in (1.0, 2.0, 3.0)]
    assert reference.run(graph(function("math.subtract", numbers)), np.array([[3, 2, 1]])).tolist() == [[-2.0, 0.0, 2.0]]
    with pytest.raises(FormatError, match="reads no tensor"):
        graph(function("math.add", [["_CONSTANT_VALUE", -1, 1.0, {"y": 2.0}]]))
