"""What every operator computes, as functions of numpy arrays: one file per family, each with a table of its operators."""

from __future__ import annotations

from functools import cache

from neurobin.frontend.onnx.domains import CHANNELS_LAST, QONNX, STANDARD
from neurobin.frontend.onnx.operators._frame import Frame, Operator, Result


@cache
def table() -> dict[tuple[str, str], Operator]:
    """Every operator known here by (domain, name)."""
    from neurobin.frontend.onnx.operators import (
        channels_last,
        elementwise,
        linear,
        normalization,
        pooling,
        quantization,
        quantizers,
        reduction,
        shapes,
    )

    standard = (elementwise, shapes, linear, pooling, normalization, reduction, quantization)
    found = {(STANDARD, name): function for family in standard for name, function in family.OPERATORS.items()}
    found |= {(QONNX, name): function for name, function in (quantizers.OPERATORS | channels_last.MAX_POOL).items()}
    return found | {(CHANNELS_LAST, name): function for name, function in channels_last.OPERATORS.items()}


__all__ = ["Frame", "Operator", "Result", "table"]
