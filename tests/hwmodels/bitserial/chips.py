"""Chip files with changed constants, for tests."""

from __future__ import annotations

import tomllib
from typing import Any

from hwmodels.bitserial import BitSerial
from hwmodels.target import CHIPS


def data(name: str = "bismo_8x64x8", /, **changes: float | str) -> dict[str, Any]:
    """The content of a chip file; `a__b=value` replaces constant a.b (or the text field `a`)."""
    content = tomllib.loads((CHIPS / f"{name}.toml").read_text(encoding="utf-8"))
    for path, value in changes.items():
        *parents, last = path.split("__")
        entry = content
        for part in parents:
            entry = entry[part]
        if isinstance(value, str):
            entry[last] = value
        else:
            entry[last] |= {"value": value, "low": value, "high": value}
    return content


def target(name: str = "bismo_8x64x8", /, **changes: float | str) -> BitSerial:
    return BitSerial.from_data(data(name, **changes), name)
