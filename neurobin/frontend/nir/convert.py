"""`NirModel` -> `Graph`. NIR's maps are (C, H, W), the graph's channels last; several edges into one node are summed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod

import numpy as np

from neurobin.errors import FormatError, GraphError, UnsupportedError
from neurobin.frontend.images import Images
from neurobin.frontend.limits import Limits
from neurobin.frontend.nir.reader import NirModel, NirNode
from neurobin.frontend.onnx.convert.conversion import real, tidy
from neurobin.frontend.onnx.convert.values import Fixed
from neurobin.frontend.onnx.convert.weights import weight_and_scale
from neurobin.ir import BINARY, FLOAT64, Builder, Constant, Graph, Op, TensorType
from neurobin.ops.add import Add
from neurobin.ops.affine import Affine
from neurobin.ops.avg_pool2d import AvgPool2d
from neurobin.ops.conv2d import Conv2d
from neurobin.ops.dense import Dense
from neurobin.ops.flatten import Flatten
from neurobin.ops.multi_threshold import MultiThreshold
from neurobin.ops.sum_pool2d import SumPool2d
from neurobin.passes.fixed_point import integers


@dataclass
class _Conversion:
    """The graph so far, and each node's tensor."""

    builder: Builder
    tensors: dict[str, str] = field(default_factory=dict)

    def add(self, node: NirNode, op: Op, *sources: str) -> str:
        self.builder.prefix = tidy(node.name)
        return self.builder.add(op, *sources)


def to_graph(model: NirModel, images: Images | None, limits: Limits) -> Graph:
    """The graph as trained. Raises UnsupportedError listing every node without a meaning here, or at a cycle."""
    ends = {kind: [node for node in model.nodes.values() if node.kind == kind] for kind in ("Input", "Output")}
    if [len(found) for found in ends.values()] != [1, 1]:
        found = f"{len(ends['Input'])} inputs and {len(ends['Output'])} outputs"
        raise UnsupportedError(f"a network with {found}, expected one of each")
    unknown = [node for node in model.nodes.values() if node.kind not in RULES]
    if unknown:
        named = ", ".join(sorted({node.where for node in unknown})[:8])
        raise UnsupportedError(f"no meaning for {named}: neurons here have no state", hint="Threshold is the neuron without")
    start, made = ends["Input"][0], images or Images()
    c = _Conversion(Builder({tidy(start.name): TensorType(_last(start, start.sizes("shape"), limits), made.dtype)}))
    for name in _ordered(model):
        node = model.nodes[name]
        sources = [c.tensors[before] for before, after in model.edges if after == name]
        try:
            c.tensors[name] = _image(c, node, made) if node is start else RULES[node.kind](c, node, _sum(c, node, sources))
        except GraphError as error:
            raise FormatError(error.what, where=node.where) from None
    return c.builder.graph(c.tensors[ends["Output"][0].name], source="nir").pruned()


def _last(node: NirNode, shape: tuple[int, ...], limits: Limits) -> tuple[int, ...]:
    """(H, W, C) of (C, H, W), (F,) of itself."""
    if len(shape) not in (1, 3) or min(shape) < 1:
        raise UnsupportedError(f"has shape {list(shape)}, expected (F) or (C, H, W)", where=node.where)
    limits.check_tensor(shape, np.dtype(np.float64), node.where)
    return (*shape[1:], shape[0])


def _ordered(model: NirModel) -> list[str]:
    """Names in an order of execution (Kahn). Raises UnsupportedError when there is a cycle."""
    missing = {name: sum(after == name for _, after in model.edges) for name in model.nodes}
    ready, order = deque(sorted(name for name, count in missing.items() if count == 0)), []
    readers: dict[str, list[str]] = {}
    for before, after in model.edges:
        readers.setdefault(before, []).append(after)
    while ready:
        order.append(ready.popleft())
        for reader in readers.get(order[-1], ()):
            missing[reader] -= 1
            if missing[reader] == 0:
                ready.append(reader)
    if len(order) < len(model.nodes):
        waiting = min(name for name, count in missing.items() if count)
        raise UnsupportedError("its edges form a cycle, which takes time", where=f"node {waiting!r}")
    return order


def _image(c: _Conversion, node: NirNode, made: Images) -> str:
    """The input as real numbers."""
    name = next(iter(c.builder.inputs))
    if (made.scale, made.offset) == (1.0, 0.0):
        return name
    return c.add(node, Affine(real(np.array(made.scale)), real(np.array(made.offset))), name)


def _sum(c: _Conversion, node: NirNode, sources: list[str]) -> str:
    if not sources:
        raise FormatError("nothing leads to it", where=node.where)
    total = sources[0]
    for source in sources[1:]:
        total = c.add(node, Add(), total, source)
    return total


def _by_channel(c: _Conversion, node: NirNode, name: str, source: str) -> np.ndarray:
    """[C] or [1] of a parameter with a value per element or per channel. Raises UnsupportedError where places differ."""
    values, sizes = node.array(name).astype(np.float64), c.builder.types[source].shape
    channels = sizes[-1]
    if values.size == 1:
        return values.reshape(1)
    if values.shape == (channels, *sizes[:-1]):
        flat = values.reshape(channels, -1)
        if (flat == flat[:, :1]).all():
            return np.asarray(flat[:, 0])
        raise UnsupportedError(f"{name} varies over the places of a map", where=node.where)
    if values.size == channels:
        return values.reshape(-1)
    raise FormatError(f"{name} has shape {list(values.shape)} for a tensor of {sizes}", where=node.where)


