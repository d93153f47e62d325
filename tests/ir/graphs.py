"""A fixed graph with every kind of field the file format knows, made without random numbers."""

from __future__ import annotations

import numpy as np

from neurobin.ir import BINARY, BIPOLAR, FLOAT32, FLOAT64, TERNARY, Builder, Constant, DType, Encoding, Graph, TensorType
from neurobin.ir.dtype import i, u
from neurobin.ops import op_class

TWO_BIT = DType(Encoding.BIPOLAR, 2)
BASES = DType(Encoding.UNSIGNED, 2, (5, 2))


def cycled(dtype: DType, *shape: int) -> Constant:
    """The type's values over and over, in a fixed order that is no pattern of the shape."""
    members = np.array([-1, 0, 1]) if dtype == TERNARY else np.asarray(dtype.table)
    return Constant(dtype, members[np.arange(np.prod(shape)) ** 2 * 7 % 11 % len(members)].reshape(shape))


def every_kind_of_field() -> Graph:
    b = Builder({"image": TensorType((6, 5, 3), u(8)), "second input": TensorType((7,), i(8))})

    def op(name: str, *sources: str, **fields: object) -> str:
        return b.add(op_class(name)(**fields), *sources)

    x = op("int_conv2d", "image", weight=cycled(i(8), 4, 3, 3, 3), padding=(1, 0, 1, 2), stride=(1, 2))
    x = op("multi_threshold", x, thresholds=Constant(i(20), [[-300, 200]] * 4), dtype=TERNARY, descending=cycled(BINARY, 4))
    x = op("bit_conv2d", x, weight=cycled(TWO_BIT, 6, 3, 2, 2), groups=2, padding=(1, 1, 1, 0), pad_value=-1)
    y = op("bit_conv2d", x, weight=cycled(BASES, 6, 1, 1, 6))
    x = op("add", x, op("requantise", y, multiplier=cycled(i(3), 6), bias=Constant(i(40), [2**38]), shift=30, dtype=i(5)))
    x = op("add", x, x, dtype=i(4))
    x = op("multi_threshold", x, thresholds=Constant(i(4), [[0]]), dtype=BIPOLAR)
    x = op("reshape", op("flatten", x, channels_first=True), shape=(6, 1, 6 * 3))
    x = op("flatten", op("bit_conv2d", x, weight=cycled(TERNARY, 5, 6, 1, 18)))
    x = op("bit_dense", x, weight=cycled(BIPOLAR, 7, 5))
    x = op("add", x, "second input")
    x = op(
        "affine", x, scale=Constant(FLOAT32, np.arange(1, 8) / 4), bias=Constant(FLOAT64, [0.1, -0.0, 1e-300, 0, 0, 0, 1])
    )
    x = op("clip", x, low=-1.5, high=2)
    return b.graph(op("quantize", x, bits=2), command="made by hand", accuracy=0.5, history=[1, None, {"é": True}])
