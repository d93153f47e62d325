"""What a kernel reads from its argument slots, and what the plan must put there."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from neurobin.exec.kernels.emit import I64, PTR, Value


@dataclass(frozen=True)
class Tensor:
    """A tensor of the plan, by name: its slot holds the address of the cell that holds the tensor's address."""

    name: str


@dataclass(frozen=True)
class Code:
    """Another kernel, by its text: its slot holds the address of its code."""

    text: str


@dataclass(frozen=True, eq=False)
class Arguments:
    """The arguments of another kernel: the slot holds their address."""

    slots: Slots


@dataclass(frozen=True)
class Scratch:
    """Memory of this step, so many bytes for each thread."""

    size: int


Filling = int | np.ndarray | Tensor | Code | Arguments | Scratch


@dataclass
class Slots:
    """The slots of one kernel call in order. Asking twice for a tensor gives the same slot."""

    fillings: list[Filling] = field(default_factory=list)

    def index(self, filling: Filling) -> int:
        """The slot of `filling`, a new one where it has none."""
        if isinstance(filling, Tensor):
            for k, known in enumerate(self.fillings):
                if isinstance(known, Tensor) and known == filling:
                    return k
        self.fillings.append(filling)
        return len(self.fillings) - 1

    @property
    def largest(self) -> int:
        """Bytes of the largest constant, those of arguments of other kernels included."""
        arrays = (filling.nbytes for filling in self.fillings if isinstance(filling, np.ndarray))
        deeper = (filling.slots.largest for filling in self.fillings if isinstance(filling, Arguments))
        return max((*arrays, *deeper), default=0)

    def load(self, arguments: Value, filling: Filling) -> Value:
        """The content of a slot: an i64 for a number, else a pointer (for a tensor, its address)."""
        place = arguments.at(8 * self.index(filling))
        if isinstance(filling, int):
            return place.load(I64, 8)
        pointer = place.load(PTR, 8)
        return pointer.load(PTR, 8) if isinstance(filling, Tensor) else pointer
