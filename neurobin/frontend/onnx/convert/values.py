"""What a tensor of the model is while its graph is being written.

Fixed   a constant; `codes` when a quantizer made it, so that its integers are known and not guessed
Flow    a tensor of the graph: `order` names, for each axis of the ONNX tensor, the graph tensor's axis (BATCH for none)
Chain   a flow behind operators on single elements that are not written yet: together they may be one quantizer
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.model import Call
from neurobin.ir import DType

BATCH = -1
MAP = (BATCH, 2, 0, 1)  # [N, C, H, W] of a graph's [H, W, C]
LAST = (BATCH, 0, 1, 2)
FLOAT = np.dtype(np.float32)
# Operators whose results are few, so that thresholds can stand for them.
ROUNDING = frozenset(
    {"Sign", "Round", "Floor", "Ceil", "Cast", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Where", "Not",
     "QuantizeLinear", "Quant", "IntQuant", "BipolarQuant", "Trunc", "MultiThreshold"}
)  # fmt: skip
REAL_TYPES = {1, 10, 11}  # of TensorProto: float32, float16, float64


@dataclass(frozen=True)
class Codes:
    """Whole numbers of `dtype` in the shape of the tensor, each worth `scale` (broadcasts to it)."""

    values: np.ndarray
    scale: np.ndarray
    dtype: DType


@dataclass(frozen=True)
class Fixed:
    """A constant in the shape of the model."""

    values: np.ndarray
    codes: Codes | None = None

    def map(self, view: object) -> Fixed:
        """The constant after a function that only moves elements, its codes likewise."""
        assert callable(view)
        if self.codes is None:
            return Fixed(view(self.values))
        scale = np.broadcast_to(self.codes.scale, self.values.shape)
        return Fixed(view(self.values), replace(self.codes, values=view(self.codes.values), scale=view(scale)))


@dataclass(frozen=True)
class Flow:
    """The graph's tensor `name` [sizes], seen as ONNX sees it: [batch, ...] in another order of axes, of type `kind`."""

    name: str
    order: tuple[int, ...]
    sizes: tuple[int, ...]
    batch: int = 1
    kind: np.dtype = FLOAT

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape ONNX states."""
        return tuple(self.batch if axis == BATCH else self.sizes[axis] for axis in self.order)

    @property
    def channel_axis(self) -> int:
        """Which ONNX axis holds the graph's channels, its last axis."""
        return self.order.index(len(self.sizes) - 1)

    @property
    def channels(self) -> int:
        return self.sizes[-1]

    @property
    def is_map(self) -> bool:
        """True for [N, C, H, W] and [N, H, W, C]: a map with one axis for examples."""
        return len(self.sizes) == 3 and len(self.order) == 4 and self.order[0] == BATCH

    def as_map(self, call: Call, first: bool = True) -> Flow:
        """Self, when the channels stand where the operator expects them: on axis 1, or last. Raises UnsupportedError."""
        if self.order != (MAP if first else LAST):
            raise UnsupportedError(
                f"a tensor of shape {list(self.shape)} where a map of images is expected", where=call.where
            )
        return self


@dataclass(frozen=True)
class Step:
    """One operator on single elements. `place` is the operand that is the flow; None are it and what is left out.

    With `branches`, None are what each of them makes of the flow, in order (see `forks`).
    """

    call: Call
    place: int
    operands: tuple[np.ndarray | None, ...]
    branches: tuple[tuple[Step, ...], ...] = ()

    @property
    def constants(self) -> list[np.ndarray]:
        """The operands that are there, without the flow."""
        return [operand for operand in self.operands if operand is not None]

    @cached_property
    def size(self) -> int:
        """How many steps it is, with those of its branches."""
        return 1 + sum(step.size for branch in self.branches for step in branch)

    @cached_property
    def depth(self) -> int:
        """How many forks lie within each other, itself included."""
        return 1 + max((step.depth for branch in self.branches for step in branch), default=0) if self.branches else 0

    @property
    def rounds(self) -> bool:
        """True for a step with few results; a cast to real numbers is none."""
        return bool(self.branches) or (self.call.op in ROUNDING and not self.keeps_reals)

    @property
    def keeps_reals(self) -> bool:
        """True for a cast to a real type."""
        return self.call.op == "Cast" and self.call.integer("to") in REAL_TYPES


@dataclass(frozen=True)
class Chain:
    """Operators in order, to be applied to a flow."""

    flow: Flow
    steps: tuple[Step, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape ONNX states; operators on single elements keep it."""
        return self.flow.shape


Value = Fixed | Flow | Chain


def per_channel(values: np.ndarray, flow: Flow, where: str) -> np.ndarray:
    """float64 [C] or [1] of a constant that broadcasts to a flow. Raises UnsupportedError where it varies over places."""
    return by_channel(values, flow, where).astype(np.float64)


def by_channel(values: np.ndarray, flow: Flow, where: str) -> np.ndarray:
    """The same in the constant's own type."""
    if values.size == 1 and values.ndim <= len(flow.order):
        return values.reshape(1)
    shape = (1,) * (len(flow.order) - values.ndim) + values.shape
    wanted = [1] * len(flow.order)
    wanted[flow.channel_axis] = flow.channels
    if len(shape) != len(wanted) or any(size not in (1, most) for size, most in zip(shape, wanted, strict=True)):
        raise UnsupportedError(
            f"a constant of shape {list(values.shape)} for a tensor of shape {list(flow.shape)}", where=where
        )
    return values.reshape(-1)


def by_place(values: np.ndarray, flow: Flow) -> np.ndarray | None:
    """[H, W] of a constant that varies over the places of a map and is the same in all channels; None for any other."""
    rank = len(flow.order)
    if not flow.is_map or values.ndim > rank:
        return None
    shape = (1,) * (rank - values.ndim) + values.shape
    places = [flow.order.index(0), flow.order.index(1)]
    if any(size != 1 for axis, size in enumerate(shape) if axis not in places) or max(shape) == 1:
        return None
    if any(shape[axis] not in (1, flow.sizes[k]) for k, axis in enumerate(places)):
        return None
    found = values.reshape([shape[axis] for axis in places])
    return np.broadcast_to(found, flow.sizes[:2])
