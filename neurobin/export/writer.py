"""`Writer`: an ONNX graph in the making. Maps are channels-first and one example is a batch of one, as ONNX has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurobin.ir import DType, Encoding, Graph, TensorType

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

QONNX = "qonnx.custom_op.general"
FLOAT, INT64, DOUBLE = 1, 7, 11  # of TensorProto.DataType
EXACT = 2**24  # whole numbers up to here are float32 numbers


class Writer:
    """Nodes and constants so far. Tensors keep their names from the graph; what lies between them gets names of its own."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._taken = set(graph.types)
        self._known: dict[tuple[str, bytes, tuple[int, ...]], str] = {}

    def fresh(self, base: str) -> str:
        """A tensor name that nothing has."""
        name, number = base, 1
        while name in self._taken:
            number += 1
            name = f"{base}_{number}"
        self._taken.add(name)
        return name

    def constant(self, values: Any, kind: type = np.float32) -> str:
        """The name of a constant; equal ones are stored once."""
        from onnx import numpy_helper

        array: np.ndarray = np.ascontiguousarray(values, dtype=kind)
        key = (array.dtype.str, array.tobytes(), array.shape)
        if key not in self._known:
            self._known[key] = self.fresh(f"constant_{len(self._known)}")
            self.constants.append(numpy_helper.from_array(array, self._known[key]))
        return self._known[key]

    def add(self, op: str, *inputs: str, result: str = "", domain: str = "", **attributes: Any) -> str:
        """Append a node and return its output: `result`, or a new name."""
        from onnx import helper

        output = result or self.fresh(f"{op.lower()}")
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=output, domain=domain, **attributes))
        return output

    def by_channel(self, values: np.ndarray, rank: int) -> np.ndarray:
        """[C] or [1] as it broadcasts to [1, C, H, W] (rank 3) or [1, C] (rank 1)."""
        return values.reshape(-1, *(1,) * (rank - 1))


def shape(kind: TensorType) -> list[int]:
    """[1, C, H, W] of (H, W, C), [1, F] of (F,)."""
    return [1, kind.shape[-1], *kind.shape[:-1]]


def qonnx_type(dtype: DType) -> str:
    """QONNX's name of the narrowest of its types that holds all values."""
    if dtype.is_float:
        return "FLOAT32"
    if dtype.encoding is Encoding.TERNARY:
        return "TERNARY"
    if dtype.encoding is Encoding.BIPOLAR and dtype.bits == 1:
        return "BIPOLAR"
    if dtype.low >= 0:
        return "BINARY" if dtype.high == 1 else f"UINT{dtype.high.bit_length()}"
    return f"INT{max(dtype.high.bit_length(), (-dtype.low - 1).bit_length()) + 1}"
