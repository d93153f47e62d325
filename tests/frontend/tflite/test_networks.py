"""Networks that Larq built and Larq Compute Engine converted mean here what its interpreter computes (see `make`)."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurobin.exec import packed, reference
from neurobin.frontend.load import describe, load
from neurobin.frontend.tflite.convert import to_graph
from neurobin.frontend.tflite.reader import read_model
from neurobin.ir import BIPOLAR
from neurobin.ops.conv2d import Conv2d
from neurobin.passes import lower

FOLDER = Path(__file__).parent / "networks"
FLOATS, INTEGERS = ["zeros", "ones", "valid", "planes"], ["int8", "operators8"]
CLOSE = 1e-4


def recorded(name: str) -> tuple[np.ndarray, np.ndarray, dict[int, np.ndarray]]:
    """(images as the graph takes them, outputs, what is inside for the first image by tensor number)."""
    with np.load(FOLDER / f"{name}.npz") as file:
        inside = {int(key): file[key] for key in file.files if key.isdigit()}
        images = file["images"].astype(np.int64) - (128 if name in INTEGERS else 0)
        return images, file["outputs"], inside


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


@pytest.mark.parametrize("name", FLOATS)
def test_real_outputs_are_those_of_the_interpreter(name):
    images, wanted, _ = recorded(name)
    graph = load(FOLDER / f"{name}.tflite")
    found = reference.run(graph, images)
    found = softmax(found) if graph.meta["left_out"] == "SOFTMAX" else found
    assert np.abs(found - wanted).max() < CLOSE
    assert np.array_equal(found.argmax(1), wanted.argmax(1))
    assert len(set(wanted.argmax(1))) >= 4  # or the networks would tell nothing


@pytest.mark.parametrize("name", INTEGERS)
def test_8_bit_outputs_are_those_of_the_interpreter_level_by_level(name):
    images, wanted, _ = recorded(name)
    step = np.diff(np.unique(wanted)).min()
    assert np.abs(reference.run(load(FOLDER / f"{name}.tflite"), images) - wanted).max() < step * 1e-5


@pytest.mark.parametrize("name", FLOATS + INTEGERS)
def test_every_tensor_inside_is_the_interpreters(name):
    """Bits and 8-bit levels without exception, sums of bit products exactly, real numbers closely."""
    images, _, inside = recorded(name)
    model = read_model(FOLDER / f"{name}.tflite")
    writers = {operator.outputs[0]: operator for operator in model.operators}
    checked = set()
    for index, wanted in inside.items():
        tensor, operator = model.tensors[index], writers[index]
        graph = to_graph(replace(model, outputs=(index,)))
        values = reference.run_all(graph, images[:1])
        found = values[graph.output]
        if tensor.kind == np.dtype("<i4"):
            assert graph.types[graph.output].dtype == BIPOLAR
            bits = np.unpackbits(np.ascontiguousarray(wanted).view(np.uint8), axis=-1, bitorder="little")
            assert np.array_equal(found, 1 - 2 * bits[..., : found.shape[-1]].astype(int)), operator.where
            assert not bits[..., found.shape[-1] :].any()
        elif tensor.kind == np.dtype("i1"):
            scale, zero = tensor.quantization.single
            assert np.array_equal(np.rint(found / scale) + zero, wanted), operator.where
            assert np.abs(found / scale - np.rint(found / scale)).max() < 1e-9
        else:
            assert np.abs(found - wanted).max() < CLOSE, operator.where
        if operator.op == "LceBconv2d" and tensor.kind == np.dtype("<f4"):
            multiplier, bias = (model.tensors[operator.inputs[place]].data for place in (2, 3))
            conv = next(node for node in reversed(graph.nodes) if isinstance(node.op, Conv2d))
            sums = values[conv.name]
            sums = np.maximum(sums, 0) if operator.options["fused_activation_function"] else sums
            assert np.array_equal(np.rint((wanted - bias) / multiplier), sums), operator.where
        checked.add((operator.op, tensor.kind.name))
    assert len(checked) > 1


@pytest.mark.parametrize("name", FLOATS + INTEGERS)
def test_deployed_networks_rank_alike_and_the_engines_agree(name):
    images, wanted, _ = recorded(name)
    graph = load(FOLDER / f"{name}.tflite")
    deployed = lower(graph, images)
    found = reference.run(deployed, images)
    assert np.array_equal(packed.run(deployed, images), found)
    assert np.array_equal(found.argmax(1), wanted.argmax(1))


def test_the_networks_hold_what_they_are_for():
    """Both paddings, groups, strides, dilations, fused activations, negative multipliers, every output type."""
    seen: set[object] = set()
    for name in FLOATS + INTEGERS:
        model = read_model(FOLDER / f"{name}.tflite")
        for operator in model.operators:
            seen.add(operator.op)
            if operator.op != "LceBconv2d":
                continue
            options = operator.options
            target, filters = model.tensors[operator.outputs[0]], model.tensors[operator.inputs[1]]
            seen |= {("padding", options["padding"], options["pad_values"]), ("to", target.kind.name)}
            seen |= {(key, options[key] > 1) for key in ("stride_width", "dilation_width_factor")}
            seen.add(("relu", target.kind.name, options["fused_activation_function"]))
            seen.add(("groups", filters.shape[3] * 32 < options["channels_in"]))
            if operator.inputs[2] >= 0:
                seen.add(("negative", bool((model.tensors[operator.inputs[2]].data < 0).any())))
    wanted = {
        "LceQuantize", "LceDequantize", "LceBconv2d", "LceBMaxPool2d", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED",
        "ADD", "MUL", "SUB", "RELU6", "AVERAGE_POOL_2D", "MEAN", "RESHAPE", "PAD", "CONCATENATION", "QUANTIZE", "DEQUANTIZE",
        "SOFTMAX", "PRELU", "LEAKY_RELU", "LOGISTIC", "ROUND", "MINIMUM", "MAXIMUM", "SPLIT",
        ("padding", 0, 0), ("padding", 0, 1), ("padding", 1, 0), ("to", "float32"), ("to", "int32"), ("to", "int8"),
        ("stride_width", True), ("dilation_width_factor", True), ("relu", "float32", 1), ("relu", "int32", 1),
        ("relu", "int8", 1), ("groups", True), ("negative", True),
    }  # fmt: skip
    assert wanted <= seen


def test_a_file_is_described():
    found = describe(FOLDER / "ones.tflite")
    assert found.facts["format"].startswith("TensorFlow Lite")
    first = found.operators[0]
    assert (first.name, first.domain, first.count, first.known) == ("LceBconv2d", "larq", 4, True)
    assert all(one.known for one in found.operators)


def test_neither_the_onnx_package_nor_torch_is_loaded(monkeypatch):
    for name in [*sys.modules]:
        if name.split(".")[0] in ("onnx", "torch", "tensorflow", "flatbuffers") or name.startswith("neurobin.frontend."):
            monkeypatch.delitem(sys.modules, name)
    for name in ("onnx", "torch", "tensorflow", "flatbuffers"):
        monkeypatch.setitem(sys.modules, name, None)  # importing it fails
    from neurobin.frontend.load import load as anew

    assert anew(FOLDER / "int8.tflite").nodes
