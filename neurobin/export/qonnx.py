"""Graph -> QONNX: standard ONNX with QONNX's quantizers, which FINN, qonnx and other tools read.

The graph as trained becomes the network that a paper describes. A deployed graph becomes its integers: every tensor holds
whole numbers, annotated with QONNX's type for them, and every node computes them exactly.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from neurobin import __version__
from neurobin.errors import UnsupportedError
from neurobin.export.rules import RULES
from neurobin.export.writer import FLOAT, QONNX, Writer, qonnx_type, shape
from neurobin.files import write_atomic
from neurobin.ir import Graph

if TYPE_CHECKING:
    from onnx import ModelProto, TensorAnnotation

OPSET, IR_VERSION = 13, 8


def to_qonnx(graph: Graph) -> ModelProto:
    """The model. Raises UnsupportedError listing every node that has no form in ONNX."""
    from onnx import helper

    w = Writer(graph)
    problems = []
    for node in graph.nodes:
        if node.op.name not in RULES:
            problems.append(f"node {node.name!r}: no form for op {node.op.name}")
            continue
        try:
            RULES[node.op.name](w, node, node.op)
        except UnsupportedError as error:
            problems.append(str(error))
    if problems:
        raise UnsupportedError("; ".join(problems), where="QONNX")
    ports = [helper.make_tensor_value_info(name, FLOAT, shape(kind)) for name, kind in graph.inputs.items()]
    results = [helper.make_tensor_value_info(name, FLOAT, shape(graph.types[name])) for name in graph.outputs]
    name = str(graph.meta.get("name") or "network")
    made = helper.make_graph(w.nodes, name, ports, results, w.constants)
    made.quantization_annotation.extend(_annotations(graph))
    return helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(QONNX, 1)],
        ir_version=IR_VERSION,
        producer_name="neurobin",
        producer_version=__version__,
    )


def _annotations(graph: Graph) -> list[TensorAnnotation]:
    """QONNX's type of every tensor of whole numbers."""
    from onnx import StringStringEntryProto, TensorAnnotation

    return [
        TensorAnnotation(
            tensor_name=name,
            quant_parameter_tensor_names=[StringStringEntryProto(key="finn_datatype", value=qonnx_type(kind.dtype))],
        )
        for name, kind in graph.types.items()
        if not kind.dtype.is_float
    ]


def save_qonnx(graph: Graph, path: Path) -> None:
    """Write the model, whole or not at all, in one file. Raises UnsupportedError or FormatError."""
    write_atomic(path, [to_qonnx(graph).SerializeToString()])
