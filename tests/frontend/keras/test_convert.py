"""Single layers, computed here in another way: what Keras does at the edges, and what Larq does at ties."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("h5py", reason="needs the h5py package: pip install h5py")

import h5py

from neurobin.errors import UnsupportedError
from neurobin.exec import reference
from neurobin.frontend.images import Images
from neurobin.frontend.keras.convert import to_graph
from neurobin.frontend.keras.reader import model_of
from neurobin.frontend.limits import DEFAULT
from neurobin.frontend.load import load
from neurobin.frontend.windows import cells, same_window
from neurobin.ir import Graph
from neurobin.ir.dtype import i
from tests.frontend.keras.build import archive, conv, functional, image, layer, small, write, write_weights

WHOLE = Images(i(8), 1.0, 0.0)  # the network reads small whole numbers as they are
F = np.float32


def graph(config, weights=None, images=WHOLE) -> Graph:
    """The graph of a description with weights float32 by layer and role."""
    given = {
        name: {role: np.asarray(values, F) for role, values in roles.items()} for name, roles in (weights or {}).items()
    }
    model = model_of(config, "2.15.0", DEFAULT)
    known = {call.layer.path: given.get(call.layer.path, {}) for call in model.calls}
    return to_graph(model, known, images)


def elements(kind: str, values, **config: object) -> np.ndarray:
    """What a layer makes of numbers, each an image of one feature."""
    made = graph(
        functional(image(1), layer("Rescaling", "scaled", "image", scale=1 / 64), layer(kind, "x", "scaled", **config))
    )
    return reference.run(made, np.rint(np.asarray(values) * 64).astype(int)[:, None])[:, 0]


GRID = np.arange(-128, 128) / 64


@pytest.mark.parametrize(
    "name", ["ste_sign", "approx_sign", "swish_sign", {"class_name": "SteSign", "config": {"name": "a"}}]
)
def test_the_sign_of_zero_is_plus_one(name):
    assert np.array_equal(elements("Activation", GRID, activation=name), np.where(GRID >= 0, 1, -1))


def test_heaviside_is_one_above_zero_only():
    assert np.array_equal(elements("Activation", GRID, activation="ste_heaviside"), GRID > 0)


def test_a_value_at_the_ternary_threshold_is_not_zero():
    function = {"class_name": "SteTern", "config": {"threshold_value": 0.25}}
    wanted = np.where(np.abs(GRID) >= 0.25, np.sign(GRID), 0)
    assert np.array_equal(elements("Activation", GRID, activation=function), wanted)


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
def test_dorefa_rounds_halves_to_even(bits):
    steps = 2**bits - 1
    function = {"class_name": "DoReFaQuantizer", "config": {"k_bit": bits}}
    wanted = np.rint(np.clip(GRID, 0, 1) * steps) / steps
    assert np.abs(elements("Activation", GRID, activation=function) - wanted).max() < 1e-7


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


def kernel_of(quantizer: object, kernel: np.ndarray) -> np.ndarray:
    """A quantized kernel [1, 1, C, O], read off the network's answers to unit vectors."""
    channels, filters = kernel.shape[2:]
    made = graph(
        functional(image(1, 1, channels), conv("x", "image", filters, 1, kernel_quantizer=quantizer)),
        {"x": {"kernel": kernel}},
    )
    return reference.run(made, np.eye(channels, dtype=int)[:, None, None, :])[:, 0, 0, :]


def test_weight_quantizers():
    w = np.random.default_rng(0).normal(0, 0.5, (1, 1, 40, 6)).astype(F)
    w[..., 0, :] = 0
    w[..., 1, :] = [0.25, -0.25, 0.05, -0.05, 1.5, -1.5]
    flat, signs = w[0, 0], np.where(w[0, 0] < 0, -1, 1)
    assert np.array_equal(kernel_of("SteSign", w), signs)
    assert np.abs(kernel_of("magnitude_aware_sign", w) - np.abs(flat).mean(0) * signs).max() < 1e-7
    clipped = np.abs(np.clip(flat, -1, 1)).mean(0)
    assert np.abs(kernel_of("xnor_weight_scale", w) - clipped * signs).max() < 1e-7
    assert np.abs(kernel_of("magnitude_aware_sign_unclipped", w) - np.abs(flat).mean() * signs).max() < 1e-7
    assert np.array_equal(kernel_of("SteHeaviside", w), flat > 0)
    ternary = {"class_name": "SteTern", "config": {"threshold_value": 0.25, "ternary_weight_networks": False}}
    assert np.array_equal(kernel_of(ternary, w), np.where(np.abs(flat) >= F(0.25), np.sign(flat), 0))
    assert np.array_equal(kernel_of("ste_tern", w), np.where(np.abs(flat) >= F(0.05), np.sign(flat), 0))
    ternary["config"]["ternary_weight_networks"] = True
    limit = 0.7 * np.abs(flat).mean()
    assert np.array_equal(kernel_of(ternary, w), np.where(np.abs(flat) > limit, np.sign(flat), 0))
    for bits in (1, 2, 5):
        steps, limited = 2**bits - 1, np.tanh(flat)
        dorefa = {"class_name": "DoReFa", "config": {"k_bit": bits, "mode": "weights"}}
        wanted = 2 * np.rint((limited / (2 * np.abs(limited).max()) + F(0.5)) * F(steps)) / steps - 1
        assert np.abs(kernel_of(dorefa, w) - wanted).max() < 1e-6
    assert np.abs(kernel_of({"class_name": "NoOp", "config": {"precision": 1}}, w) - flat).max() < 1e-7
    assert np.abs(kernel_of(None, w) - flat).max() < 1e-7


