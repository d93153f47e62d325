"""Single layers, computed here in another way: what Keras does at the edges."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("h5py", reason="needs the h5py package: pip install h5py")

from neurobin.errors import UnsupportedError
from neurobin.exec import reference
from neurobin.frontend.windows import cells, same_window
from tests.frontend.keras.build import conv, functional, image, layer
from tests.frontend.keras.single import GRID, elements, graph


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("relu", np.maximum(GRID, 0)),
        ("relu6", np.clip(GRID, 0, 6)),
        ("tanh", np.tanh(GRID)),
        ("sigmoid", 1 / (1 + np.exp(-GRID))),
        ("hard_sigmoid", np.clip(0.2 * GRID + 0.5, 0, 1)),
        ("hard_tanh", np.clip(GRID, -1, 1)),
        ("leaky_tanh", np.clip(GRID, -1, 1) + 0.2 * (np.maximum(GRID, 1) - 1 + np.minimum(GRID, -1) + 1)),
        ({"class_name": "function", "config": "relu", "registered_name": "function"}, np.maximum(GRID, 0)),
    ],
)
def test_activations(name, wanted):
    assert np.abs(elements("Activation", GRID, activation=name) - wanted).max() < 1e-12


def test_a_rectifier_with_a_slope_and_an_end():
    wanted = np.where(GRID < 0, 0.5 * GRID, np.minimum(GRID, 1.5))
    assert np.array_equal(elements("ReLU", GRID, max_value=1.5, negative_slope=0.5, threshold=0.0), wanted)
    assert np.abs(elements("LeakyReLU", GRID) - np.where(GRID < 0, 0.3 * GRID, GRID)).max() < 1e-12


@pytest.mark.parametrize("size", range(1, 9))
@pytest.mark.parametrize(
    ("kernel", "stride", "dilation"), [(3, 1, 1), (3, 2, 1), (2, 1, 1), (2, 3, 1), (5, 2, 1), (3, 1, 2)]
)
def test_same_padding_makes_ceil_size_over_stride_windows(size, kernel, stride, dilation):
    window = same_window((size, size), (kernel,) * 2, (stride,) * 2, (dilation,) * 2)
    top, left, bottom, right = window.padding
    assert window.output((size, size, 1)) == (-(-size // stride),) * 2
    assert bottom - top in (0, 1)
    assert (top, bottom) == (left, right)
    if dilation == 1:
        ones = window.patches(np.ones((1, size, size, 1)), 0).sum((3, 4, 5))[0]
        assert np.array_equal(cells(window, (size, size, 1)), ones)


@pytest.mark.parametrize(("value", "corner"), [(0, 4), (1, 9)])
def test_larq_pads_what_is_quantized_already(value, corner):
    """A corner of a map of ones, by a filter of ones: padding with ones counts, with zeros it does not."""
    made = graph(
        functional(image(3, 3, 1), conv("x", "image", 1, input_quantizer="ste_sign", pad_values=float(value))),
        {"x": {"kernel": np.ones((3, 3, 1, 1))}},
    )
    assert reference.run(made, np.full((1, 3, 3, 1), 7))[0, 0, 0, 0] == corner


def test_a_depthwise_kernel_makes_its_channels_side_by_side():
    kernel = np.arange(12.0).reshape(1, 1, 4, 3)
    config = {"kernel_size": [1, 1], "depth_multiplier": 3, "use_bias": False}
    made = graph(
        functional(image(1, 1, 4), layer("DepthwiseConv2D", "x", "image", **config)), {"x": {"depthwise_kernel": kernel}}
    )
    assert reference.run(made, np.ones((1, 1, 1, 4), int)).reshape(-1).tolist() == list(range(12))


def test_a_matrix_product_on_a_map_is_one_at_each_place():
    kernel = np.random.default_rng(0).normal(size=(3, 5))
    made = graph(
        functional(image(2, 4, 3), layer("Dense", "x", "image", units=5, use_bias=False)), {"x": {"kernel": kernel}}
    )
    x = np.random.default_rng(1).integers(-9, 9, (2, 2, 4, 3))
    assert np.abs(reference.run(made, x) - x @ kernel).max() < 1e-5


def test_a_layer_applied_twice_has_its_weights_twice():
    twice = layer("Dense", "x", "image", units=3, use_bias=True)
    twice["inbound_nodes"].append([["x", 0, 0, {}]])
    kernel, bias = np.array([[0, 1, 0], [0, 0, 2], [3, 0, 0]]), np.array([1, 0, -1])
    made = graph(functional(image(3), twice, layer("Flatten", "y", ("x", 1, 0))), {"x": {"kernel": kernel, "bias": bias}})
    x = np.array([[1, 2, 3], [-4, 5, -6]])
    assert np.array_equal(reference.run(made, x), (x @ kernel + bias) @ kernel + bias)


def test_rescaling_may_differ_by_channel():
    made = graph(functional(image(3), layer("Rescaling", "x", "image", scale=[1.0, 0.5, 2.0], offset=[0.0, 1.0, -1.0])))
    assert reference.run(made, np.array([[2, 2, 2]])).tolist() == [[2.0, 2.0, 3.0]]


def test_what_ends_in_a_softmax_gives_the_scores():
    rest = (layer("Softmax", "s", "image"), layer("Reshape", "r", "s", target_shape=[1, -1]), layer("Flatten", "f", "r"))
    made = graph(
        functional(image(3), layer("Rescaling", "scaled", "image", scale=2.0), layer("Softmax", "s", "scaled"), *rest[1:])
    )
    assert made.meta["left_out"] == "Softmax"
    assert reference.run(made, np.array([[1, 2, 3]])).tolist() == [[2.0, 4.0, 6.0]]
    with pytest.raises(UnsupportedError, match=r"layer s \(Softmax\): Softmax, and something is computed with it"):
        graph(functional(image(3), layer("Softmax", "s", "image"), layer("ReLU", "x", "s")))


@pytest.mark.parametrize(("kind", "least"), [("uint8", 0), ("int8", -128)])
def test_whole_images_are_taken_as_they_are(kind, least):
    """What says that it reads whole numbers and scales them itself is not given pixels over 255."""
    start = image(2)
    start["config"]["dtype"] = kind
    made = graph(functional(start, layer("Rescaling", "x", "image", scale=1 / 64)), images=None)
    assert made.types[made.input].dtype.low == least
    assert reference.run(made, np.array([[64, 127]])).tolist() == [[1.0, 127 / 64]]


def test_a_softmax_ranks_the_channels_of_one_place():
    rest = (layer("Rescaling", "r", "image", scale=2.0), layer("Softmax", "s", "r"))
    assert graph(functional(image(2, 2, 3), *rest)).meta["left_out"] == "Softmax"
    assert graph(functional(image(1, 1, 3), *rest, layer("Flatten", "x", "s"))).meta["left_out"] == "Softmax"
    with pytest.raises(UnsupportedError, match="ranked together"):
        graph(functional(image(2, 2, 3), *rest, layer("Flatten", "x", "s")))
