"""`Conversion`: one model on its way to a graph. Rules read values by name and write nodes; chains wait for a reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from neurobin.errors import FormatError, UnsupportedError
from neurobin.frontend.limits import Limits, Spent
from neurobin.frontend.onnx.convert.values import Chain, Fixed, Flow, Step, Value
from neurobin.frontend.onnx.kinds import bounds
from neurobin.frontend.onnx.model import Call
from neurobin.ir import FLOAT64, Builder, Constant, Node, Op
from neurobin.ops.affine import Affine


@dataclass
class Conversion:
    """The graph so far, and what every tensor of the model has become.

    `realise` writes chains: see `chains`, and `exact` where all is whole numbers (`integers`).
    """

    builder: Builder
    limits: Limits
    realise: Callable[[Conversion, Chain], Flow]
    integers: bool = False
    values: dict[str, Value] = field(default_factory=dict)
    written: dict[str, Flow] = field(default_factory=dict)  # chains, and real parts of them, by the tensor they end in
    centred: dict[tuple[str, int], Flow] = field(default_factory=dict)  # tensors of codes less their zero point
    made: dict[str, Node] = field(default_factory=dict)  # the graph's nodes by name
    spent: Spent = field(default_factory=lambda: Spent(work=0))  # on constants, and on finding thresholds

    def flow(self, name: str) -> Flow:
        """A tensor of the graph for a tensor of the model; a chain is written now, once."""
        value = self.values[name]
        if isinstance(value, Chain):
            if name not in self.written:
                self.written[name] = self.realise(self, value)
            return self.written[name]
        if isinstance(value, Fixed):
            raise UnsupportedError(f"a constant ({name!r}) where a computed tensor is expected")
        return value

    def fixed(self, call: Call, index: int) -> Fixed | None:
        """A constant operand, None where it is left out. Raises UnsupportedError when it is computed from the image."""
        name = call.inputs[index] if index < len(call.inputs) else ""
        if not name:
            return None
        value = self.values[name]
        if not isinstance(value, Fixed):
            raise UnsupportedError(f"input {index} is computed from the image, expected a constant", where=call.where)
        return value

    def parameter(self, call: Call, index: int) -> np.ndarray:
        """A constant operand that must be there, its values. Raises FormatError where it is left out."""
        fixed = self.fixed(call, index)
        if fixed is None:
            raise call.refuse(f"input {index} is missing")
        return fixed.values

    def add(self, op: Op, source: Flow, *others: str, order: Sequence[int] | None = None) -> Flow:
        """Append `op` on a flow; the result is seen in the same order of axes unless another is given.

        Whole numbers that a real type of the file rounds are real in the graph. Raises UnsupportedError where all shall be
        whole numbers and this is not, or leaves those that the file's type holds.
        """
        name = self.builder.add(op, source.name, *others)
        self.made[name] = self.builder.nodes[-1]
        sizes, dtype = self.builder.types[name].shape, self.builder.types[name].dtype
        if self.integers:
            if dtype.is_float:
                raise UnsupportedError(f"{op.name} of whole numbers is real")
            check_exact(source.kind, dtype.low, dtype.high)
        self.limits.check("map_elements", prod(sizes), f"the number of elements in shape {list(sizes)}", f"node {name!r}")
        flow = Flow(name, tuple(source.order if order is None else order), sizes, source.batch, source.kind)
        rounds = source.kind.kind == "f" and not dtype.is_float and not _holds(source.kind, dtype.low, dtype.high)
        return self.add(Affine(), flow) if rounds else flow

    def count(self, call: Call, products: int) -> None:
        """Counts what a layer multiplies or compares for one image. Raises FormatError where the network takes too many."""
        self.spent.products += products
        self.limits.check(
            "products", self.spent.products, "the number of products and comparisons for one image", call.where
        )

    def extend(self, name: str, step: Step) -> Chain:
        """The chain of tensor `name` with one more step.

        A quantizer that was written already is built on. Real steps stay in the chain even so: their nodes are found again
        when it is written, and a staircase behind them may need to begin before them.
        """
        value = self.values[name]
        if isinstance(value, Chain) and name in self.written and any(known.rounds for known in value.steps):
            value = self.written[name]
        if isinstance(value, Fixed):
            raise FormatError(f"{name!r} is a constant")
        if isinstance(value, Flow):
            return Chain(value, (step,))
        count = len(value.steps) + 1
        self.limits.check("chain", count, "the number of operators on single elements in a row", step.call.where)
        return Chain(value.flow, (*value.steps, step))


def check_exact(kind: np.dtype, low: int, high: int, where: str = "") -> None:
    """Raises UnsupportedError unless a type of the file holds every whole number from `low` to `high`."""
    if not _holds(kind, low, high):
        raise UnsupportedError(f"numbers from {low} to {high}, beyond the whole ones of {kind.name}", where=where)


def _holds(kind: np.dtype, low: int, high: int) -> bool:
    if kind.kind == "f":
        return max(-low, high) <= 2 ** (np.finfo(kind).nmant + 1)
    least, most = bounds(kind)
    return least <= low and high <= most


def real(values: np.ndarray) -> Constant:
    """Numbers [n] as a float64 constant."""
    return Constant(FLOAT64, np.atleast_1d(values).astype(np.float64))


def alike(values: np.ndarray) -> np.ndarray:
    """One value where all of [n] are equal."""
    return values[:1] if (values == values[0]).all() else values


def tidy(name: str) -> str:
    """A name from a file as a name in a graph: letters, digits and a few marks, not longer than a line."""
    kept = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "_./:-") else "_" for letter in name[:80])
    return kept or "_"
