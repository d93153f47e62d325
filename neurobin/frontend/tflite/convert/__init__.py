"""`Model` -> `Graph`: bits as -1 and +1, quantized tensors as codes with a scale; all that is unsupported is named."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from neurobin.errors import GraphError, UnsupportedError
from neurobin.frontend.images import Images
from neurobin.frontend.limits import DEFAULT, Limits
from neurobin.frontend.onnx.convert.conversion import real, tidy
from neurobin.frontend.onnx.convert.values import Flow
from neurobin.frontend.tflite.convert import activations, bits, chains, channels, elements, fold, layers
from neurobin.frontend.tflite.convert.conversion import Conversion, stored_shape
from neurobin.frontend.tflite.convert.quantize import stored
from neurobin.frontend.tflite.convert.sums import scale_of
from neurobin.frontend.tflite.model import Model, Operator, Tensor
from neurobin.ir import Builder, DType, Graph, TensorType
from neurobin.ir.dtype import i, u
from neurobin.ops.affine import Affine
from neurobin.ops.sigmoid import Sigmoid

Rule = Callable[[Conversion, Operator], Flow | tuple[Flow, ...]]


def _sigmoid(c: Conversion, operator: Operator) -> Flow:
    return c.add(Sigmoid(), c.flow(operator, 0))


RULES: dict[str, Rule] = {
    "LceQuantize": bits.quantize,
    "LceDequantize": bits.dequantize,
    "LceBconv2d": bits.convolution,
    "LceBMaxPool2d": bits.max_pool,
    "CONV_2D": layers.convolution,
    "DEPTHWISE_CONV_2D": layers.depthwise,
    "FULLY_CONNECTED": layers.dense,
    "MAX_POOL_2D": layers.max_pool,
    "AVERAGE_POOL_2D": layers.average_pool,
    "MEAN": layers.mean,
    "ADD": elements.arithmetic,
    "SUB": elements.arithmetic,
    "MUL": elements.arithmetic,
    "MINIMUM": elements.extreme,
    "MAXIMUM": elements.extreme,
    "PRELU": elements.prelu,
    "LEAKY_RELU": elements.prelu,
    "RELU": activations.rectifier,
    "RELU6": activations.rectifier,
    "RELU_N1_TO_1": activations.rectifier,
    "RELU_0_TO_1": activations.rectifier,
    "LOGISTIC": _sigmoid,
    "QUANTIZE": elements.same,
    "DEQUANTIZE": elements.same,
    "CONCATENATION": channels.concatenation,
    "SPLIT": channels.split,
    "PAD": channels.pad,
    "PADV2": channels.pad,
    "RESHAPE": elements.reshape,
    "SQUEEZE": elements.reshape,
    **dict.fromkeys(chains.ROUNDING, chains.refused),
}
LEFT_OUT = {"SOFTMAX", "LOG_SOFTMAX", "ARG_MAX"}  # at the end: they change no ranking, and a graph gives the scores
_BEHIND = {"QUANTIZE", "DEQUANTIZE", "RESHAPE"}  # what may stand behind those
# These make no number that is not in an input, but 0.
MOVING = {"MAX_POOL_2D", "RESHAPE", "SQUEEZE", "PAD", "CONCATENATION", "SPLIT"}
# What the rules of these make is what the output's type holds.
EXACT = MOVING | {"LceBconv2d", "LceDequantize", "MINIMUM", "MAXIMUM"}


def to_graph(model: Model, images: Images | None = None, limits: Limits = DEFAULT) -> Graph:
    """The graph of a model with one input and one output, as trained, for whole-number images.

    `images` says what the model's real inputs are made of (default: 8-bit pixels over 255); inputs of a whole-number type
    are taken as they are. Raises UnsupportedError listing every operator that has no meaning in a graph.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        found = f"{len(model.inputs)} inputs and {len(model.outputs)} outputs"
        raise UnsupportedError(f"a network with {found}, expected one of each")
    port = model.tensors[model.inputs[0]]
    if not 2 <= len(port.shape) <= 4 or min(port.shape) < 1:
        raise UnsupportedError(f"has shape {list(port.shape)}, expected [N, features] to [N, H, W, C]", where=port.where)
    limits.check("input_elements", prod(port.shape[1:]), "the number of elements of one image", port.where)
    made = images or Images()
    dtype = made.dtype if port.kind.kind == "f" else _whole(port)
    builder = Builder({tidy(port.name): TensorType(port.shape[1:], dtype)})
    c = Conversion(model, builder, limits, port.shape[0], chains.written)
    c.names[port.index] = _input(c, port, made)
    end, left_out = _end(model)
    problems: list[str] = []
    with np.errstate(all="ignore"):  # scales of strangers: what comes of them is looked at
        needed = _needed(model, end)
        c.readers = fold.count_readers(needed)
        for operator in needed:
            _convert(c, operator, problems)
            fold.forget(c, operator)
        if not problems:
            _check_left_out(c, left_out, end, problems)
            last = c.name(end)
    if problems:
        raise UnsupportedError("; ".join(problems[:20]) + (f"; and {len(problems) - 20} more" if len(problems) > 20 else ""))
    if last is None or last == tidy(port.name):
        raise UnsupportedError("computes nothing")
    names = ", ".join(operator.op for operator in left_out)
    return c.builder.graph(last, source="tflite", left_out=names).pruned()


