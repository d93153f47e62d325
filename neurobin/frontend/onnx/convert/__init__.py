"""`Model` -> `Graph`: constants folded, maps channels-last, quantizers as thresholds; all that is unsupported is named."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neurobin.errors import GraphError, UnsupportedError
from neurobin.frontend.images import Images
from neurobin.frontend.limits import DEFAULT, Limits
from neurobin.frontend.onnx.convert import chains
from neurobin.frontend.onnx.convert.conversion import Conversion, real, tidy
from neurobin.frontend.onnx.convert.rules import RULES
from neurobin.frontend.onnx.convert.values import BATCH, Chain, Fixed, Flow, Step
from neurobin.frontend.onnx.convert.weights import codes_of
from neurobin.frontend.onnx.domains import CHANNELS_LAST, STANDARD
from neurobin.frontend.onnx.evaluate import execute
from neurobin.frontend.onnx.model import Call, Model, Port
from neurobin.ir import Builder, DType, Graph, TensorType
from neurobin.ir.container import short
from neurobin.ir.dtype import i, u
from neurobin.ops.affine import Affine

_VIEWS = {"Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"}
LEFT_OUT = {"Softmax", "LogSoftmax", "ArgMax"}  # at the end: they change no ranking, and a graph gives the scores


def to_graph(model: Model, images: Images | None = None, limits: Limits = DEFAULT) -> Graph:
    """The graph of a model with one input and one output, as trained, for whole-number images.

    `images` says what the model's real inputs are made of (default: 8-bit pixels over 255); inputs of a whole-number type
    are taken as they are. Raises UnsupportedError listing every call that has no meaning in a graph.
    """
    if len(model.ports) != 1 or len(model.outputs) != 1:
        found = f"{len(model.ports)} inputs and {len(model.outputs)} outputs"
        raise UnsupportedError(f"a network with {found}, expected one of each")
    port = model.ports[0]
    last_first = _is_channels_last(model, port)
    kind, dtype = _sizes(port, last_first), _dtype(port, images)
    c = Conversion(Builder({tidy(port.name): TensorType(kind, dtype)}), limits, chains.write)
    c.values |= {name: Fixed(values) for name, values in model.constants.items()}
    c.values[port.name] = _input(c, port, images, last_first)
    problems: list[str] = []
    end, left_out = _end(model)
    for call in _needed(model, end):
        if all(name in c.values for name in call.inputs if name):
            _convert(c, call, problems)
    if problems:
        raise UnsupportedError("; ".join(problems[:20]) + (f"; and {len(problems) - 20} more" if len(problems) > 20 else ""))
    output = c.flow(end)
    if output.name in c.builder.inputs:
        raise UnsupportedError("computes nothing")
    return c.builder.graph(output.name, source="onnx", left_out=left_out).pruned()


def _end(model: Model) -> tuple[str, str]:
    """(the tensor that holds the scores, the operators behind it that a graph leaves out)."""
    end, left_out = model.outputs[0], []
    made = {name: call for call in model.calls for name in call.outputs}
    while end in made and made[end].domain == STANDARD and made[end].op in LEFT_OUT:
        left_out.append(made[end].op)
        end = made[end].inputs[0]
    return end, ", ".join(reversed(left_out))


def _needed(model: Model, end: str) -> list[Call]:
    """The calls that a tensor depends on, in order."""
    wanted, calls = {end}, []
    for call in reversed(model.calls):
        if wanted & set(call.outputs):
            calls.append(call)
            wanted.update(call.inputs)
    return calls[::-1]


def _convert(c: Conversion, call: Call, problems: list[str]) -> None:
    """One call: folded, made a step of a chain, or written by its rule. What it cannot be is added to the problems."""
    operands = [c.values[name] if name else None for name in call.inputs]
    computed = [index for index, operand in enumerate(operands) if isinstance(operand, Flow | Chain)]
    c.builder.prefix = tidy(call.name)
    try:
        if not computed:
            arrays = {
                name: value.values for name, value in c.values.items() if isinstance(value, Fixed) and name in call.inputs
            }
            _fold(c, call, operands, execute(call, arrays, c.limits))  # type: ignore[arg-type]
        elif call.op == "Shape":
            shape = np.zeros(c.flow(call.inputs[0]).shape, np.bool_)
            c.values |= {name: Fixed(array) for name, array in execute(call, {call.inputs[0]: shape}, c.limits).items()}
        elif call.op in chains.WAITING and len(computed) == 1 and call.domain != CHANNELS_LAST:
            arrays_or_none = tuple(operand.values if isinstance(operand, Fixed) else None for operand in operands)
            c.values[call.outputs[0]] = c.extend(call.inputs[computed[0]], Step(call, computed[0], arrays_or_none))
        else:
            rule = RULES.get((call.domain, call.op))
            if rule is None:
                raise UnsupportedError(f"no meaning for operator {call.op}", where=call.where)
            result = rule(c, call)
            results = result if isinstance(result, tuple) else (result,)
            c.values |= {name: flow for name, flow in zip(call.outputs, results, strict=False) if name}
    except (UnsupportedError, GraphError) as error:
        problems.append(str(error) if error.where else f"{call.where}: {error}")


def _fold(c: Conversion, call: Call, operands: list[Fixed | None], results: Mapping[str, np.ndarray]) -> None:
    """Constants from constants. Quantizers keep their codes, views pass them on."""
    for name, array in results.items():
        c.values[name] = Fixed(array)
    first = operands[0] if operands else None
    if first is None:
        return
    if call.op in _VIEWS and first.codes is not None:

        def same(array: np.ndarray) -> np.ndarray:
            others = [operand.values if operand else None for operand in operands[1:]]
            return moved(call, array, others, c.limits)

        c.values[call.outputs[0]] = first.map(same)
    codes = codes_of(call, [operand.values if operand else None for operand in operands], c.limits)
    if codes is not None:
        c.values[call.outputs[0]] = Fixed(results[call.outputs[0]], codes)


def moved(call: Call, array: np.ndarray, others: list[np.ndarray | None], limits: Limits) -> np.ndarray:
    """What a view makes of another array of the same shape."""
    from neurobin.frontend.onnx.evaluate import execute_on

    return execute_on(call, [array, *others], limits)[0]


def _input(c: Conversion, port: Port, images: Images | None, last_first: bool) -> Flow:
    """The image as the model sees it: with a batch axis, in its order of axes, and real where it wants real numbers."""
    name = next(iter(c.builder.inputs))
    sizes = c.builder.types[name].shape
    batch = port.shape[0] if port.shape and isinstance(port.shape[0], int) and port.shape[0] > 0 else 1
    order = (BATCH, 2, 0, 1) if len(sizes) == 3 and not last_first else (BATCH, *range(len(sizes)))
    flow = Flow(name, order, sizes, batch)
    made = images or Images()
    if port.kind.kind != "f" or (made.scale, made.offset) == (1.0, 0.0):
        return flow
    c.builder.prefix = name
    return c.add(Affine(real(np.array(made.scale)), real(np.array(made.offset))), flow)


def _dtype(port: Port, images: Images | None) -> DType:
    """The graph's input type: what the caller says for real inputs, the model's own for whole numbers."""
    if port.kind.kind == "f":
        return (images or Images()).dtype
    if port.kind.kind not in "iu" or port.kind.itemsize > 2:
        raise UnsupportedError(
            f"takes {port.kind.name}, expected real numbers or whole ones of 8 or 16 bits", where=f"input {short(port.name)}"
        )
    bits = 8 * port.kind.itemsize
    return u(bits) if port.kind.kind == "u" else i(bits)


def _sizes(port: Port, last_first: bool) -> tuple[int, ...]:
    """The graph's sizes [H, W, C] or [F] of one example. Raises UnsupportedError when the model leaves one open."""
    where = f"input {short(port.name)}"
    if port.shape is None or not 2 <= len(port.shape) <= 4:
        stated = "no shape" if port.shape is None else f"shape {list(port.shape)}"
        raise UnsupportedError(f"has {stated}, expected [N, features] to [N, C, H, W]", where=where)
    sizes = [size for size in port.shape[1:] if isinstance(size, int) and size > 0]
    if len(sizes) < len(port.shape) - 1:
        raise UnsupportedError(f"leaves sizes open in {list(port.shape)}", where=where, hint="export with fixed sizes")
    if len(sizes) == 3 and not last_first:
        sizes = [*sizes[1:], sizes[0]]
    return tuple(sizes)


def _is_channels_last(model: Model, port: Port) -> bool:
    """True when the image comes as [N, H, W, C]: its readers say so, or one or three channels stand last and not first."""
    if port.shape is None or len(port.shape) != 4:
        return False
    readers = [call for call in model.calls if port.name in call.inputs]
    if readers and all(call.domain == CHANNELS_LAST or call.integers("perm") == (0, 3, 1, 2) for call in readers):
        return True
    return port.shape[3] in (1, 3) and port.shape[1] not in (1, 3)
