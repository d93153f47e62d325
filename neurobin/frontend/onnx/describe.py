"""What an ONNX file holds, before anything is made of it: where it comes from, its inputs, its operators."""

from __future__ import annotations

from collections import Counter

from neurobin.frontend.description import Description, Operator
from neurobin.frontend.onnx.model import Model
from neurobin.frontend.onnx.operators import table


def describe(model: Model) -> Description:
    """Operators by how often they stand in the file, most often first."""
    counts = Counter((call.op, call.domain) for call in model.calls)
    known = table()
    ports = ", ".join(f"{port.name} {port.kind.name}{_shape(port.shape)}" for port in model.ports)
    facts = {
        "format": "ONNX",
        "producer": model.producer or "not stated",
        "opsets": ", ".join(f"{name or 'ai.onnx'} {version}" for name, version in sorted(model.versions.items())),
        "inputs": ports,
        "outputs": ", ".join(model.outputs),
        "constants": f"{len(model.constants)} with {sum(array.nbytes for array in model.constants.values())} bytes",
    }
    operators = [
        Operator(op, domain or "ai.onnx", count, (domain, op) in known)
        for (op, domain), count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    return Description(facts, tuple(operators))


def _shape(shape: tuple[int | str | None, ...] | None) -> str:
    if shape is None:
        return " of no stated shape"
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"
