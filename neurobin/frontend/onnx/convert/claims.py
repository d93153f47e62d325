"""QONNX's annotations of a model's two ends: what its image is made of, and whether it is whole numbers throughout."""

from __future__ import annotations

import re

from neurobin.frontend.onnx.model import Model
from neurobin.ir import BINARY, BIPOLAR, TERNARY, DType
from neurobin.ir.dtype import i, u

MAX_BITS = 24  # of an image, as the whole numbers of float32 are
_NAMED = {"BINARY": BINARY, "BIPOLAR": BIPOLAR, "TERNARY": TERNARY}
_SIZED = re.compile(r"(U?)INT([1-9][0-9]?)")


def input_type(model: Model) -> DType | None:
    """The whole numbers that a model's image is said to hold, None where nothing is said or it is something else.

    A claim on the input is a demand on the caller, so it is taken as it stands.
    """
    return _whole(model.claims.get(model.ports[0].name, ""))


def whole_at_both_ends(model: Model) -> bool:
    """True when image and scores are said to be whole numbers. Whether all in between are, the conversion finds."""
    return input_type(model) is not None and _whole(model.claims.get(model.outputs[0], ""), 64) is not None


def _whole(name: str, most: int = MAX_BITS) -> DType | None:
    """QONNX's name of a type of at most so many bits: UINT8, INT4, BIPOLAR and the like."""
    match = _SIZED.fullmatch(name)
    if match is None:
        return _NAMED.get(name)
    bits = int(match[2])
    if bits > min(most, 63 if match[1] else 64):
        return None
    return u(bits) if match[1] else i(bits)
