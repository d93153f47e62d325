"""SI quantities as people write them: one formatter and its inverse. Inside the program everything is plain SI floats."""

from __future__ import annotations

import math
import re

from neurobin.errors import UsageError

_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P"}
_EXPONENTS = {prefix: exponent for exponent, prefix in _PREFIXES.items()} | {"u": -6, "μ": -6}
_NUMBER = re.compile(r"([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*([afpnuµμmkMGTP]?)")


def format_si(value: float, unit: str, digits: int = 3) -> str:
    """`value` in `unit` with the prefix that leaves one to three digits before the point.

    >>> format_si(4.35e-6, "J"), format_si(0.0, "s"), format_si(96e-3, "W", 2)
    ('4.35 µJ', '0 s', '96 mW')
    """
    if value == 0:
        return f"0 {unit}"
    if not math.isfinite(value):
        return f"{value} {unit}"
    exponent = min(max(3 * math.floor(math.log10(abs(value)) / 3), -18), 15)
    text = f"{value / 10.0**exponent:.{digits}g}"
    if abs(float(text)) >= 1000 and exponent < 15:  # 999.9 rounds up into the next prefix
        exponent += 3
        text = f"{value / 10.0**exponent:.{digits}g}"
    return f"{float(text):.12g} {_PREFIXES[exponent]}{unit}"


def format_bytes(count: float) -> str:
    """Bytes with binary prefixes.

    >>> format_bytes(812), format_bytes(64 * 1024), format_bytes(1536)
    ('812 B', '64 KiB', '1.5 KiB')
    """
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count:.4g} B"


def parse_si(text: str, unit: str) -> float:
    """The inverse of `format_si`; bytes take decimal prefixes. Raises UsageError for another unit or no number.

    >>> parse_si("5uJ", "J"), parse_si("64kB", "B")
    (5e-06, 64000.0)
    """
    rest = text.strip().removesuffix(unit).rstrip() if unit else text.strip()
    match = _NUMBER.fullmatch(rest)
    if match is not None and match[2] and unit and not text.rstrip().endswith(unit):  # "5m" of what? ask
        match = None
    if match is None:
        raise UsageError(f"expected a quantity in {unit} such as 5{'k' if unit == 'B' else 'm'}{unit}, got {text!r}")
    try:
        number = float(match[1])
    except ValueError:
        raise UsageError(f"expected a number before the unit, got {text!r}") from None
    exponent = _EXPONENTS[match[2]]
    value = number * 10.0**exponent if exponent >= 0 else number / 10.0**-exponent
    if not math.isfinite(value):
        raise UsageError(f"expected a finite quantity in {unit}, got {text!r}")
    return value
