"""The channels-last forms of QONNX (qonnx.custom_op.channels_last): the standard operators between two transposes."""

from __future__ import annotations

import numpy as np

from neurobin.frontend.onnx.operators._frame import Frame, Operator, Result
from neurobin.frontend.onnx.operators.linear import conv
from neurobin.frontend.onnx.operators.normalization import batch_normalization
from neurobin.frontend.onnx.operators.pooling import max_pool


def _between(operator: Operator) -> Operator:
    """[N, spatial ..., C] -> [N, spatial ..., C]; further inputs stay as the standard has them."""

    def transposed(frame: Frame, x: np.ndarray, *rest: np.ndarray) -> Result:
        if x.ndim < 2:
            raise frame.call.refuse(f"has a map of shape {list(x.shape)}")
        result = operator(frame, np.moveaxis(x, -1, 1), *rest)
        return np.moveaxis(result, 1, -1) if isinstance(result, np.ndarray) else result

    return transposed


OPERATORS: dict[str, Operator] = {
    "Conv": _between(conv),
    "MaxPool": _between(max_pool),
    "BatchNormalization": _between(batch_normalization),
}
MAX_POOL = {"MaxPoolNHWC": OPERATORS["MaxPool"]}
