"""How the tensors between steps lie in memory: narrow integers, bit planes, or maps with a border for the next layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from neurobin.exec.kernels import Linear, Moves, Pool
from neurobin.exec.kernels.layout import LANES, Border, Form, Layout, aligned, bits, extent, narrowest
from neurobin.exec.kernels.means import Means, prefers_bits
from neurobin.exec.kernels.micro import STEP
from neurobin.exec.kernels.planes import planes_of
from neurobin.exec.plan.steps import Step
from neurobin.ir import Graph, TensorType


def is_flat(graph: Graph, step: Step, layouts: Mapping[str, Layout]) -> bool:
    """Whether a step may treat a map of few channels as one long vector: no constant and no operand knows positions."""
    shapes = {graph.types[name].shape for node in step.nodes for name in (node.name, *node.inputs)}
    constants = (c for node in step.nodes for c in node.op.constants().values())
    return (
        step.root is None
        and len(shapes) == 1
        and extent(next(iter(shapes)))[2] < LANES
        and all(c.values.size == 1 for c in constants)
        and all(layouts[name].is_dense for name in step.reads)
    )


Readers = Mapping[str, Sequence[Step]]


def choose(graph: Graph, name: str, readers: Readers, means: Means, wanted: Set[str], may_pack: bool = True) -> Layout:
    """The layout of a tensor that a step writes, from the steps that read it; `may_pack` where the step can make bits."""
    kind = graph.types[name]
    if may_pack and not means.bytes.tiles and wants_bits(graph, name, readers, means, wanted):
        return bits(kind)
    return aligned(kind) if name in wanted else aligned(kind, _border(kind, readers[name], name, means))


def wants_bits(graph: Graph, name: str, readers: Readers, means: Means, wanted: Set[str]) -> bool:
    """Whole words of channels that only popcount layers read, perhaps through maxima of single bits or as a vector."""
    kind = graph.types[name]
    planes = planes_of(kind.dtype) if kind.dtype.bits <= 8 else ()
    if not planes or kind.channels % STEP or not readers[name] or name in wanted:
        return False
    single = len(planes) == 1 and planes[0].weight > 0

    def takes(step: Step) -> bool:
        if isinstance(step.request, Linear):
            counted = prefers_bits(step.request, bits(kind), means)
            return counted and step.root is not None and name in step.root.inputs and name not in _body_reads(step)
        passed_on = (isinstance(step.request, Pool) and step.request.kind == "max") or _is_flattening(step)
        return single and passed_on and step.root is not None and wants_bits(graph, step.root.name, readers, means, wanted)

    return all(takes(step) for step in readers[name])


def _is_flattening(step: Step) -> bool:
    root = step.root
    return (
        root is not None
        and isinstance(step.request, Moves)
        and root.op.view
        and not getattr(root.op, "channels_first", False)
    )


def _body_reads(step: Step) -> set[str]:
    return {name for node in step.body for name in node.inputs}


def _border(kind: TensorType, readers: Sequence[Step], name: str, means: Means) -> Border:
    """What the first layer that can read the map in place needs around it."""
    bordered = means.bytes.tiles and narrowest(kind.dtype) in (Form.S8, Form.U8)
    layer = _in_place(readers, name) if bordered else None
    return Border(*layer.frame.before) if layer else Border()


def pad_value(readers: Sequence[Step], name: str) -> int:
    """The value in the border that `choose` gave."""
    layer = _in_place(readers, name)
    return layer.pad_value if layer else 0


def _in_place(readers: Sequence[Step], name: str) -> Linear | None:
    """The first layer that can read a map as it lies, if that has a border."""
    layers = (step.request for step in readers if step.root is not None and name in step.root.inputs)
    return next((layer for layer in layers if isinstance(layer, Linear) and layer.frame.is_unit), None)
