"""Small models for the tests of conversion, and what a conversion has to agree with."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from neurobin.errors import NeurobinError, UnsupportedError
from neurobin.exec import packed, reference
from neurobin.frontend.images import Images
from neurobin.frontend.onnx.convert import to_graph
from neurobin.frontend.onnx.evaluate import evaluate
from neurobin.frontend.onnx.reader import from_proto
from neurobin.ir import Graph
from neurobin.passes import lower

QONNX = "qonnx.custom_op.general"
STEP = Images(scale=0.25)  # pixels are short binary fractions: float32 rounds none of the sums below
FLOAT, DOUBLE, HALF, UINT8 = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.UINT8


class Net:
    """A model in the making: every constant may stand in place of a tensor's name."""

    def __init__(self, shape: tuple[object, ...], kind: int = FLOAT, opset: int = 18, name: str = "x") -> None:
        self.shape, self.kind, self.opset, self.name = shape, kind, opset, name
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def __call__(
        self, op: str, *inputs: object, outputs: int = 1, domain: str = "", name: str = "", **attributes: object
    ) -> str:
        """Adds a node; its first output, or with several a prefix to which their numbers are appended."""
        place = f"t{len(self.nodes)}"
        names = [place] if outputs == 1 else [f"{place}.{k}" for k in range(outputs)]
        read = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        self.nodes.append(helper.make_node(op, read, names, domain=domain, name=name or f"{op}_{place}", **attributes))
        return place

    def constant(self, values: object) -> str:
        array = np.asarray(values)
        array = array.astype(np.float32) if array.dtype == np.float64 and self.kind != DOUBLE else array
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def sign(self, x: str, scale: float = 1.0) -> str:
        return self("BipolarQuant", x, np.float32(scale), domain=QONNX)

    def quant(self, x: object, bits: int, scale: object = 1.0, signed: int = 1, narrow: int = 0, zero: float = 0.0) -> str:
        parameters = (np.asarray(scale, np.float32), np.float32(zero), np.float32(bits))
        return self("Quant", x, *parameters, domain=QONNX, signed=signed, narrow=narrow, rounding_mode="ROUND")

    def proto(self, *ends: str) -> ModelProto:
        graph = helper.make_graph(
            self.nodes, "net", [helper.make_tensor_value_info(self.name, self.kind, list(self.shape))],
            [helper.make_tensor_value_info(end, FLOAT, None) for end in ends or (self.nodes[-1].output[0],)], self.constants,
        )  # fmt: skip
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid(QONNX, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def whole_images(shape: tuple[int, ...], count: int = 8) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (count, *shape))


def agree(net: Net, *ends: str, deploys: bool = True, tolerance: float = 0.0) -> tuple[Graph, Graph]:
    """(graph, deployed graph), after evaluator and graph gave the same numbers, and both engines the same integers."""
    model = from_proto(net.proto(*ends))
    graph = to_graph(model, STEP)
    kind, batch = model.ports[0].kind, model.ports[0].shape[0]
    batch = batch if isinstance(batch, int) else 1
    last_first = graph.types[graph.input].shape != tuple(net.shape[2:] + net.shape[1:2]) if len(net.shape) == 4 else True
    pixels = whole_images(tuple(net.shape[1:]), 8)
    images = pixels * kind.type(0.25) if kind.kind == "f" else pixels.astype(kind)
    parts = [images[first : first + batch].astype(kind) for first in range(0, 8, batch)]
    wanted = np.concatenate([evaluate(model, {net.name: part})[model.outputs[0]] for part in parts])
    given = pixels if last_first or pixels.ndim != 4 else pixels.transpose(0, 2, 3, 1)
    found = reference.run(graph, given)
    same = (found.transpose(0, 3, 1, 2) if found.ndim == 4 else found).reshape(wanted.shape)
    assert (np.abs(same - wanted) <= tolerance * np.maximum(1, np.abs(wanted))).all(), (
        f"{same.reshape(-1)[:6]} for {wanted.reshape(-1)[:6]}"
    )
    assert len(np.unique(wanted)) > 1, "a result that is always the same shows nothing"
    if not deploys:
        return graph, graph
    deployed = lower(graph, given)
    assert np.array_equal(packed.run(deployed, given), reference.run(deployed, given))
    return graph, deployed


def refused(net: Net, message: str, *ends: str, kind: type[NeurobinError] = UnsupportedError) -> str:
    """The message of the refusal, after it was found to match."""
    with pytest.raises(kind, match=message) as caught:
        to_graph(from_proto(net.proto(*ends)), STEP)
    return str(caught.value)


def ops(graph: Graph) -> list[str]:
    return [node.op.name for node in graph.nodes]


def signs(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.choice([-1.0, 1.0], shape).astype(np.float32)


def codes(rng: np.random.Generator, shape: tuple[int, ...], kind: type) -> np.ndarray:
    held = np.iinfo(kind)
    return rng.integers(held.min, held.max + 1, shape).astype(kind)
