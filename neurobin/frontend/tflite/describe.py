"""What a TensorFlow Lite file holds, before anything is made of it: its inputs, its operators, its constants."""

from __future__ import annotations

from collections import Counter

from neurobin.frontend.description import Description, Operator
from neurobin.frontend.tflite.convert import LEFT_OUT, RULES
from neurobin.frontend.tflite.model import Model, Tensor
from neurobin.frontend.tflite.schema import LCE_OPTIONS, VERSION


def describe(model: Model) -> Description:
    """Operators by how often they stand in the file, most often first."""
    constants = [tensor.data for tensor in model.tensors if tensor.data is not None]
    facts = {
        "format": f"TensorFlow Lite, schema version {VERSION}",
        "inputs": ", ".join(_port(model.tensors[index]) for index in model.inputs),
        "outputs": ", ".join(_port(model.tensors[index]) for index in model.outputs),
        "constants": f"{len(constants)} with {sum(values.nbytes for values in constants)} bytes",
    }
    counts = Counter(operator.op for operator in model.operators)
    operators = [
        Operator(op, "larq" if op in LCE_OPTIONS else "tflite", count, op in RULES or op in LEFT_OUT)
        for op, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    return Description(facts, tuple(operators))


def _port(tensor: Tensor) -> str:
    return f"{tensor.name} {tensor.kind.name}{list(tensor.shape)}"
