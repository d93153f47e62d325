"""Bits of planes from vectors of integers."""

from __future__ import annotations

from neurobin.exec.kernels.emit import Value, element_bits
from neurobin.exec.kernels.planes import Plane


def plane_bit(plane: Plane, value: Value) -> Value:
    """Which elements set the plane's bit: i1 lanes from integer lanes that hold the type's values."""
    if plane.rule == "positive":
        return value.compare("sgt", 0)
    if plane.rule == "negative":
        return value.compare("slt", 0)
    if plane.rule == "member":
        found = value.compare("eq", plane.members[0])
        for member in plane.members[1:]:
            found = found | value.compare("eq", member)
        return found
    if plane.offset:
        value = value.resized(max(16, element_bits(value.kind)))  # room for the offset
        value = (value + plane.offset) >> plane.down
    return (value & (1 << plane.shift)).compare("ne", 0)
