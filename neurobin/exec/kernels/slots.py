"""What a kernel reads from its argument slots, and what the plan must put there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np

from neurobin.exec.kernels.emit import I64, PTR, Value


class Room(Protocol):
    """The memory of a plan: the address of what a slot stands for."""

    def cell(self, tensor: str) -> int:
        """Of the cell that holds the address of a tensor."""

    def constant(self, array: np.ndarray) -> int: ...

    def code(self, text: str) -> int: ...

    def filled(self, slots: Slots) -> int:
        """Of slots with their contents."""

    def scratch(self, size: int) -> int:
        """Of so many bytes for each thread."""


class Filling:
    """What a slot holds: by default an address. `once`: a kernel that asks for it twice gets the same slot."""

    once: ClassVar[bool] = False

    def content(self, room: Room) -> int:
        raise NotImplementedError

    def load(self, place: Value) -> Value:
        """What a kernel makes of the slot at `place`."""
        return place.load(PTR, 8)

    def constants(self) -> Iterator[np.ndarray]:
        """The arrays that lie behind it."""
        yield from ()


@dataclass(frozen=True)
class Number(Filling):
    """An i64."""

    value: int

    def content(self, room: Room) -> int:
        return self.value

    def load(self, place: Value) -> Value:
        return place.load(I64, 8)


@dataclass(frozen=True, eq=False)
class Constant(Filling):
    """An array, which lies at a cache line."""

    array: np.ndarray

    def content(self, room: Room) -> int:
        return room.constant(self.array)

    def constants(self) -> Iterator[np.ndarray]:
        yield self.array


@dataclass(frozen=True)
class Tensor(Filling):
    """A tensor of the plan, by name: its slot holds the address of the cell that holds the tensor's address."""

    name: str
    once: ClassVar[bool] = True

    def content(self, room: Room) -> int:
        return room.cell(self.name)

    def load(self, place: Value) -> Value:
        return place.load(PTR, 8).load(PTR, 8)


@dataclass(frozen=True)
class Code(Filling):
    """Another kernel, by its text: its slot holds the address of its code."""

    text: str

    def content(self, room: Room) -> int:
        return room.code(self.text)


@dataclass(frozen=True, eq=False)
class Arguments(Filling):
    """The arguments of another kernel: the slot holds their address."""

    slots: Slots

    def content(self, room: Room) -> int:
        return room.filled(self.slots)

    def constants(self) -> Iterator[np.ndarray]:
        yield from self.slots.constants()


@dataclass(frozen=True)
class Scratch(Filling):
    """Memory of this step, so many bytes for each thread."""

    size: int

    def content(self, room: Room) -> int:
        return room.scratch(self.size)


@dataclass
class Slots:
    """The slots of one kernel call in order."""

    fillings: list[Filling] = field(default_factory=list)

    def load(self, arguments: Value, filling: Filling) -> Value:
        """What a slot holds: a new one, or that of a filling that is asked for once."""
        if not (filling.once and filling in self.fillings):
            self.fillings.append(filling)
            return filling.load(arguments.at(8 * (len(self.fillings) - 1)))
        return filling.load(arguments.at(8 * self.fillings.index(filling)))

    def number(self, arguments: Value, number: int) -> Value:
        return self.load(arguments, Number(int(number)))

    def constant(self, arguments: Value, array: np.ndarray) -> Value:
        return self.load(arguments, Constant(array))

    def constants(self) -> Iterator[np.ndarray]:
        """The arrays that a kernel and those it calls read."""
        for filling in self.fillings:
            yield from filling.constants()
