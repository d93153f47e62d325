"""What an operator's function gets besides its arrays: its call, and the limits on what it may make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from neurobin.frontend.limits import Limits, Spent
from neurobin.frontend.onnx.model import Call

Result = np.ndarray | tuple[np.ndarray, ...]
Operator = Callable[..., Result]  # (frame, *arrays); an omitted optional input is None
BEGIN = 2**10  # elements in the time that numpy takes to begin on another array
SLOW = 8  # elements in the time of one power, logarithm of a sum, or step of a sort


@dataclass(frozen=True)
class Frame:
    """One execution of one call."""

    call: Call
    limits: Limits
    spent: Spent = field(default_factory=Spent)

    def room(self, shape: Sequence[int], kind: Any) -> tuple[int, ...]:
        """The shape, if a tensor of it may be made beside all that are held. Raises FormatError otherwise."""
        where = self.call.where
        needed, count = self.limits.check_tensor(shape, np.dtype(kind), where), prod(shape)
        held = self.spent.held + needed
        self.limits.check("total_bytes", held, f"with {needed} bytes more, the size of all tensors", where)
        if self.spent.work is not None:
            self.limits.check("constant_elements", count, f"the number of elements in shape {list(shape)}", where)
        self.work(count)
        return tuple(int(size) for size in shape)

    def work(self, elements: int) -> None:
        """Counts elements that are about to be computed, or take as long. Raises FormatError where they are too many."""
        if self.spent.work is not None:
            self.spent.work += elements
            self.limits.check("work", self.spent.work, "the number of elements computed at import", self.call.where)

    def products(self, count: int, kind: Any) -> None:
        """Counts products that are summed: eight take as long as an element, of whole numbers one."""
        self.work(count // 8 if np.dtype(kind).kind == "f" else count)

    def broadcast(self, *arrays: np.ndarray) -> tuple[int, ...]:
        """The shape the arrays have together. Raises FormatError when they have none or it is too large."""
        try:
            shape = np.broadcast_shapes(*(array.shape for array in arrays))
        except ValueError:
            shapes = " and ".join(str(list(array.shape)) for array in arrays)
            raise self.call.refuse(f"shapes {shapes} do not broadcast") from None
        return self.room(shape, np.result_type(*arrays))

    def axis(self, axis: int, rank: int) -> int:
        """An axis counted from 0. Raises FormatError when there is no such axis."""
        if not -rank <= axis < rank:
            raise self.call.refuse(f"axis {axis} of a tensor with {rank} axes")
        return int(axis) % rank

    def axes(self, axes: Sequence[int], rank: int) -> tuple[int, ...]:
        """Distinct axes counted from 0, in the order given."""
        found = tuple(self.axis(int(axis), rank) for axis in axes)
        if len(set(found)) < len(found):
            raise self.call.refuse(f"axes {list(axes)} name one axis twice")
        return found

    def whole(self, values: np.ndarray, what: str) -> tuple[int, ...]:
        """A list of whole numbers that came as a tensor."""
        if values.dtype.kind not in "iu" or values.ndim > 1:
            raise self.call.refuse(f"{what} is {values.dtype}{list(values.shape)}, expected a list of whole numbers")
        self.limits.check("list_length", values.size, f"the length of {what}", self.call.where)
        return tuple(int(value) for value in values.reshape(-1))

    def wide(self, values: np.ndarray) -> np.ndarray:
        """float16 as float32, everything else as it is: in what sums are computed."""
        return values.astype(np.float32) if values.dtype == np.float16 else values
