"""`Translation`: the calls that an exported program becomes, in the terms of the ONNX standard.

Tensors have names, numbers and what is known become constants, and every operand is cast to the type that torch computes in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.domains import OWN, QONNX, STANDARD
from neurobin.frontend.onnx.model import Attribute, Call
from neurobin.frontend.torch_export.idioms import plain
from neurobin.frontend.torch_export.program import Program
from neurobin.frontend.torch_export.weights import codes_of, width_of

TYPES: dict[torch.dtype, tuple[np.dtype, int]] = {  # of torch: numpy's, and that of TensorProto
    torch.float32: (np.dtype(np.float32), 1),
    torch.uint8: (np.dtype(np.uint8), 2),
    torch.int8: (np.dtype(np.int8), 3),
    torch.int16: (np.dtype(np.int16), 5),
    torch.int32: (np.dtype(np.int32), 6),
    torch.int64: (np.dtype(np.int64), 7),
    torch.bool: (np.dtype(np.bool_), 9),
    torch.float16: (np.dtype(np.float16), 10),
    torch.float64: (np.dtype(np.float64), 11),
}
Names = str | tuple[str, ...]


class Translation:
    """The calls so far; rules read the operands of `node` and add calls in its name."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.calls: list[Call] = []
        self.constants: dict[str, np.ndarray] = {}
        self.names: dict[fx.Node, Names] = {}
        self.node = program.nodes[0]
        self.spread: dict[fx.Node, tuple[fx.Node, Tensor]] = {}  # views of more axes than maps have: of what, its places

    # -- what a node is

    def plain(self, node: Any) -> Any:
        """The node without copies, numbers as they are."""
        return plain(node, self.program.same)

    def is_known(self, value: Any) -> bool:
        """True for numbers, and for tensors that do not depend on the image."""
        return not isinstance(value, fx.Node) or value in self.program.known

    def known(self, value: Any) -> np.ndarray:
        """A number or known tensor as an array of its type. Raises UnsupportedError where it depends on the image."""
        if not isinstance(value, fx.Node):
            return np.asarray(value)
        if value not in self.program.known:
            raise UnsupportedError(f"takes {value.name}, which is computed from the image, where a constant is expected")
        found = self.program.known[value]
        if not isinstance(found, Tensor):
            return np.asarray(found)
        type_of(found)
        return np.asarray(found.detach().numpy())

    def example(self, value: Any) -> Tensor:
        """What says the shape and the type of a node."""
        found = value.meta.get("val")
        if not isinstance(found, Tensor):
            raise UnsupportedError(f"reads {value.name}, which is no tensor")
        return found

    def shape(self, value: fx.Node) -> tuple[int, ...]:
        return tuple(int(size) for size in self.example(value).shape)

    @property
    def result(self) -> Tensor:
        """What says the shape and the type of the node's own result; the first, where there are several."""
        found = self.node.meta.get("val")
        first = found[0] if isinstance(found, tuple | list) and found else found
        if not isinstance(first, Tensor):
            raise UnsupportedError("makes no tensor")
        return first

    # -- operands

    def constant(self, values: np.ndarray) -> str:
        name = f"constant.{len(self.constants)}"  # no name of a node has a dot
        self.constants[name] = np.ascontiguousarray(values).reshape(values.shape)
        return name

    def whole(self, *values: int) -> str:
        """A list of whole numbers as a constant."""
        return self.constant(np.array(values, np.int64))

    def tensor(self, value: Any) -> str:
        """An operand as it is. Raises UnsupportedError for one that is no tensor or several."""
        if self.is_known(value):
            return self.constant(self.known(value))
        if value in self.spread:
            raise UnsupportedError(f"reads {value.name}, a view of {len(self.shape(value))} axes")
        name = self.names[value]
        if not isinstance(name, str):
            raise UnsupportedError(f"reads {value.name}, which is several tensors")
        return name

    def operand(self, value: Any, dtype: torch.dtype | None = None) -> str:
        """An operand of an operator on single elements in type `dtype`, that of the result unless given."""
        dtype = self.result.dtype if dtype is None else dtype
        kind, number = type_of(dtype)
        if self.is_known(value):
            return self.constant(self._narrow(self.known(value).astype(kind)))
        name = self.tensor(value)
        return name if self.example(value).dtype == dtype else self.call("Cast", name, to=number)

    def _narrow(self, values: np.ndarray) -> np.ndarray:
        """The same with one element along axes it does not vary over, where another operand has the result's shape."""
        full = tuple(self.result.shape)
        sources = [source for source in self.node.all_input_nodes if not self.is_known(source)]
        if not any(self.shape(source) == full for source in sources):
            return values
        for axis in range(values.ndim):
            first = values.take([0], axis) if values.shape[axis] > 1 else values
            values = first if (first == values).all() else values
        return values.reshape(()) if values.size == 1 else values

    def weight(self, value: Any, axis: int) -> str:
        """Weights with one filter along `axis`: behind a quantizer that leaves them as they are, where there is one."""
        values = self.known(value)
        found = codes_of(values, axis) if values.ndim > 1 else None
        if found is None:
            return self.constant(values)
        codes, scales = found
        bits, signed, narrow = width_of(codes)
        zero, width = np.zeros((), values.dtype), np.array(bits, values.dtype)
        operands = tuple(self.constant(operand) for operand in (values, scales.astype(values.dtype), zero, width))
        stated: dict[str, Attribute] = {"signed": int(signed), "narrow": int(narrow), "rounding_mode": "ROUND"}
        return self._add(QONNX, "Quant", 1, operands, stated)[0]

    # -- calls

    def call(self, op: str, *inputs: str, **attributes: Attribute) -> str:
        """One more call with one result."""
        return self._add(STANDARD, op, 1, inputs, attributes)[0]

    def split(self, op: str, count: int, *inputs: str, **attributes: Attribute) -> tuple[str, ...]:
        """One more call with so many results."""
        return self._add(STANDARD, op, count, inputs, attributes)

    def _add(
        self, domain: str, op: str, count: int, inputs: tuple[str, ...], attributes: Mapping[str, Attribute]
    ) -> tuple[str, ...]:
        outputs = tuple(f"{self.node.name}.{len(self.calls)}.{index}" for index in range(count))
        self.calls.append(Call(place(self.node), op, domain, OWN, inputs, outputs, attributes))
        return outputs

    def foreign(self, what: str) -> str:
        """A call that has no meaning, so that the conversion names it beside all others."""
        sources = [source for source in self.node.all_input_nodes if not self.is_known(source)]
        roots = [self.spread[source][0] if source in self.spread else source for source in sources]
        names = [name for root in roots for name in _each(self.names.get(root, ""))]
        output = f"{self.node.name}.{len(self.calls)}"
        self.calls.append(Call(place(self.node), what, "torch", OWN, tuple(names), (output,)))
        return output


def _each(names: Names) -> Sequence[str]:
    return [name for name in (names if isinstance(names, tuple) else (names,)) if name]


def place(node: fx.Node) -> str:
    """A node's name behind that of the module it stands in."""
    stack: Mapping[str, tuple[str, Any]] = node.meta.get("nn_module_stack") or {}
    path = list(stack.values())[-1][0] if stack else ""
    return f"{path}.{node.name}" if path else str(node.name)


def type_of(what: Tensor | torch.dtype) -> tuple[np.dtype, int]:
    """numpy's type, and TensorProto's number. Raises UnsupportedError for types that only torch has."""
    dtype = what.dtype if isinstance(what, Tensor) else what
    if dtype not in TYPES:
        raise UnsupportedError(f"numbers of type {str(dtype).removeprefix('torch.')}")
    return TYPES[dtype]