def test_an_all_zero_kernel_has_no_divisor():
    dorefa = {"class_name": "DoReFa", "config": {"k_bit": 3, "mode": "weights"}}
    assert np.abs(kernel_of(dorefa, np.zeros((1, 1, 2, 2))) - 1 / 7).max() < 1e-12  # round(3.5) = 4, halves to even


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


def test_weights_go_by_name_or_in_order(tmp_path: Path):
    """Names of layers differ between two runs of one program: Keras fills them one after the other."""
    config, weights = small()
    (tmp_path / "net.json").write_text(json.dumps({**config, "keras_version": "2.15.0", "backend": "tensorflow"}))
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 2))
    wanted = reference.run(load(write(tmp_path / "net.h5", config, weights)), images)
    for names in ([*weights], [*weights][::-1], [f"{name}_7" for name in weights]):
        with h5py.File(tmp_path / "w.h5", "w") as file:
            write_weights(file, {name: weights[name.removesuffix("_7")] for name in names}, names)
        assert np.array_equal(reference.run(load(tmp_path / "net.json", weights=tmp_path / "w.h5"), images), wanted)
    whole = load(tmp_path / "net.json", weights=tmp_path / "net.h5")
    assert np.array_equal(reference.run(whole, images), wanted)


def test_names_may_hold_slashes(tmp_path):
    config, weights = small()
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 2))
    wanted = reference.run(load(write(tmp_path / "net.h5", config, weights)), images)
    renamed = json.loads(json.dumps(config).replace('"binary"', '"block/../binary"'))
    weights["block/../binary"] = weights.pop("binary")
    assert np.array_equal(reference.run(load(write(tmp_path / "net.h5", renamed, weights)), images), wanted)


def test_roles_go_by_name_within_a_layer(tmp_path):
    config, weights = small()
    turned = {name: dict(reversed(roles.items())) for name, roles in weights.items()}
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 2))
    found = [reference.run(load(write(tmp_path / "net.h5", config, one)), images) for one in (weights, turned)]
    assert np.array_equal(*found)


def test_attributes_in_pieces_are_put_together(tmp_path):
    config, weights = small()

    def pieces(file: h5py.File) -> None:
        text, names = file.attrs["model_config"], file["model_weights"].attrs["layer_names"]
        del file.attrs["model_config"], file["model_weights"].attrs["layer_names"]
        for number in range(3):
            file.attrs[f"model_config{number}"] = text[number * len(text) // 3 : (number + 1) * len(text) // 3]
            file["model_weights"].attrs[f"layer_names{number}"] = names[2 * number : 2 * number + 2]

    def bytes_(file: h5py.File) -> None:  # as h5py 2 stored them
        for name in ("model_config", "keras_version", "backend"):
            file.attrs[name] = np.bytes_(file.attrs[name].encode())

    images = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 2))
    for change in (pieces, bytes_):
        found = [reference.run(load(write(tmp_path / "net.h5", config, weights, one)), images) for one in (None, change)]
        assert np.array_equal(*found)


def test_an_archive_by_hand(tmp_path):
    config, weights = small()
    groups = {"first": "conv2d", "norm": "batch_normalization", "binary": "quant_conv2d", "dense": "dense"}
    stored = {
        f"layers/{groups[name]}/vars/{n}": one for name, roles in weights.items() for n, one in enumerate(roles.values())
    }
    (tmp_path / "net.keras").write_bytes(archive(config, weights=stored))
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 2))
    wanted = reference.run(load(write(tmp_path / "net.h5", config, weights)), images)
    assert np.array_equal(reference.run(load(tmp_path / "net.keras"), images), wanted)


@pytest.mark.parametrize(("version", "group"), [("2.13.1", "_layer_checkpoint_dependencies/dense_2"),
                                                ("2.14.0", "_layer_checkpoint_dependencies/dense_1"),
                                                ("2.15.0", "layers/dense_1")])  # fmt: skip
def test_archives_of_every_version_number_layers_in_their_way(version, group, tmp_path):
    dense = {"units": 2, "use_bias": False}
    config = functional(image(2), layer("Dense", "a", "image", **dense), layer("Dense", "b", "a", **dense))
    first, second = np.array([[1, 2], [3, 4]]), np.array([[0, 1], [-1, 0]])
    stored = {f"{group.partition('/')[0]}/dense/vars/0": first, f"{group}/vars/0": second}
    metadata = json.dumps({"keras_version": version}).encode()
    (tmp_path / "net.keras").write_bytes(archive(config, {"metadata.json": metadata}, stored))
    found = reference.run(load(tmp_path / "net.keras", WHOLE), np.array([[5, 7]]))
    assert np.array_equal(found, np.array([[5, 7]]) @ first @ second)
