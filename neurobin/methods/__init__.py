"""One file per method (paper). A method is found by its file name; `methods.__path__` may be extended by callers."""

from __future__ import annotations

import importlib
import pkgutil

from neurobin.errors import UsageError, nearest
from neurobin.methods._method import Method, Precision, Published, Recipe

__all__ = ["Method", "Precision", "Published", "Recipe", "load_method", "method_names"]


_NO_METHODS = {"describe"}  # what else is imported from this folder


def method_names() -> list[str]:
    """All method names, sorted. Nothing is imported for it."""
    names = {module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")}
    return sorted(names - _NO_METHODS)


def load_method(name: str) -> Method:
    """The method of that name. Raises UsageError with the nearest known name otherwise."""
    if name not in method_names():
        raise UsageError(f"unknown method {name!r}", hint=nearest(name, method_names(), "neurobin methods"))
    found: Method = importlib.import_module(f"{__name__}.{name}").METHOD
    return found
