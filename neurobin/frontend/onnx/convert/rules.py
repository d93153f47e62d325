"""What every operator that is not on single elements becomes in the graph, by its domain and name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert import integers, joins, layers, picks, pools, views
from neurobin.frontend.onnx.convert.conversion import Conversion
from neurobin.frontend.onnx.convert.values import Chain, Flow
from neurobin.frontend.onnx.domains import CHANNELS_LAST, QONNX, STANDARD
from neurobin.frontend.onnx.model import Call

Result = Flow | Chain | tuple[Flow, ...]
Rule = Callable[[Conversion, Call], Result]


def _softmax(c: Conversion, call: Call) -> Flow:
    raise UnsupportedError("a softmax that something reads; at the end of a network it is left out", where=call.where)


RULES: dict[tuple[str, str], Rule] = {
    (STANDARD, "Conv"): layers.conv,
    (STANDARD, "MatMul"): layers.matmul,
    (STANDARD, "Gemm"): layers.gemm,
    (STANDARD, "ConvInteger"): integers.conv_integer,
    (STANDARD, "MatMulInteger"): integers.matmul_integer,
    (STANDARD, "QLinearConv"): integers.qlinear_conv,
    (STANDARD, "QLinearMatMul"): integers.qlinear_matmul,
    (STANDARD, "MaxPool"): pools.max_pool,
    (STANDARD, "AveragePool"): pools.average_pool,
    (STANDARD, "GlobalAveragePool"): pools.global_average,
    (STANDARD, "GlobalMaxPool"): pools.global_max,
    (STANDARD, "ReduceMean"): pools.reduce,
    (STANDARD, "ReduceSum"): pools.reduce,
    (STANDARD, "ArgMax"): pools.arg_max,
    (STANDARD, "Reshape"): views.shaped,
    (STANDARD, "Flatten"): views.shaped,
    (STANDARD, "Squeeze"): views.shaped,
    (STANDARD, "Unsqueeze"): views.shaped,
    (STANDARD, "Transpose"): views.transpose,
    (STANDARD, "Pad"): views.pad,
    (STANDARD, "Concat"): joins.concat,
    (STANDARD, "Split"): picks.split,
    (STANDARD, "Slice"): picks.slices,
    (STANDARD, "Gather"): picks.gather,
    (STANDARD, "Add"): joins.join,
    (STANDARD, "Sub"): joins.join,
    (STANDARD, "Mul"): joins.join,
    (STANDARD, "Sum"): joins.total,
    (STANDARD, "Max"): joins.extreme,
    (STANDARD, "Min"): joins.extreme,
    (STANDARD, "Softmax"): _softmax,
    (STANDARD, "LogSoftmax"): _softmax,
    (CHANNELS_LAST, "Conv"): partial(layers.conv, first=False),
    (CHANNELS_LAST, "MaxPool"): partial(pools.max_pool, first=False),
    (QONNX, "MaxPoolNHWC"): partial(pools.max_pool, first=False),
    (QONNX, "XnorPopcountMatMul"): layers.agreements,
}
