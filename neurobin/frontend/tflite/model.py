"""A TensorFlow Lite model as it stands in its file, checked and free of flatbuffers: operators on numbered tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from neurobin.errors import FormatError
from neurobin.ir.container import short
from neurobin.ir.text import shown


@dataclass(frozen=True)
class Quantization:
    """real = scale * (stored - zero_point), one of each or one per index of `axis`."""

    scale: np.ndarray  # float64 [n], above 0
    zero_point: np.ndarray  # int64 [n]
    axis: int = 0

    @property
    def single(self) -> tuple[float, int] | None:
        """(scale, zero point) of the whole tensor, None where they vary."""
        return (float(self.scale[0]), int(self.zero_point[0])) if len(self.scale) == 1 else None


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of the file; `data` in its shape and type when it is a constant (a read-only view of the file)."""

    index: int
    name: str
    kind: np.dtype
    shape: tuple[int, ...]
    quantization: Quantization | None = None
    data: np.ndarray | None = None

    @property
    def where(self) -> str:
        """What an error says of its place."""
        return f"tensor {self.index} {short(self.name)}"

    def refuse(self, what: str) -> FormatError:
        """An error at this tensor, to be raised."""
        return FormatError(what, where=self.where)


@dataclass(frozen=True)
class Operator:
    """One operator: tensors by index (-1 where one is left out), options with defaults filled in. `op` is its name."""

    index: int
    op: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, int | float] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """What an error says of its place."""
        return f"operator {self.index} ({shown(self.op[:80])})"

    def refuse(self, what: str) -> FormatError:
        """An error at this operator, to be raised."""
        return FormatError(what, where=self.where)

    def integer(self, name: str) -> int:
        """A whole-number option."""
        return int(self.options[name])

    def positive(self, name: str) -> int:
        """A whole-number option of at least 1. Raises FormatError for others."""
        value = self.integer(name)
        if value < 1:
            raise self.refuse(f"{name} is {value}, expected at least 1")
        return value

    def flag(self, name: str) -> bool:
        """0 or 1. Raises FormatError for others."""
        value = self.integer(name)
        if value not in (0, 1):
            raise self.refuse(f"{name} is {value}, expected 0 or 1")
        return bool(value)

    def input(self, index: int) -> int:
        """The number of an operand, -1 where it is left out."""
        return self.inputs[index] if index < len(self.inputs) else -1


@dataclass(frozen=True)
class Model:
    """Operators in an order in which every tensor is computed before it is read."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
