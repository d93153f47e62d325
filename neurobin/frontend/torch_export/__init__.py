"""`torch.export` programs -> Graph, by way of the operators of the ONNX standard.

An exported program is plain ATen arithmetic: layers, and whatever a quantizer computes around them, of Brevitas, of
`neurobin.nn` or of one's own. Each ATen call becomes calls of the checked model that ONNX files become, and the same
conversion makes the graph: it finds quantizers by evaluating them, so there is no list of libraries here.

    program    what does not depend on the image is computed, by torch; what writes or has open sizes is refused
    idioms     nodes that say what another one says
    weights    whole numbers times a scale, found in the weights
    elements, layers, pools, shapes    ATen's operators in terms of the standard's
"""

from __future__ import annotations

import operator
from typing import Any

from torch import fx
from torch.export import ExportedProgram

from neurobin.errors import GraphError, UnsupportedError, UsageError
from neurobin.frontend.images import Images
from neurobin.frontend.limits import DEFAULT, Limits
from neurobin.frontend.onnx.convert import to_graph
from neurobin.frontend.onnx.domains import OWN, STANDARD
from neurobin.frontend.onnx.model import Model, Port
from neurobin.frontend.onnx.sane import check
from neurobin.frontend.torch_export import elements, layers, pools, shapes
from neurobin.frontend.torch_export.idioms import operator_name
from neurobin.frontend.torch_export.operands import Arguments
from neurobin.frontend.torch_export.program import EVALUATE, Program, opened
from neurobin.frontend.torch_export.translation import Names, Translation, type_of
from neurobin.ir import Graph

RULES = elements.RULES | layers.RULES | pools.RULES | shapes.RULES
_NOTHING = ("aten._assert", "aten.sym_")  # checks that torch.export has made


def from_exported(program: ExportedProgram, images: Images | None = None, limits: Limits = DEFAULT) -> Graph:
    """The graph of a program exported in evaluation mode, of one image and one result: as trained, channels last.

        from_exported(torch.export.export(module.eval(), (example,)))

    The example's batch is the program's, and any will do. `images` says what the program's real inputs are made of: pixels
    of 8 bits over 255 unless told otherwise. Whole-number inputs are taken as they are.
    Raises UnsupportedError listing every operator that has no meaning in a graph, by its name and its node's; and for
    sizes that are not fixed, for buffers that are written, and for more than one input or result. UsageError for what is
    no program.
    """
    if not isinstance(program, ExportedProgram):
        raise UsageError(f"expected a torch.export.ExportedProgram, got {type(program).__name__}", hint=EVALUATE)
    model = model_of(opened(program))
    limits.check("nodes", len(model.calls), "the number of operators")
    check(model, limits)
    return to_graph(model, images, limits).with_meta(source="torch")


def model_of(read: Program) -> Model:
    """The program in the standard's operators. What has no meaning is a call of the domain "torch", whose name says why."""
    t = Translation(read)
    ports = []
    for image in read.images:
        kind, _ = type_of(t.example(image))
        ports.append(Port(image.name, kind, t.shape(image)))
        t.names[image] = image.name
    for node in read.nodes:
        if node.op == "call_function" and node not in read.known and not operator_name(node).startswith(_NOTHING):
            t.node = node
            t.names[node] = _translated(t, node)
    outputs = tuple(_output(t, node) for node in read.outputs)
    return Model(tuple(ports), tuple(t.calls), outputs, t.constants, {STANDARD: OWN})


def _translated(t: Translation, node: fx.Node) -> Names:
    name = operator_name(node)
    if node in t.program.same:
        other = t.program.meant(node)
        if other in t.spread:
            t.spread[node] = t.spread[other]
        return t.names[other]
    if node.target is operator.getitem:
        return _item(t, node)
    rule = RULES.get(name)
    if rule is None:
        return t.foreign(name)
    try:
        return rule(t, Arguments(node))
    except (UnsupportedError, GraphError) as error:
        return t.foreign(f"{name}: {error.what}")


def _item(t: Translation, node: fx.Node) -> str:
    """One of several results."""
    source: Any = node.args[0]
    names, index = t.names[source], node.args[1]
    if isinstance(names, str) or not isinstance(index, int):
        return names if isinstance(names, str) else t.foreign("getitem")
    return names[index] or t.foreign(f"{operator_name(source)}: result {index}, which no graph has")


def _output(t: Translation, node: fx.Node) -> str:
    t.node = node
    return t.tensor(node)


__all__ = ["RULES", "from_exported", "model_of"]
