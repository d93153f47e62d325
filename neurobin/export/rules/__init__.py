"""Every op of a graph as ONNX and QONNX nodes. Integers travel as whole float32 numbers, as QONNX has them.

Arithmetic that leaves float32's whole numbers (fixed-point rescaling) is done in int64; an op whose range does not fit is
refused, so that what is written computes the same integers everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neurobin.export.rules import arithmetic, layers, places, quantizers
from neurobin.export.writer import Writer
from neurobin.ir import Node

Rule = Callable[[Writer, Node, Any], str]  # (writer, node, op) -> the last node's output, which is named as the node


def _same(name: str) -> Rule:
    return lambda w, node, op: w.add(name, node.inputs[0], result=node.name)


RULES: dict[str, Rule] = {
    "abs": _same("Abs"),
    "add": arithmetic.add,
    "affine": layers.affine,
    "arg_max": places.arg_max,
    "avg_pool2d": places.avg_pool,
    "batch_norm": layers.batch_norm,
    "bit_conv2d": layers.conv,
    "bit_dense": layers.dense,
    "channel_shuffle": places.channel_shuffle,
    "channel_sum": places.channel_sum,
    "clip": arithmetic.clip,
    "concat": places.concat,
    "conv2d": layers.conv,
    "dense": layers.dense,
    "flatten": places.flatten,
    "int_conv2d": layers.conv,
    "int_dense": layers.dense,
    "logic": arithmetic.logic,
    "lookup": places.lookup,
    "max_pool2d": places.max_pool,
    "multi_threshold": quantizers.multi_threshold,
    "multiply": arithmetic.multiply,
    "pad": places.pad,
    "position_scale": layers.position_scale,
    "prelu": arithmetic.prelu,
    "quantize": quantizers.quantize,
    "relu": _same("Relu"),
    "requantise": arithmetic.requantise,
    "reshape": places.reshape,
    "sigmoid": _same("Sigmoid"),
    "sign": quantizers.sign,
    "slice": places.slice_,
    "sum_pool2d": places.sum_pool,
}
