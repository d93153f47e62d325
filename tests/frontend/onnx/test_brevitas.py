"""What Brevitas and onnxruntime wrote (`brevitas/make.py`): evaluator, graph and deployed graph say what they say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

from neurobin.errors import FormatError
from neurobin.exec import packed, reference
from neurobin.frontend.load import load
from neurobin.frontend.onnx.evaluate import evaluate
from neurobin.frontend.onnx.model import Model
from neurobin.frontend.onnx.reader import read_model
from neurobin.ir import Graph
from neurobin.passes import lower

FOLDER = Path(__file__).parent / "brevitas"
CLOSE = 1e-4
# What each network's layers compute on, in order: the types of weights and of what they multiply.
LAYERS = {
    "mlp_1w1a": "bipolar x bipolar, bipolar x bipolar, bipolar x bipolar",
    "conv_1w1a": "bipolar x i8, bipolar x bipolar, bipolar x bipolar, bipolar x bipolar, bipolar x bipolar",
    "ternary": "ternary x u8, ternary x ternary, ternary x ternary",
    "mixed_2_4": "i4 x u8, ternary x u4, i4 x u2, ternary x i4",
    "per_channel": "i3 x u6, i3 x u3, i5 x u3",
    "residual": "bipolar x i8, bipolar x bipolar, bipolar x bipolar",
    "depthwise": "i8 x u8, bipolar x bipolar, bipolar x bipolar, i4 x bipolar, bipolar x u4, i8 x i7",
    "unsigned_relu": "i6 x u8, i4 x u3, i8 x u5",
    "external_data": "bipolar x bipolar, bipolar x bipolar, bipolar x bipolar",
    "average_pool": "bipolar x i8, bipolar x i4, i4 x i4",
    "qcdq_mlp": "ternary x u8, i4 x u3, i8 x i4",
    "qcdq_conv": "i4 x i8, i3 x u4, i4 x u4",
    "ort_qoperator": "i8 x u8, i8 x u8, i8 x u8",
    "ort_qdq": "i8 x u8, i8 x u8, i8 x u8",
    "ort_qdq_int4": "i4 x u4, i4 x u4, i4 x u4",
}
LINEAR = ("bit_conv2d", "bit_dense", "int_conv2d", "int_dense")


@dataclass(frozen=True)
class Case:
    model: Model
    pixels: np.ndarray  # [16, ...] as the network takes them, channels first
    scores: np.ndarray  # [16, 10], the exporter's own
    graph: Graph
    deployed: Graph

    @property
    def images(self) -> np.ndarray:
        """The pixels as a graph takes them, channels last."""
        return (self.pixels.transpose(0, 2, 3, 1) if self.pixels.ndim == 4 else self.pixels).astype(np.int64)

    def evaluated(self, tensor: str) -> np.ndarray:
        """A tensor of the file, image by image: the batch is 1."""
        model = replace(self.model, outputs=(tensor,))
        name = model.ports[0].name
        return np.concatenate([evaluate(model, {name: image})[tensor] for image in self.floats])

    @property
    def floats(self) -> np.ndarray:
        return (self.pixels / np.float32(255)).astype(np.float32)[:, None]


@cache
def case(name: str) -> Case:
    path = FOLDER / f"{name}.onnx"
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as stored:
        pixels, scores = stored["pixels"], stored["scores"]
    graph = load(path)
    found = Case(read_model(path), pixels, scores, graph, graph)
    return replace(found, deployed=lower(graph, found.images))


@pytest.mark.parametrize("name", LAYERS)
def test_all_say_what_the_exporter_says(name):
    c = case(name)
    own = c.evaluated(c.model.outputs[0])
    graph = reference.run(c.graph, c.images)
    deployed = reference.run(c.deployed, c.images)
    assert np.abs(own - c.scores).max() <= CLOSE
    assert np.abs(graph - c.scores).max() <= CLOSE
    best = c.scores.argmax(1)
    for scores in (own, graph, deployed):  # real last layers are rounded when deployed; no arg-max changes for it
        assert np.array_equal(scores.argmax(1), best)
    assert len(set(best.tolist())) >= 4, "images that all look alike test little"
    assert np.array_equal(packed.run(c.deployed, c.images), deployed)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_deployed_on_the_codes_of_the_file(name):
    graph = case(name).deployed
    found = [
        f"{node.op.weight.dtype} x {graph.types[node.inputs[0]].dtype}" for node in graph.nodes if node.op.name in LINEAR
    ]
    assert ", ".join(found) == LAYERS[name]


@pytest.mark.parametrize(
    ("name", "factors"),
    [
        ("mlp_1w1a", [1, 1, 1]),
        ("conv_1w1a", [2**-7, 1, 1, 1, 1]),  # pixels in steps of 1/128
        ("external_data", [np.float32(0.3), 1, 1]),
        ("depthwise", [None, 1, np.float32(0.3), None, None, None]),
        ("residual", [None, np.float32(0.3), 1]),
    ],
)
def test_binary_accumulators_are_those_of_the_file(name, factors):
    """`factors`: what an accumulator is worth in the file; None where its layer is not binary on both sides."""
    c = case(name)
    sums = dict(reference.steps(c.deployed, c.images))
    layers = [node.name for node in c.deployed.nodes if node.op.name in LINEAR]
    calls = [call for call in c.model.calls if call.op in ("Conv", "Gemm", "MatMul")]
    assert len(layers) == len(calls) == len(factors)
    for layer, call, factor in zip(layers, calls, factors, strict=True):
        if factor is None:
            continue
        stated = c.evaluated(call.outputs[0])
        stated = stated.transpose(0, 2, 3, 1) if stated.ndim == 4 else stated
        biased = len(call.inputs) > 2
        stated = stated - c.model.constants[call.inputs[2]] if biased else stated
        whole = np.rint(stated / factor)
        assert np.array_equal(whole, sums[layer]), call.where
        assert np.abs(stated - whole * factor).max() <= (0 if factor in (1, 2**-7) and not biased else 1e-5)


def test_external_data_is_read_and_missing_without_its_file(tmp_path):
    source = FOLDER / "external_data.onnx"
    assert len(source.read_bytes()) < 10_000 < (FOLDER / "external_data.onnx.data").stat().st_size
    (tmp_path / "alone.onnx").write_bytes(source.read_bytes())
    with pytest.raises(FormatError, match=r"external_data\.onnx\.data"):
        load(tmp_path / "alone.onnx")
