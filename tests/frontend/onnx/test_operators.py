"""What the conformance cases of onnx leave open of an operator."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

from neurobin.frontend.onnx.evaluate import execute_on
from neurobin.frontend.onnx.model import Call


@pytest.mark.parametrize(
    ("start", "end", "step", "wanted"),
    [
        (-9, -9, -1, [0]),
        (-9, 1, -1, []),
        (9, -9, -2, [4, 2, 0]),
        (-1, 0, -1, [4, 3, 2, 1]),
        (2, -(2**63), -1, [2, 1, 0]),
        (-9, 9, 2, [0, 2, 4]),
        (-9, -9, 1, []),
        (1, -1, 1, [1, 2, 3]),
        (7, 9, 1, []),
    ],
)
def test_slice_clamps_its_places_by_the_sign_of_the_step(start, end, step, wanted):
    """Operators.md, Slice: stepping back, a start is clamped to [0, size - 1] and an end to [-1, size - 1]."""
    call = Call("slice", "Slice", "", 13, ("x", "s", "e", "a", "k"), ("y",))
    operands = [np.arange(5), *(np.array([value]) for value in (start, end, 0, step))]
    assert execute_on(call, operands)[0].tolist() == wanted
    assert execute_on(call, [np.zeros(0), *operands[1:]])[0].tolist() == []
