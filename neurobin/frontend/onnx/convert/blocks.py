"""Quantizers of what is computed from the image, in blocks along its channels: a scale per channel says the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.limits import Limits, Spent
from neurobin.frontend.onnx.convert.values import Chain, Flow, Step
from neurobin.frontend.onnx.operators import Frame
from neurobin.frontend.onnx.operators.quantization import along


def unblocked(step: Step, source: Flow | Chain, limits: Limits, spent: Spent) -> Step:
    """The step with a scale and a zero point per channel of its source where it states blocks; any other as it is.

    Raises FormatError for blocks that do not fit, UnsupportedError where places of one channel have several scales.
    """
    call = step.call
    if not call.attributes.get("block_size") or step.place != 0:
        return step
    flow = source.flow if isinstance(source, Chain) else source
    stand_in = np.broadcast_to(np.bool_(False), source.shape)
    frame = Frame(call, limits, spent)
    found: list[np.ndarray | None] = [None]
    for operand in step.operands[1:]:
        values = None if operand is None else along(frame, stand_in, operand)
        if values is not None and values.ndim:
            rows = np.moveaxis(values, flow.channel_axis, 0).reshape(flow.channels, -1)
            if (rows != rows[:, :1]).any():
                raise UnsupportedError("quantizes blocks that lie apart from the channels", where=call.where)
            values = rows[:, 0]
        found.append(values)
    plain = replace(call, attributes={**call.attributes, "block_size": 0, "axis": flow.channel_axis})
    return replace(step, call=plain, operands=tuple(found))