def _weights(node: NirNode, axes: int) -> np.ndarray:
    values = node.array("weight")
    if values.ndim != axes or 0 in values.shape:
        raise FormatError(f"weight has shape {list(values.shape)}, expected {axes} axes", where=node.where)
    return values.astype(np.float64)


def _biased(c: _Conversion, node: NirNode, source: str) -> str:
    bias = node.array("bias").astype(np.float64).reshape(-1)
    return c.add(node, Affine(bias=real(bias)), source) if bias.any() else source


def _linear(c: _Conversion, node: NirNode, x: str) -> str:
    return c.add(node, Dense(*weight_and_scale(Fixed(_weights(node, 2)))), x)


def _affine(c: _Conversion, node: NirNode, x: str) -> str:
    weight = _weights(node, 2)
    if _is_diagonal(weight):
        return _biased(c, node, c.add(node, Affine(real(np.diag(weight))), x))
    return _biased(c, node, _linear(c, node, x))


def _pair(node: NirNode, name: str) -> tuple[int, int]:
    sizes = node.sizes(name)
    if len(sizes) not in (1, 2):
        raise FormatError(f"{name} is {list(sizes)}, expected one or two numbers", where=node.where)
    return (sizes[0], sizes[-1])


def _conv(c: _Conversion, node: NirNode, x: str) -> str:
    values = _weights(node, 4)
    stride, dilation, (groups,) = _pair(node, "stride"), _pair(node, "dilation"), node.sizes("groups")
    padding = _padding(node, values.shape[2:], stride, dilation)
    if values.shape[2:] == stride == (1, 1) and not any(padding) and groups == 1 and _is_diagonal(values[:, :, 0, 0]):
        return _biased(c, node, c.add(node, Affine(real(np.diag(values[:, :, 0, 0]))), x))
    weight, scale = weight_and_scale(Fixed(values.transpose(0, 2, 3, 1)))
    return _biased(c, node, c.add(node, Conv2d(weight, scale, stride, padding, 0, dilation, groups), x))


def _is_diagonal(matrix: np.ndarray) -> bool:
    return matrix.shape[0] == matrix.shape[1] and not (matrix - np.diag(np.diag(matrix))).any()


def _padding(
    node: NirNode, kernel: tuple[int, ...], stride: tuple[int, int], dilation: tuple[int, int]
) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) from one or two numbers, or from the words that torch has."""
    if "padding" not in node.texts:
        vertical, horizontal = _pair(node, "padding")
        return (vertical, horizontal, vertical, horizontal)
    word = node.texts["padding"]
    if word == "valid":
        return (0, 0, 0, 0)
    if word != "same" or stride != (1, 1):
        raise UnsupportedError(f"padding {word!r} with stride {stride}", where=node.where)
    down, across = (d * (k - 1) for k, d in zip(kernel, dilation, strict=True))
    return (down // 2, across // 2, down - down // 2, across - across // 2)


def _threshold(c: _Conversion, node: NirNode, x: str) -> str:
    """1 where x > threshold: from the next number on, among integers from the next integer on."""
    stated = _by_channel(c, node, "threshold", x)
    rows = (stated[:1] if (stated == stated[0]).all() else stated)[:, None]
    if c.builder.types[x].dtype.is_float:
        return c.add(node, MultiThreshold(Constant(FLOAT64, np.nextafter(rows, np.inf)), BINARY), x)
    return c.add(node, MultiThreshold(integers((np.floor(rows) + 1).astype(np.int64)), BINARY), x)


def _flatten(c: _Conversion, node: NirNode, x: str) -> str:
    """From the first axis of an example to the last; NIR counts no batch axis, some writers do (start_dim 1)."""
    start, end, axes = *node.sizes("start_dim"), *node.sizes("end_dim"), len(c.builder.types[x].shape)
    if axes == 1:
        return x
    if start not in (0, 1) or end not in (-1, axes - 1, axes) or (start == 1 and _counts_no_batch(node, axes)):
        raise UnsupportedError(f"flattens axes {start} to {end} of {axes}", where=node.where)
    return c.add(node, Flatten(channels_first=prod(c.builder.types[x].shape[:-1]) > 1), x)


def _counts_no_batch(node: NirNode, axes: int) -> bool:
    """True where the node states the shape of an example alone, so that axis 1 is not its first."""
    return "input_type" in node.arrays and node.arrays["input_type"].size == axes and node.sizes("input_type")[0] > 1


def _pool(op: type[SumPool2d] | type[AvgPool2d]) -> Rule:
    def rule(c: _Conversion, node: NirNode, x: str) -> str:
        padding = _pair(node, "padding")
        return c.add(node, op(_pair(node, "kernel_size"), _pair(node, "stride"), (*padding, *padding)), x)

    return rule


Rule = Callable[[_Conversion, NirNode, str], str]
RULES: dict[str, Rule] = {
    "Input": lambda c, node, x: x,
    "Output": lambda c, node, x: x,
    "Identity": lambda c, node, x: x,
    "Linear": _linear,
    "Affine": _affine,
    "Scale": lambda c, node, x: c.add(node, Affine(real(_by_channel(c, node, "scale", x))), x),
    "Conv2d": _conv,
    "Threshold": _threshold,
    "Flatten": _flatten,
    "SumPool2d": _pool(SumPool2d),
    "AvgPool2d": _pool(AvgPool2d),
}