def _whole(port: Tensor) -> DType:
    """The graph's input type for quantized inputs. Raises UnsupportedError for others than 8 bits."""
    scale_of(port)
    return u(8) if port.kind.kind == "u" else i(8)


def _input(c: Conversion, port: Tensor, made: Images) -> str:
    """The image as the model sees it: real."""
    name = next(iter(c.builder.inputs))
    c.builder.prefix = name
    if port.kind.kind == "f":
        return c.affine(c.seen(name), made.scale, made.offset).name
    scale, zero = scale_of(port)
    return c.add(Affine(real(np.array(scale)), real(np.array(-scale * zero))), c.seen(name)).name


def _end(model: Model) -> tuple[int, list[Operator]]:
    """(the tensor that holds the scores, the operators behind it that a graph leaves out)."""
    makers = {index: operator for operator in model.operators for index in operator.outputs}
    end = at = model.outputs[0]
    behind: list[Operator] = []
    left_out: list[Operator] = []
    while at in makers and makers[at].op in LEFT_OUT | _BEHIND and makers[at].inputs:
        operator = makers[at]
        behind.append(operator)
        at = operator.inputs[0]
        if operator.op in LEFT_OUT:
            end, left_out = at, behind.copy()
    return end, left_out[::-1]


def _check_left_out(c: Conversion, left_out: list[Operator], end: int, problems: list[str]) -> None:
    """What is left out must rank the scores as they stand: another axis, or a softmax of their negatives, does not."""
    channels = c.model.tensors[end].shape[-1:]
    for operator in left_out:
        if operator.op == "SOFTMAX" and not operator.options["beta"] > 0:
            problems.append(f"{operator.where}: beta is {operator.options['beta']}, expected a number above 0")
        shape = c.tensor(operator, 0).shape
        if operator.op in LEFT_OUT and shape[-1:] != channels:
            problems.append(
                f"{operator.where}: ranks shape {list(shape)}, expected {list(channels)} scores on the last axis"
            )
        if operator.op == "ARG_MAX" and c.numbers(operator, 1) not in ([-1], [len(shape) - 1]):
            problems.append(f"{operator.where}: ranks axis {c.numbers(operator, 1)[:4]}, expected the last")


def _needed(model: Model, end: int) -> list[Operator]:
    """The operators that a tensor depends on, in order."""
    wanted, found = {end}, []
    for operator in reversed(model.operators):
        if wanted.intersection(operator.outputs):
            found.append(operator)
            wanted.update(operator.inputs)
    return found[::-1]


def _convert(c: Conversion, operator: Operator, problems: list[str]) -> None:
    """One operator: folded, left to its reader, or written by its rule. Its problem is added to the others.

    Behind an operator with a problem nothing can be written, but what has no rule is named all the same.
    """
    rule = RULES.get(operator.op)
    if (rule is not None or operator.op in fold.FOLDS) and not all(
        index < 0 or c.is_known(index) for index in operator.inputs
    ):
        return
    try:
        _make(c, operator, rule)
    except (UnsupportedError, GraphError) as error:
        problems.append(str(error) if error.where else f"{operator.where}: {error}")
        for index in operator.outputs:
            c.chains.pop(index, None)


def _make(c: Conversion, operator: Operator, rule: Rule | None) -> None:
    tensors = [c.model.tensors[index] for index in operator.outputs]
    if not tensors:
        raise UnsupportedError("makes no tensor", where=operator.where)
    if fold.folded(c, operator):
        return
    if rule is None:
        raise UnsupportedError(f"no meaning for this operator, which makes {tensors[0].where}", where=operator.where)
    c.builder.prefix = tidy(tensors[0].name)
    if chains.waits(c, operator):
        return
    made = rule(c, operator)
    flows = made if isinstance(made, tuple) else (made,)
    if len(flows) != len(tensors):
        raise UnsupportedError(f"makes {len(tensors)} tensors, expected {len(flows)}", where=operator.where)
    for flow, tensor in zip(flows, tensors, strict=True):
        _keep(c, operator, flow, tensor)


def _keep(c: Conversion, operator: Operator, flow: Flow, tensor: Tensor) -> None:
    """A result in the graph as the file's tensor holds it. Raises FormatError where the file states something else."""
    if tensor.kind.kind != "f" and tensor.kind != np.dtype("<i4") and not _is_stored(c, operator, tensor):
        flow = stored(c, operator, flow, tensor)
    if tensor.kind == np.dtype("<i4") and not c.is_bits(flow):
        raise operator.refuse(f"makes {tensor.where} of type int32, expected float32 or 8 bits")
    if stored_shape(flow, tensor) != tensor.shape:
        found, stated = list(stored_shape(flow, tensor)), list(tensor.shape)
        raise operator.refuse(f"makes shape {found}, {tensor.where} states {stated}")
    c.names[tensor.index] = flow.name


def _is_stored(c: Conversion, operator: Operator, tensor: Tensor) -> bool:
    """True when every result is a level of the output's type already."""
    if operator.op not in MOVING:
        return operator.op in EXACT
    if operator.options.get("fused_activation_function", 0):
        return False
    sources = [c.model.tensors[index] for index in operator.inputs if index in c.names]
    return all(source.kind == tensor.kind and scale_of(source) == scale_of(tensor) for source in sources)
