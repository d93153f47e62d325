"""Which numbers set the bit of a plane: each rule for integers of numpy, and for lanes that hold values of the type."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Protocol

import numpy as np

from neurobin.exec.kernels.emit import Value, element_bits


class Rule(Protocol):
    def bits(self, values: np.ndarray) -> np.ndarray:
        """bool, the shape of `values`."""

    def lanes(self, values: Value) -> Value:
        """i1 lanes."""


@dataclass(frozen=True)
class Positive:
    def bits(self, values: np.ndarray) -> np.ndarray:
        return values > 0

    def lanes(self, values: Value) -> Value:
        return values.compare("sgt", 0)


@dataclass(frozen=True)
class Negative:
    def bits(self, values: np.ndarray) -> np.ndarray:
        return values < 0

    def lanes(self, values: Value) -> Value:
        return values.compare("slt", 0)


@dataclass(frozen=True)
class CodeBit:
    """Bit `number` of the code (value + offset) >> down."""

    number: int
    offset: int = 0
    down: int = 0

    def bits(self, values: np.ndarray) -> np.ndarray:
        return (((values.astype(np.int64) + self.offset) >> self.down) >> self.number) & 1 == 1

    def lanes(self, values: Value) -> Value:
        if self.offset:
            values = values.resized(max(16, element_bits(values.kind)))  # room for the offset
            values = (values + self.offset) >> self.down
        return (values & (1 << self.number)).compare("ne", 0)


@dataclass(frozen=True)
class Member:
    """One of some values."""

    values: tuple[int, ...]

    def bits(self, values: np.ndarray) -> np.ndarray:
        return np.isin(values, self.values)

    def lanes(self, values: Value) -> Value:
        return reduce(Value.__or__, (values.compare("eq", value) for value in self.values))
