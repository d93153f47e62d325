"""Graph -> NIR, as far as NIR has words for it: linear nodes, scales, thresholds, sums; written as its HDF5 layout.

    sign         Threshold gives 0 and 1, Scale and a bias of a 1x1 convolution (or Affine) turn them into -1 and +1
    x >= t       x > the number before t; on integers x > t - 1/2
    max pool     of 0 and 1: Threshold of a SumPool2d at 1/2

Wide arithmetic, multi-level thresholds and saturation have no words: a graph that needs them is refused, op by op.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from neurobin.errors import UnsupportedError, UsageError
from neurobin.files import write_atomic
from neurobin.ir import BINARY, BIPOLAR, Graph, Node, TensorType

VERSION = "1.0.8"
Parameters = dict[str, "np.ndarray | str | int"]


class Writer:
    """Nodes and edges so far; every graph tensor is the output of a NIR node."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: dict[str, Parameters] = {}
        self.edges: list[tuple[str, str]] = []
        self.made: dict[str, str] = {}

    def add(self, name: str, kind: str, *sources: str, **parameters: Any) -> str:
        unique, number = name.replace("/", "_"), 1
        while unique in self.nodes:
            number += 1
            unique = f"{name.replace('/', '_')}_{number}"
        self.nodes[unique] = {"type": kind, **parameters}
        self.edges += [(source, unique) for source in sources]
        return unique

    def kind(self, node: Node, index: int = 0) -> TensorType:
        return self.graph.types[node.inputs[index]]


def to_nir(graph: Graph) -> Writer:
    """Nodes and edges. Raises UnsupportedError listing every op that NIR has no words for."""
    w = Writer(graph)
    problems = []
    for name, kind in graph.inputs.items():
        w.made[name] = w.add("input", "Input", shape=_shape(kind))
    for node in graph.nodes:
        try:
            rule = RULES.get(node.op.name)
            if rule is None:
                raise _refuse(node, "NIR has no word for it")
            w.made[node.name] = rule(w, node, node.op, *(w.made.get(name, "?") for name in node.inputs))
        except UnsupportedError as error:
            problems.append(str(error))
    if problems:
        raise UnsupportedError("; ".join(problems[:12]), where="NIR")
    w.add("output", "Output", w.made[graph.output], shape=_shape(graph.types[graph.output]))
    return w


def save_nir(graph: Graph, path: Path) -> None:
    """Write the network. Raises UnsupportedError, or UsageError without the h5py package."""
    try:
        import h5py
    except ImportError:
        raise UsageError("writing NIR needs the h5py package", hint="pip install 'neurobin[nir]'") from None
    made = to_nir(graph)
    text = h5py.string_dtype()
    image = io.BytesIO()
    with h5py.File(image, "w") as file:
        file.create_dataset("version", data=VERSION, dtype=text)
        root = file.create_group("node")
        root.create_dataset("type", data="NIRGraph", dtype=text)
        root.create_dataset("edges", data=np.array(made.edges, dtype=object), dtype=text)
        nodes = root.create_group("nodes")
        for name, parameters in made.nodes.items():
            group = nodes.create_group(name)
            for key, value in parameters.items():
                group.create_dataset(key, data=value, dtype=text if isinstance(value, str) else None)
    write_atomic(path, [image.getvalue()])


def _shape(kind: TensorType) -> np.ndarray:
    """[C, H, W] of (H, W, C), [F] of (F,)."""
    return np.array([kind.shape[-1], *kind.shape[:-1]])


def _refuse(node: Node, what: str) -> UnsupportedError:
    return UnsupportedError(what, where=f"node {node.name!r} ({node.op.name})")


def _per_element(kind: TensorType, values: np.ndarray) -> np.ndarray:
    """[C] or [1] as a value for every element of [C, H, W]."""
    shape = _shape(kind)
    return np.broadcast_to(values.reshape(-1, *(1,) * (len(shape) - 1)), shape).astype(np.float64)


def _scaled(op: Any) -> np.ndarray:
    scale = getattr(op, "scale", None)
    values = op.weight.values.astype(np.float64)
    return values if scale is None else values * scale.values.reshape(-1, *(1,) * (values.ndim - 1))


def _conv(w: Writer, node: Node, op: Any, x: str) -> str:
    top, left, bottom, right = op.padding
    if (top, left) != (bottom, right) or (op.pad_value and any(op.padding)):
        raise _refuse(node, f"padding {op.padding} with {op.pad_value}")
    return _conv_node(w, node, x, np.moveaxis(_scaled(op), -1, 1), np.zeros(len(op.weight.values)), op)


def _conv_node(w: Writer, node: Node, x: str, weight: np.ndarray, bias: np.ndarray, op: Any = None) -> str:
    """A convolution, of one place at a time where no op says otherwise."""
    one = np.array([1, 1])
    return w.add(
        node.name, "Conv2d", x, input_shape=np.array(w.kind(node).shape[:2]), weight=weight, bias=bias,
        stride=one if op is None else np.array(op.stride), dilation=one if op is None else np.array(op.dilation),
        padding=0 * one if op is None else np.array(op.padding[:2]), groups=1 if op is None else op.groups,
    )  # fmt: skip


