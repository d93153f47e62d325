"""An exported program as it is read: its numbers, what of it does not depend on the image, and what it may not do.

Whatever is computed of parameters, buffers and numbers alone is computed here, by torch's own operators: scales, quantized
weights, thresholds. What is left is the way from the image to the scores.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx
from torch.export import ExportedProgram

from neurobin.errors import UnsupportedError
from neurobin.frontend.torch_export.idioms import aliases, operator_name

EVALUATE = "export module.eval(), with an example of fixed size: torch.export.export(module.eval(), (example,))"
_SYMBOLS = torch.SymInt | torch.SymFloat | torch.SymBool
# Operators that take only the shape and the type from the operand of that number: what they make is known without it.
BY_SHAPE = {
    "aten.zeros_like.default": 0,
    "aten.ones_like.default": 0,
    "aten.full_like.default": 0,
    "aten.new_ones.default": 0,
    "aten.new_zeros.default": 0,
    "aten.new_full.default": 0,
    "aten.type_as.default": 1,
    "aten.expand_as.default": 1,
}


@dataclass(frozen=True)
class Program:
    """Nodes in order, functional: nothing is written in place. `known` are those that do not depend on `image`."""

    nodes: tuple[fx.Node, ...]
    images: tuple[fx.Node, ...]
    outputs: tuple[fx.Node, ...]
    known: Mapping[fx.Node, Any]  # tensors, and tuples of them
    same: Mapping[fx.Node, fx.Node]  # nodes that mean what another does

    def meant(self, node: fx.Node) -> fx.Node:
        """The node that says what this one is."""
        while node in self.same:
            node = self.same[node]
        return node


def opened(exported: ExportedProgram) -> Program:
    """The program without operators in place.

    Raises UnsupportedError for sizes that are not fixed, and for programs that write what they read again.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch copies its own types, some of them deprecated
        program = exported.run_decompositions({})
    signature = program.graph_signature
    if signature.user_inputs_to_mutate:
        raise UnsupportedError(f"writes into its input {_listed(signature.user_inputs_to_mutate.values())}", hint=EVALUATE)
    nodes = tuple(program.graph.nodes)
    given = _given(program, nodes)
    same = aliases(nodes)
    known = _computed(nodes, given, same)
    _check_sizes(nodes, known)
    _check_writes(program, nodes, given, known, same)
    inputs = set(signature.user_inputs)
    images = tuple(node for node in nodes if node.op == "placeholder" and node.name in inputs and _is_tensor(node))
    wanted = set(signature.user_outputs)
    outputs = tuple(node for node in nodes if node.name in wanted)
    return Program(nodes, images, outputs, known, same)


def _listed(names: Any) -> str:
    return ", ".join(repr(str(name)) for name in names)


def _is_tensor(node: fx.Node) -> bool:
    return isinstance(node.meta.get("val"), Tensor)


def _check_sizes(nodes: Sequence[fx.Node], known: Mapping[fx.Node, Any]) -> None:
    """Raises UnsupportedError where a size is a symbol, of the input or made of what is computed from it."""
    for node in nodes:
        value = node.meta.get("val")
        sizes = list(value.shape) if isinstance(value, Tensor) else [value]
        if node not in known and any(isinstance(size, _SYMBOLS) for size in sizes):
            stated = f"shape {[str(size) for size in sizes]}" if isinstance(value, Tensor) else "a number that is not fixed"
            raise UnsupportedError(f"{node.name} has {stated}", hint=f"{EVALUATE}, without dynamic_shapes")


def _given(program: ExportedProgram, nodes: Sequence[fx.Node]) -> dict[fx.Node, Any]:
    """Parameters, buffers and constants by the node that stands for them."""
    signature = program.graph_signature
    targets = signature.inputs_to_parameters | signature.inputs_to_buffers | signature.inputs_to_lifted_tensor_constants
    found: dict[fx.Node, Any] = {}
    for node in nodes:
        if node.op == "placeholder" and node.name in targets:
            target = targets[node.name]
            value = program.state_dict[target] if target in program.state_dict else program.constants[target]
            if isinstance(value, Tensor):
                found[node] = value.detach().cpu()
    return found


def _computed(nodes: Sequence[fx.Node], given: Mapping[fx.Node, Any], same: Mapping[fx.Node, fx.Node]) -> dict[fx.Node, Any]:
    """All that can be computed of `given`, and that itself."""
    found = dict(given)
    for node in nodes:
        if node.op != "call_function":
            continue
        if node in same:
            if same[node] in found:
                found[node] = found[same[node]]
        elif _is_pure(node.target) and all(source in found or _by_shape(node, source) for source in node.all_input_nodes):
            try:
                found[node] = _result(node, found)
            except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError):
                continue  # left to the translation, which names it
    return found


def _is_pure(target: Any) -> bool:
    """True for torch's own operators that draw no random numbers."""
    if getattr(target, "__module__", "") in ("_operator", "math"):  # of numbers that parameters hold
        return True
    known = isinstance(target, torch._ops.OpOverload) and target.namespace == "aten"
    return known and torch.Tag.nondeterministic_seeded not in target.tags


def _by_shape(node: fx.Node, source: fx.Node) -> bool:
    """True for an operand of which only shape and type count."""
    place = BY_SHAPE.get(operator_name(node))
    alone = sum(argument is source for argument in node.args) == 1
    return place is not None and alone and node.args[place] is source and _is_tensor(source)


def _result(node: fx.Node, found: Mapping[fx.Node, Any]) -> Any:
    def value(source: fx.Node) -> Any:
        if source in found:
            return found[source]
        like = source.meta["val"]
        return torch.zeros((), dtype=like.dtype).expand(like.shape)

    keywords = {name: part for name, part in node.kwargs.items() if name != "device"}
    with torch.no_grad():
        return node.target(*fx.map_arg(node.args, value), **fx.map_arg(keywords, value))  # type: ignore[operator]


def _check_writes(
    program: ExportedProgram,
    nodes: Sequence[fx.Node],
    given: Mapping[fx.Node, Any],
    known: Mapping[fx.Node, Any],
    same: Mapping[fx.Node, fx.Node],
) -> None:
    """Raises UnsupportedError unless what is written leaves every later run the same.

    Quantizers that clip their weights in place do; running statistics do not.
    """
    signature = program.graph_signature
    written = dict(signature.buffers_to_mutate) | dict(getattr(signature, "parameters_to_mutate", {}))
    by_name = {node.name: node for node in nodes}
    from_image = [target for name, target in written.items() if by_name[name] not in known]
    if from_image:
        raise UnsupportedError(f"writes {_listed(from_image)} from the image: training mode", hint=EVALUATE)
    if not written:
        return
    places = {target: name for name, target in (signature.inputs_to_parameters | signature.inputs_to_buffers).items()}
    after = dict(given) | {by_name[places[target]]: known[by_name[name]] for name, target in written.items()}
    again = _computed(nodes, after, same)
    readers = [node for node in nodes if node.op == "call_function" and node not in known]
    read = {source for node in readers for source in node.all_input_nodes if source in known}
    if not all(_equal(known[node], again[node]) for node in read):
        raise UnsupportedError(
            f"writes {_listed(written.values())}, which changes what the next run computes", hint=EVALUATE
        )


def _equal(a: Any, b: Any) -> bool:
    """Of tensors, of numbers, and of tuples of them."""
    if isinstance(a, tuple | list):
        return all(_equal(one, other) for one, other in zip(a, b, strict=True))
    return torch.equal(a, b) if isinstance(a, Tensor) else bool(a == b)
