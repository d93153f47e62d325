"""`Model` -> `Graph`: constants folded, maps channels-last, quantizers as thresholds; all that is unsupported is named."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neurobin.errors import GraphError, UnsupportedError
from neurobin.frontend.images import Images
from neurobin.frontend.limits import DEFAULT, Limits, Spent
from neurobin.frontend.onnx.convert import chains, exact, forks
from neurobin.frontend.onnx.convert.blocks import unblocked
from neurobin.frontend.onnx.convert.claims import input_type, whole_at_both_ends
from neurobin.frontend.onnx.convert.conversion import Conversion, check_exact, real, tidy
from neurobin.frontend.onnx.convert.rules import RULES
from neurobin.frontend.onnx.convert.values import LAST, MAP, Chain, Fixed, Flow, Step, by_place
from neurobin.frontend.onnx.convert.weights import codes_of, rescaled
from neurobin.frontend.onnx.domains import CHANNELS_LAST, STANDARD
from neurobin.frontend.onnx.evaluate import check_types, execute, execute_on
from neurobin.frontend.onnx.kinds import bits, bounds, is_whole
from neurobin.frontend.onnx.model import Call, Model, Port
from neurobin.frontend.onnx.operators import Frame
from neurobin.ir import Builder, DType, Graph, TensorType
from neurobin.ir.container import short
from neurobin.ir.dtype import i, u
from neurobin.ops.affine import Affine

_VIEWS = {"Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"}
LEFT_OUT = {"Softmax", "LogSoftmax", "ArgMax"}  # at the end: they change no ranking, and a graph gives the scores


def to_graph(model: Model, images: Images | None = None, limits: Limits = DEFAULT) -> Graph:
    """The graph of a model with one input and one output, as trained, for whole-number images.

    `images` says what the model's real inputs are made of; else QONNX's annotation of the input does, else they are 8-bit
    pixels over 255. Inputs of a whole-number type are taken as they are. A model that is said to be whole numbers at both
    ends, and is throughout, becomes a deployed graph of the same integers.
    Raises UnsupportedError listing every call that has no meaning in a graph.
    """
    if len(model.ports) != 1 or len(model.outputs) != 1:
        found = f"{len(model.ports)} inputs and {len(model.outputs)} outputs"
        raise UnsupportedError(f"a network with {found}, expected one of each")
    claimed = input_type(model)
    if images is None and claimed is not None:
        images = Images(claimed, 1.0, 0.0)
        if whole_at_both_ends(model):
            try:
                return _converted(model, images, limits, integers=True)
            except UnsupportedError:
                pass  # not whole numbers throughout: a graph as trained says what stands against that as well
    return _converted(model, images, limits, integers=False)


def _converted(model: Model, images: Images | None, limits: Limits, *, integers: bool) -> Graph:
    """The graph, of real maps or of `integers` only. Raises UnsupportedError listing all that stands against it."""
    port = model.ports[0]
    last_first = _is_channels_last(model, port)
    kind, dtype = _sizes(port, last_first), _dtype(port, images)
    spent = Spent(held=sum(values.nbytes for values in model.constants.values()), work=0)
    c = Conversion(
        Builder({tidy(port.name): TensorType(kind, dtype)}),
        limits,
        exact.write if integers else chains.write,
        integers,
        spent=spent,
    )
    c.values |= {name: Fixed(values) for name, values in model.constants.items()}
    c.values[port.name] = start = _input(c, port, images, last_first)
    problems: list[str] = []
    lost: set[str] = set()  # tensors that are no part of the graph, as a problem says
    end, left_out = _end(model)
    calls = _needed(model, end)
    for call in calls:
        missing = [name for name in call.inputs if name and name not in c.values]
        before = len(problems)
        if not missing:
            _convert(c, call, problems)
        elif not lost.intersection(missing):
            problems.append(f"{call.where}: reads {short(missing[0])}, a result that no graph has")
        elif call.op not in chains.WAITING:
            _write_readable(c, call, problems)
        if missing or len(problems) > before:
            lost.update(call.outputs)
    if not problems:
        _write_end(c, end, left_out, problems)
    if problems:
        raise UnsupportedError("; ".join(problems[:20]) + (f"; and {len(problems) - 20} more" if len(problems) > 20 else ""))
    output = c.flow(end)
    if output.name == start.name:
        raise UnsupportedError("computes nothing")
    names = ", ".join(call.op for call in left_out)
    return c.builder.graph(output.name, source="onnx", left_out=names).pruned()


def _end(model: Model) -> tuple[str, list[Call]]:
    """(the tensor that holds the scores, the calls behind it that a graph leaves out)."""
    end, left_out = model.outputs[0], []
    made = {name: call for call in model.calls for name in call.outputs}
    while end in made and made[end].domain == STANDARD and made[end].op in LEFT_OUT:
        left_out.append(made[end])
        end = made[end].inputs[0]
    return end, left_out[::-1]


def _write_readable(c: Conversion, call: Call, problems: list[str]) -> None:
    """Writes what a call reads although it cannot be converted itself, so that all problems are found."""
    for name in call.inputs:
        try:
            if isinstance(c.values.get(name), Chain):
                c.flow(name)
        except (UnsupportedError, GraphError) as error:
            problems.append(str(error))


def _write_end(c: Conversion, end: str, left_out: list[Call], problems: list[str]) -> None:
    """Writes the scores. What is left out behind them must rank the channels: along another axis it says something else."""
    try:
        scores = c.flow(end) if end in c.values else None
    except (UnsupportedError, GraphError) as error:
        problems.append(str(error))
        return
    if scores is None:
        problems.append(f"output {short(end)}: a result that no graph has")
        return
    if len(scores.sizes) == 3 and scores.order not in (MAP, LAST):
        problems.append(f"output {short(end)}: a map whose axes are in another order than its channels' first or last")
    for call in left_out:
        flattened = call.op != "ArgMax" and call.version < 13  # softmax over this axis and all behind it
        axis = Frame(call, c.limits).axis(call.integer("axis"), len(scores.order))
        if axis != scores.channel_axis and not (flattened and 0 < axis <= scores.channel_axis):
            problems.append(f"{call.where}: along axis {axis}, which is not the channels'")


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
            fixed = {name: value for name in call.inputs if isinstance(value := c.values.get(name), Fixed)}
            arrays = {name: value.values for name, value in fixed.items()}
            _fold(c, call, [fixed.get(name) for name in call.inputs], execute(call, arrays, c.limits, c.spent))
        elif (call.domain, call.op) == (STANDARD, "Shape"):
            shape = np.broadcast_to(np.bool_(False), operands[0].shape)  # type: ignore[union-attr]
            made = execute(call, {call.inputs[0]: shape}, c.limits, c.spent)
            c.values |= {name: Fixed(array) for name, array in made.items()}
        elif _waits(c, call, computed):
            arrays_or_none = tuple(operand.values if isinstance(operand, Fixed) else None for operand in operands)
            step = Step(call, computed[0], arrays_or_none)
            step = unblocked(step, operands[computed[0]], c.limits, c.spent)  # type: ignore[arg-type]
            c.values[call.outputs[0]] = c.extend(call.inputs[computed[0]], step)
        elif (fork := forks.forked(c, call)) is not None:
            c.values[call.outputs[0]] = fork
        else:
            rule = RULES.get((call.domain, call.op))
            if rule is None:
                several = " of several computed tensors" if call.op in chains.WAITING and len(computed) > 1 else ""
                raise UnsupportedError(f"no meaning for operator {call.op}{several}", where=call.where)
            check_types(call, [_kind(c, name) for name in call.inputs])
            result = rule(c, call)
            check_types(call, [_kind(c, name) for name in call.inputs])  # of chains that it has written
            results = result if isinstance(result, tuple) else (result,)
            c.values |= {name: flow for name, flow in zip(call.outputs, results, strict=False) if name}
    except (UnsupportedError, GraphError) as error:
        problems.append(str(error) if error.where else f"{call.where}: {error}")


def _waits(c: Conversion, call: Call, computed: list[int]) -> bool:
    """True for an operator on single elements of one tensor, beside constants that are the same at every place."""
    if call.op not in chains.WAITING or len(computed) != 1 or call.domain == CHANNELS_LAST:
        return False
    if call.op != "Mul":
        return True
    value = c.values[call.inputs[computed[0]]]
    flow = value.flow if isinstance(value, Chain) else value
    others = [other.values for name in call.inputs if isinstance(other := c.values.get(name), Fixed)]
    return not isinstance(flow, Flow) or all(by_place(other, flow) is None for other in others)


def _kind(c: Conversion, name: str) -> np.dtype | None:
    """The type of a tensor's numbers, None where it is left out or a chain that is not written yet."""
    value = c.written.get(name) or c.values.get(name)
    return value.values.dtype if isinstance(value, Fixed) else value.kind if isinstance(value, Flow) else None


