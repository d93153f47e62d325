"""`Conversion`: one model on its way to a graph. Rules read values by name and write nodes; chains wait for a reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from neurobin.errors import FormatError, UnsupportedError
from neurobin.frontend.limits import Limits
from neurobin.frontend.onnx.convert.values import Chain, Fixed, Flow, Step, Value
from neurobin.frontend.onnx.model import Call
from neurobin.ir import FLOAT64, Builder, Constant, Op


@dataclass
class Conversion:
    """The graph so far, and what every tensor of the model has become. `realise` writes chains: see `chains`."""

    builder: Builder
    limits: Limits
    realise: Callable[[Conversion, Chain], Flow]
    values: dict[str, Value] = field(default_factory=dict)
    written: dict[str, Flow] = field(default_factory=dict)  # chains, and real parts of them, by the tensor they end in

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
        """Append `op` on a flow; the result is seen in the same order of axes unless another is given."""
        name = self.builder.add(op, source.name, *others)
        sizes = self.builder.types[name].shape
        return Flow(name, tuple(source.order if order is None else order), sizes, source.batch, source.kind)

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
        return Chain(value.flow, (*value.steps, step)) if isinstance(value, Chain) else Chain(value, (step,))


def real(values: np.ndarray) -> Constant:
    """Numbers [n] as a float64 constant."""
    return Constant(FLOAT64, np.atleast_1d(values).astype(np.float64))


def tidy(name: str) -> str:
    """A name from a file as a name in a graph: letters, digits and a few marks, not longer than a line."""
    kept = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "_./:-") else "_" for letter in name[:80])
    return kept or "_"