def _dense(w: Writer, node: Node, op: Any, x: str) -> str:
    return w.add(node.name, "Linear", x, weight=_scaled(op))


def _affine(w: Writer, node: Node, op: Any, x: str) -> str:
    scale, bias = (getattr(part, "values", part) for part in (op.scale, op.bias))
    return _scale_and_bias(w, node, x, w.kind(node), np.asarray(scale), np.asarray(bias))


def _scale_and_bias(w: Writer, node: Node, x: str, kind: TensorType, scale: np.ndarray, bias: np.ndarray) -> str:
    channels = kind.channels
    if not bias.any():
        return w.add(node.name, "Scale", x, scale=_per_element(kind, scale))
    scale, bias = (np.broadcast_to(part, channels).astype(np.float64) for part in (scale, bias))
    if len(kind.shape) == 3:
        return _conv_node(w, node, x, np.diag(scale)[:, :, None, None], bias)
    return w.add(node.name, "Affine", x, weight=np.diag(scale), bias=bias)


def _multi_threshold(w: Writer, node: Node, op: Any, x: str) -> str:
    """One threshold per channel; where channels descend, -x is compared: x < t is -x > -t."""
    if op.thresholds.shape[1] != 1 or op.dtype not in (BINARY, BIPOLAR):
        raise _refuse(node, f"{op.thresholds.shape[1]} thresholds to {op.dtype}: a Threshold has one, to 0 and 1")
    kind, level = w.kind(node), op.thresholds.values[:, 0].astype(np.float64)
    down = op.descending.values.astype(bool)
    before = np.nextafter(level, -np.inf) if kind.dtype.is_float else level - 0.5
    if down.any():
        level, down = np.broadcast_arrays(level, down)
        x = w.add(f"{node.name}.turned", "Scale", x, scale=_per_element(kind, np.where(down, -1.0, 1.0)))
        before = np.where(down, -level if kind.dtype.is_float else 0.5 - level, before)
    bits = w.add(node.name, "Threshold", x, threshold=_per_element(kind, before))
    return bits if op.dtype == BINARY else _bipolar(w, node, bits)


def _sign(w: Writer, node: Node, op: Any, x: str) -> str:
    kind = w.kind(node)
    level = np.nextafter(op.threshold.values.astype(np.float64), -np.inf)
    return _bipolar(w, node, w.add(node.name, "Threshold", x, threshold=_per_element(kind, level)))


def _bipolar(w: Writer, node: Node, bits: str) -> str:
    """2 b - 1."""
    return _scale_and_bias(w, node, bits, w.graph.types[node.name], np.full(1, 2.0), np.full(1, -1.0))


def _flatten(w: Writer, node: Node, op: Any, x: str) -> str:
    kind = w.kind(node)
    if not op.channels_first and kind.channels > 1 and kind.size > kind.channels:
        raise _refuse(
            node,
            "channels-last order: NIR flattens channels first",
        )
    return w.add(node.name, "Flatten", x, start_dim=0, end_dim=-1, input_type=_shape(kind))


def _pool(name: str) -> Rule:
    def rule(w: Writer, node: Node, op: Any, x: str) -> str:
        top, left, bottom, right = op.padding
        if (top, left) != (bottom, right):
            raise _refuse(node, f"padding {op.padding}: NIR pads both sides alike")
        window = {"kernel_size": np.array(op.kernel), "stride": np.array(op.stride), "padding": np.array([top, left])}
        return w.add(node.name, name, x, **window)

    return rule


def _max_pool(w: Writer, node: Node, op: Any, x: str) -> str:
    """Of 0 and 1 alone; padding with 0 never wins."""
    if w.kind(node).dtype != BINARY or op.dilation != (1, 1):
        raise _refuse(node, f"a maximum of {w.kind(node).dtype}: NIR has sums, which stand for it on 0 and 1")
    total = _pool("SumPool2d")(w, node, op, x)
    return w.add(node.name, "Threshold", total, threshold=np.full(_shape(w.graph.types[node.name]), 0.5))


def _add(w: Writer, node: Node, op: Any, a: str, b: str) -> str:
    """Edges into one node are summed."""
    if op.dtype is not None or w.kind(node).shape != w.kind(node, 1).shape:
        raise _refuse(node, "a saturated or broadcast sum")
    return w.add(node.name, "Scale", a, b, scale=np.ones(_shape(w.graph.types[node.name])))


Rule = Callable[..., str]
RULES: dict[str, Rule] = {
    "add": _add,
    "affine": _affine,
    "avg_pool2d": _pool("AvgPool2d"),
    "batch_norm": _affine,
    "bit_conv2d": _conv,
    "bit_dense": _dense,
    "conv2d": _conv,
    "dense": _dense,
    "flatten": _flatten,
    "int_conv2d": _conv,
    "int_dense": _dense,
    "max_pool2d": _max_pool,
    "multi_threshold": _multi_threshold,
    "sign": _sign,
    "sum_pool2d": _pool("SumPool2d"),
}
