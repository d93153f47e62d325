"""What a file of another tool holds, for a person to read before anything is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Operator:
    """An operator, how often it stands in the file, and whether its meaning is known here."""

    name: str
    domain: str
    count: int
    known: bool


@dataclass(frozen=True)
class Description:
    """Facts by name in the order of telling, and the operators, most frequent first."""

    facts: Mapping[str, str]
    operators: tuple[Operator, ...]