def _fold(c: Conversion, call: Call, operands: list[Fixed | None], results: Mapping[str, np.ndarray]) -> None:
    """Constants from constants. Quantizers keep their codes, views pass them on."""
    for name, array in results.items():
        if array.dtype.kind == "f" and np.isnan(array).any():
            raise call.refuse("makes NaN of constants")
        c.values[name] = Fixed(array)
    first = operands[0] if operands else None
    if first is None:
        return
    if call.op in _VIEWS and first.codes is not None:

        def same(array: np.ndarray) -> np.ndarray:
            others = [operand.values if operand else None for operand in operands[1:]]
            return execute_on(call, [array, *others], c.limits, c.spent)[0]

        c.values[call.outputs[0]] = first.map(same)
    if call.op in ("Mul", "Div") and len(operands) == 2:
        _fold_scale(c, call, operands)
    codes = codes_of(call, [operand.values if operand else None for operand in operands], c.limits)
    if codes is not None:
        c.values[call.outputs[0]] = Fixed(results[call.outputs[0]], codes)


def _fold_scale(c: Conversion, call: Call, operands: list[Fixed | None]) -> None:
    """Codes times a constant keep their codes: only their scale changes."""
    left, right = operands
    if left is None or right is None:
        return
    if left.codes is None and call.op == "Mul":
        left, right = right, left
    if left.codes is None or right.codes is not None:
        return
    with np.errstate(divide="ignore"):
        factor = 1 / right.values.astype(np.float64) if call.op == "Div" else right.values.astype(np.float64)
    codes = rescaled(left.codes, left.values.shape, factor)
    c.values[call.outputs[0]] = Fixed(c.values[call.outputs[0]].values, codes)  # type: ignore[union-attr]


