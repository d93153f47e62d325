"""An ONNX model as it stands in its file, checked and free of protobuf: calls of operators on named tensors.

This is the file's own meaning: batch axis, channels first, float32, and whatever operators the standard has. `evaluate`
computes it as the standard says; `convert` turns what it can into a `Graph`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np

from neurobin.errors import FormatError
from neurobin.ir.container import short

T = TypeVar("T", int, float, str)
LONGEST = 400  # letters of one complaint: lists from files may be long


def cut(text: str, length: int) -> str:
    """The text, without its end where it is longer than that."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


@dataclass(frozen=True)
class Opaque:
    """An attribute value that is neither number, text nor tensor (a subgraph, say): kept so that it can be named."""

    kind: str


Attribute = int | float | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...] | np.ndarray | Opaque


@dataclass(frozen=True)
class Call:
    """One node: an operator of a domain at a version, its attributes with defaults filled in, and its tensors by name.

    An omitted optional tensor is "". `name` is unique in the model and made for messages.
    """

    name: str
    op: str
    domain: str
    version: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    @cached_property
    def where(self) -> str:
        """What an error says of its place."""
        return f"node {short(self.name)} ({cut(self.op, 40)})"

    def refuse(self, what: str) -> FormatError:
        """An error at this node, to be raised."""
        return FormatError(cut(what, LONGEST), where=self.where)

    def integer(self, name: str) -> int:
        """A whole-number attribute. Raises FormatError when it is missing, like all of these."""
        return self._get(name, int)

    def real(self, name: str) -> float:
        return self._get(name, float)

    def text(self, name: str) -> str:
        return self._get(name, str)

    def flag(self, name: str) -> bool:
        """0 or 1."""
        value = self.integer(name)
        if value not in (0, 1):
            raise self.refuse(f"attribute {name} is {value}, expected 0 or 1")
        return bool(value)

    def integers(self, name: str) -> tuple[int, ...] | None:
        """A list of whole numbers, or None where the attribute is left out."""
        value = self.attributes.get(name)
        if value is None:
            return None
        if not isinstance(value, tuple) or not all(isinstance(item, int) for item in value):
            raise self.refuse(f"attribute {name} is no list of whole numbers")
        return tuple(int(item) for item in value)

    def _get(self, name: str, kind: type[T]) -> T:
        value = self.attributes.get(name)
        if not isinstance(value, kind):
            raise self.refuse(f"attribute {name} is missing" if value is None else f"attribute {name} is no {kind.__name__}")
        return value


@dataclass(frozen=True)
class Port:
    """A tensor that a model takes: numpy type, and per axis a size, a symbol, or None where nothing is stated."""

    name: str
    kind: np.dtype
    shape: tuple[int | str | None, ...] | None


@dataclass(frozen=True)
class Model:
    """Calls in an order in which every tensor is computed before it is read. Constants are read-only arrays."""

    ports: tuple[Port, ...]
    calls: tuple[Call, ...]
    outputs: tuple[str, ...]
    constants: Mapping[str, np.ndarray]
    versions: Mapping[str, int]  # of each domain
    claims: Mapping[str, str] = field(default_factory=dict)  # QONNX data types by tensor: to be verified, not believed
    producer: str = ""
