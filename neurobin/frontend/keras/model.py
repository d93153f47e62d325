"""The checked form of a Keras description: layers, and the calls that make tensors of tensors, in an order of execution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neurobin.errors import FormatError, NeurobinError, UnsupportedError
from neurobin.ir.container import short
from neurobin.ir.text import shown

WITHIN = " / "  # between the names of models and layers in them: no name of Keras's holds it
FUNCTION = "TFOpLambda"  # a function of TensorFlow that a model applies to its tensors
MOST = 2**31  # of whole numbers in a description: more are no size


_MODULES = {"", "builtins", "keras", "tf_keras", "tensorflow", "larq", "larq_zoo"}


def origin_of(stated: Mapping[str, Any]) -> str:
    """Where a class or function comes from that only shares its name with one of Keras or Larq; "" for theirs."""
    module, registered = stated.get("module") or "", stated.get("registered_name") or ""
    if isinstance(registered, str) and ">" in registered:  # Package>Name
        return registered
    return "" if isinstance(module, str) and module.partition(".")[0] in _MODULES else str(module)


@dataclass(frozen=True)
class Tensor:
    """Result number `index` of call number `node` of the layer `key`; models within models have their own keys."""

    key: str
    node: int = 0
    index: int = 0

    @property
    def name(self) -> str:
        """The name of the layer."""
        return self.key.rpartition(WITHIN)[2]


@dataclass(frozen=True)
class Layer:
    """A layer's class, its configuration, and its path: the names of the models it lies in, then its own.

    A model within a model has layers of its own.
    """

    path: str
    kind: str
    config: Mapping[str, Any]
    layers: tuple[Layer, ...] = ()
    origin: str = ""  # of a class that is not Keras's or Larq's

    @property
    def name(self) -> str:
        return self.path.rpartition(WITHIN)[2]

    @property
    def where(self) -> str:
        return f"layer {shown(self.path[:200])} ({shown(self.kind[:80])})" if self.path else "the model"

    def refuse(self, what: str) -> NeurobinError:
        return FormatError(what, where=self.where)

    def unsupported(self, what: str) -> NeurobinError:
        return UnsupportedError(what, where=self.where)

    def whole(self, name: str, default: int | None = None, least: int = 1) -> int:
        """A whole number. Raises FormatError for anything else, and for one that is no size."""
        value = self.config.get(name, default)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int or not least <= value < MOST:
            raise self.refuse(f"{name} is {short(value)}, expected a whole number of at least {least}")
        return value

    def pair(self, name: str, default: object = None) -> tuple[int, int]:
        """Two sizes for height and width, or one for both."""
        value = self.config.get(name)
        value = default if value is None else value
        value = [value, value] if type(value) is int else value
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise self.refuse(f"{name} is {short(value)}, expected two whole numbers")
        if not all(type(size) is int and 1 <= size < MOST for size in value):
            raise self.refuse(f"{name} is {short(value)}, expected two whole numbers of at least 1")
        return (value[0], value[1])

    def real(self, name: str, default: float | None = None) -> float:
        """A number."""
        return self.number(self.config.get(name, default), name)

    def number(self, value: object, name: str) -> float:
        """A number among the layer's own, or at its call."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e30:
            raise self.refuse(f"{name} is {short(value)}, expected a number")
        return float(value)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.config.get(name, default)
        if type(value) is not bool:
            raise self.refuse(f"{name} is {short(value)}, expected true or false")
        return value

    def text(self, name: str, default: str = "") -> str:
        value = self.config.get(name, default)
        if not isinstance(value, str):
            raise self.refuse(f"{name} is {short(value)}, expected a text")
        return value


@dataclass(frozen=True)
class Call:
    """A layer applied: to tensors and constants in order, and to more by keyword."""

    layer: Layer
    made: Tensor
    operands: tuple[Any, ...]
    keywords: Mapping[str, Any]

    @property
    def inputs(self) -> list[Tensor]:
        """Every tensor that is read."""
        parts = [*self.operands, *self.keywords.values()]
        flat = [one for part in parts for one in (part if isinstance(part, list) else [part])]
        return [one for one in flat if isinstance(one, Tensor)]


@dataclass(frozen=True)
class Model:
    """A network with one input, of `shape` without the batch and of a type by numpy's name, and one output."""

    shape: tuple[int, ...]
    kind: str
    input: Tensor
    output: Tensor
    calls: tuple[Call, ...]
    layers: tuple[Layer, ...]
    version: str
