"""Whole numbers on their way: y = floor((x multiplier + bias) / 2^shift) of a tensor x of the graph, and its ops.

The multiplier, bias and shift are those of `requantise`. Behind a sum or a product they may be part of that op instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.conversion import Conversion
from neurobin.frontend.onnx.convert.values import Flow
from neurobin.ir import BINARY, DType, Node, Op, int_for
from neurobin.ir.dtype import i
from neurobin.ops.abs import Abs
from neurobin.ops.add import Add
from neurobin.ops.logic import Logic
from neurobin.ops.multiply import Multiply
from neurobin.ops.requantise import Requantise
from neurobin.passes.fixed_point import integers

_WORD = 2**63
NEGATIVE = Requantise(integers(np.array([-1])), integers(np.array([0])), 0, i(1))  # -b of a bit b


def numbers(*values: int) -> np.ndarray:
    """Python's integers [n], which no sum overflows."""
    return np.array(values, dtype=object)


def whole(values: np.ndarray) -> np.ndarray:
    """Numbers [n] as Python's integers. Raises UnsupportedError where one is no whole number."""
    if values.dtype.kind == "f" and not (np.isfinite(values) & (values == np.rint(values))).all():
        raise UnsupportedError("a constant that is no whole number")
    return numbers(*(int(value) for value in values.tolist()))


def narrowed(values: np.ndarray) -> np.ndarray:
    """Python's integers as int64. Raises UnsupportedError where one needs more."""
    if max(map(abs, values.flat)) >= _WORD:
        raise UnsupportedError("whole numbers beyond 64 bits")
    return values.astype(np.int64)


@dataclass(frozen=True, eq=False)
class Line:
    """floor((x multiplier + bias) / 2^shift) of a flow x; multiplier and bias are Python's integers, [C] or [1]."""

    flow: Flow
    multiplier: np.ndarray = field(default_factory=lambda: numbers(1))
    bias: np.ndarray = field(default_factory=lambda: numbers(0))
    shift: int = 0

    @property
    def is_shift(self) -> bool:
        """floor((x + b) / 2^shift) with the same b for all channels."""
        return bool((self.multiplier == 1).all() and (self.bias == self.bias[0]).all())

    @property
    def is_identity(self) -> bool:
        return self.is_shift and self.bias[0] == 0 and self.shift == 0

    @property
    def half(self) -> int:
        """What rounds to the nearest whole number when it is added before the shift."""
        return (1 << self.shift) >> 1

    def ends(self, c: Conversion) -> tuple[int, int]:
        """The smallest and the largest result."""
        dtype = c.builder.types[self.flow.name].dtype
        values = [(self.multiplier * end + self.bias) >> self.shift for end in (dtype.low, dtype.high)]
        return min(int(value.min()) for value in values), max(int(value.max()) for value in values)

    def plus(self, constant: np.ndarray) -> Line:
        """floor(z / 2^s) + c = floor((z + 2^s c) / 2^s)"""
        return replace(self, bias=self.bias + constant * (1 << self.shift))

    def same_as(self, other: Line) -> bool:
        """True when both are the same numbers, read off the same tensor in the same way."""
        equal = np.array_equal(self.multiplier, other.multiplier) and np.array_equal(self.bias, other.bias)
        return equal and (self.flow, self.shift) == (other.flow, other.shift)


def times(c: Conversion, line: Line, factor: np.ndarray) -> Line:
    """The line times a constant; no factor goes through a shift, which is written before it."""
    if line.shift:
        line = Line(written(c, line))
    bias = line.bias * factor if line.bias.any() else line.bias
    return replace(line, multiplier=line.multiplier * factor, bias=bias)


def written(c: Conversion, line: Line, dtype: DType | None = None) -> Flow:
    """The line as an op, clipped to a type where one is given. Raises UnsupportedError for numbers beyond 64 bits."""
    if dtype is None and line.is_identity:
        return line.flow
    source = c.made.get(line.flow.name)
    joined = None if source is None else _joined(c, source, line, dtype)
    if joined is not None:
        op, operands = joined
        return c.add(op, replace(line.flow, name=operands[0]), *operands[1:])
    factor, offset = (integers(narrowed(part)) for part in (line.multiplier, line.bias - line.half))
    return c.add(Requantise(factor, offset, line.shift, dtype or int_for(*line.ends(c))), line.flow)


def _joined(c: Conversion, source: Node, line: Line, dtype: DType | None) -> tuple[Op, tuple[str, ...]] | None:
    """The op, with its operands, that does what `source`, a line and a clip do one after the other; None without one.

    A sum saturates; a product is shifted and saturates; 1 - |a - b| of two bits says whether they agree.
    """
    if isinstance(source.op, Add) and source.op.dtype is None and line.is_identity:
        return Add(dtype), source.inputs
    bare = isinstance(source.op, Multiply) and source.op.shift == 0 and source.op.dtype is None
    if bare and line.is_shift and line.bias[0] == line.half:
        return Multiply(line.shift, dtype), source.inputs
    turned = line.shift == 0 and (line.multiplier == -1).all() and (line.bias == 1).all()
    if turned and dtype is None and isinstance(source.op, Abs):
        bits = _difference(c, source.inputs[0])
        return None if bits is None else (Logic("xnor"), bits)
    return None


def _difference(c: Conversion, name: str) -> tuple[str, str] | None:
    """(a, b) where a tensor is a + (-1) b of two of bits 0 and 1."""
    total = c.made.get(name)
    turned = c.made.get(total.inputs[1]) if total is not None and isinstance(total.op, Add) else None
    if total is None or turned is None or turned.op != NEGATIVE:
        return None
    pair = (total.inputs[0], turned.inputs[0])
    return pair if all(c.builder.types[bit].dtype == BINARY for bit in pair) else None
