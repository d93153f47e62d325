"""Which operator sets there are, under all the names they go by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from neurobin.errors import FormatError, UnsupportedError
from neurobin.ir.container import short

STANDARD = ""
QONNX = "qonnx"
CHANNELS_LAST = "qonnx.channels_last"

# QONNX's general operators began as Brevitas' and FINN's; files of all three generations are in use.
_NAMES = {
    "": STANDARD,
    "ai.onnx": STANDARD,
    "qonnx.custom_op.general": QONNX,
    "onnx.brevitas": QONNX,
    "finn.custom_op.general": QONNX,
    "qonnx.custom_op.channels_last": CHANNELS_LAST,
}
OLDEST = 6
OWN = 2**16  # version of calls that a frontend writes and no file states: as in the newest opset, and right by construction
NEWEST_QONNX = 2  # version 2 has another Trunc; what a version 3 will have nobody knows


def domain(name: str) -> str:
    """The operator set of that name; an unknown name stands for itself."""
    return _NAMES.get(name, name)


def versions(imports: Iterable[tuple[str, int]], newest: int) -> Mapping[str, int]:
    """Version by operator set, from a model's imports. Old QONNX files import nothing for their own operators: version 1.

    Raises FormatError for two versions of one set, UnsupportedError for a version of the standard's not known here.
    """
    found: dict[str, int] = {}
    for name, version in imports:
        known = domain(name)
        if found.get(known, version) != version:
            raise FormatError(f"imports versions {found[known]} and {version} of operator set {short(name or 'ai.onnx')}")
        found[known] = version
    if not OLDEST <= found.get(STANDARD, newest) <= newest:
        stated = f"opset {found[STANDARD]}, known are {OLDEST} to {newest}"
        raise UnsupportedError(stated, hint="onnx.version_converter, or a newer onnx package")
    for own in (QONNX, CHANNELS_LAST):
        if not 1 <= found.get(own, 1) <= NEWEST_QONNX:
            raise UnsupportedError(f"version {found[own]} of operator set {own}, known are 1 to {NEWEST_QONNX}")
    return {QONNX: 1, CHANNELS_LAST: 1} | found