def _input(c: Conversion, port: Port, images: Images | None, last_first: bool) -> Flow:
    """The image as the model sees it: with a batch axis, in its order of axes, and real where it wants real numbers."""
    name = next(iter(c.builder.inputs))
    sizes = c.builder.types[name].shape
    batch = port.shape[0] if port.shape and isinstance(port.shape[0], int) and port.shape[0] > 0 else 1
    order = MAP if len(sizes) == 3 and not last_first else LAST[: len(sizes) + 1]
    flow = Flow(name, order, sizes, batch, port.kind)
    made = images or Images()
    if port.kind.kind != "f" or (made.scale, made.offset) == (1.0, 0.0):
        return flow
    c.builder.prefix = name
    return c.add(Affine(real(np.array(made.scale)), real(np.array(made.offset))), flow)


def _dtype(port: Port, images: Images | None) -> DType:
    """The graph's input type: what the caller says for real inputs, the model's own for whole numbers."""
    if port.kind.kind == "f":
        dtype = (images or Images()).dtype
        check_exact(port.kind, dtype.low, dtype.high, f"input {short(port.name)}")
        return dtype
    if not is_whole(port.kind) or bits(port.kind) > 16:
        raise UnsupportedError(
            f"takes {port.kind.name}, expected real numbers or whole ones of up to 16 bits",
            where=f"input {short(port.name)}",
        )
    return i(bits(port.kind)) if bounds(port.kind)[0] else u(bits(port.kind))


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
    """True when the image comes as [N, H, W, C]: what first reads its places says so.

    A layer of the standard has channels first. Where the image is only made a vector, one or three channels tell.
    """
    if port.shape is None or len(port.shape) != 4:
        return False
    same = {port.name}  # tensors with the image's axes
    for call in model.calls:
        if not same.intersection(call.inputs):
            continue
        if call.domain == CHANNELS_LAST or (call.op == "Transpose" and call.integers("perm") == (0, 3, 1, 2)):
            return True
        if call.op not in chains.WAITING:
            is_vector = call.op in ("Reshape", "Flatten", "Shape")
            return is_vector and port.shape[3] in (1, 3) and port.shape[1] not in (1, 3)
        same.update(call.outputs)
    return False
