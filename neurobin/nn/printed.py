"""How blocks say what they were made with: `extra_repr` shows every choice that changes a result, in words that last.

A checkpoint belongs to a network as it prints (`neurobin.train.checkpoint.print_of`), so functions and estimators stand
there by name and never by address.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING

from torch import nn

from neurobin.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def arguments(scheme: DataclassInstance) -> str:
    """The fields of a frozen scheme, as its quantizer shows them: "bits=2, estimator=ste"."""
    return ", ".join(f"{field.name}={getattr(scheme, field.name)!r}" for field in fields(scheme))


def listed(*parts: object) -> str:
    """The parts in one line, but for modules: torch prints these as children."""
    return ", ".join(str(part) for part in parts if not isinstance(part, nn.Module))


def name_of(function: Callable[..., object]) -> str:
    """A function's own name. Raises UsageError for one that has none, such as a lambda or a partial application."""
    name = str(getattr(function, "__name__", ""))
    if not name.isidentifier():
        raise UsageError(f"a block needs functions with a name of their own, got {function!r}", hint="def")
    return name
