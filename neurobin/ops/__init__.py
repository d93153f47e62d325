"""One file per op. An op is found by its file name and loaded on first use; `ops.__path__` may be extended by callers."""

from __future__ import annotations

import importlib
import pkgutil

from neurobin.errors import UnsupportedError, nearest
from neurobin.ir.op import Op


def op_names() -> list[str]:
    """All op names, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def op_class(name: str) -> type[Op]:
    """The class of op `name`. Raises UnsupportedError with the nearest known name otherwise."""
    if name not in op_names():
        raise UnsupportedError(f"unknown op {name!r}", hint=nearest(name, op_names(), "neurobin ops"))
    module = importlib.import_module(f"{__name__}.{name}")
    camel = "".join(part.capitalize() for part in name.split("_"))
    found = getattr(module, camel, None)
    if not (isinstance(found, type) and issubclass(found, Op)):
        raise UnsupportedError(f"its file defines no op class {camel}", where=f"op {name!r}", hint=f"class {camel}(Op)")
    return found
