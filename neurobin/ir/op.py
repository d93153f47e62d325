"""`Op`: one operation with its attributes and parameters, and the four things every op knows about itself.

An op is a frozen dataclass in a file of its own, `neurobin/ops/<name>.py`, whose class is the file name in CamelCase.
Its fields are numbers, strings, booleans, tuples of numbers, element types and `Constant`s, nothing else: the file
format, the text form and the command line are derived from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from neurobin.errors import GraphError
from neurobin.ir.bits import IntTensor, Packed, pack
from neurobin.ir.dtype import DType
from neurobin.ir.types import Constant, TensorType
from neurobin.ir.work import Work, WorkKey

MAX_PACKED_BITS = 4  # wider integers travel as plain arrays between ops of the packed engine


@dataclass(frozen=True)
class Op:
    """Base of all ops. A subclass defines `infer` and `reference`; it overrides `packed`, `native` and `work` where it can
    do better.

    The catch-all signatures let a subclass name its operands; nothing is ever passed by keyword. `elementwise` ops work
    on one element at a time (so hardware may fuse them behind a convolution); `view` ops move no data; `linear` ops sum
    products of their input with a stored `weight` [O, ...].
    """

    elementwise: ClassVar[bool] = False
    view: ClassVar[bool] = False
    linear: ClassVar[bool] = False

    def infer(self, *inputs: Any, **_: Any) -> TensorType:
        """Type of the result. Raises GraphError when the inputs do not fit the attributes."""
        raise GraphError(f"{type(self).__name__} does not define infer")

    def reference(self, *inputs: Any, **_: Any) -> np.ndarray:
        """The meaning. Arrays [N, *shape]: int64 for integer types, float64 for real ones."""
        raise GraphError(f"{type(self).__name__} does not define reference")

    def packed(self, *inputs: Any, **_: Any) -> Packed:
        """The same integers from packed operands. This default computes on narrow integers with the reference's rule."""
        values = self.reference(*(operand.values().astype(np.int64) for operand in inputs))
        types = [TensorType(tuple(operand.shape[1:]), operand.dtype) for operand in inputs]
        return to_packed(values, self.infer(*types).dtype)

    def native(self, *inputs: Any, **_: Any) -> Any:
        """What the packed engine compiles for operands of these types: a request of `exec.kernels`. None calls `packed`."""
        return None

    def work(self, *inputs: Any, **_: Any) -> Work:
        """Operations and bits moved for one inference. This default is one `move` per result element."""
        result = self.infer(*inputs)
        return tally("move", result.size, inputs, result, self.constants())

    def constants(self) -> dict[str, Constant]:
        """The op's parameters by field name."""
        return {f.name: value for f in fields(self) if isinstance(value := getattr(self, f.name), Constant)}

    @property
    def name(self) -> str:
        """The op's name in files and text: its module's file name."""
        return type(self).__module__.rpartition(".")[2]


def to_packed(values: np.ndarray, dtype: DType) -> Packed:
    """The form in which the packed engine passes a tensor of this type: planes when narrow, an array otherwise."""
    if dtype.bits <= MAX_PACKED_BITS:
        return pack(values, dtype)
    return IntTensor(values.astype(dtype.numpy, copy=False), dtype)


def tally(
    kind: str,
    count: int,
    inputs: Sequence[TensorType],
    result: TensorType,
    constants: dict[str, Constant] | None = None,
    weight: DType | None = None,
) -> Work:
    """Work of `count` operations of one kind, with every operand read once and the result written once."""
    return Work(
        {WorkKey(kind, inputs[0].dtype, weight): count},
        bits_read=sum(t.bits for t in inputs),
        bits_written=result.bits,
        bits_weights=sum(c.bits for c in (constants or {}).values()),
    )


def per_channel(constant: Constant, channels: int, what: str) -> np.ndarray:
    """The constant as [channels] or [1] array. Raises GraphError when its length is neither."""
    if constant.values.ndim != 1 or constant.shape[0] not in (1, channels):
        raise GraphError(f"{what} has shape {constant.shape}, expected one value or {channels} (one per channel)")
    return constant.values
