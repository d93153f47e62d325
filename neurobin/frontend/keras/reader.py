"""A description in JSON, parsed -> `Model`: Sequential and Functional models, and models within them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from neurobin.errors import FormatError, UnsupportedError
from neurobin.frontend.keras.model import MOST, WITHIN, Call, Layer, Model, Tensor, origin_of
from neurobin.frontend.limits import Limits
from neurobin.ir.container import short
from neurobin.ir.text import shown

MODELS = ("Functional", "Model", "Sequential", "BinaryDenseNet")  # the last is Larq Zoo's name for a Functional model
INPUT = "InputLayer"
DEPTH = 8  # of models within models
CONSTANT = "_CONSTANT_VALUE"  # stands where a layer's name would, before a constant operand
Node = tuple[list[Any], dict[str, Any]]  # (operands, keywords), with tensors as they are within one model


def model_of(config: object, version: str, limits: Limits) -> Model:
    """The network that a description says. Raises FormatError for what cannot be one, UnsupportedError for Keras 3."""
    kind, inner, origin = _class(config, "the description")
    if kind not in MODELS or origin:
        said = f"{kind} of {origin}" if origin else kind
        what = f"describes a {shown(said[:120])}, expected one of {', '.join(MODELS[:3])}"
        raise UnsupportedError(what, hint="a subclassed model is code: build it with the functional API")
    if version.partition(".")[0] not in ("2", ""):
        hint = "save it with tf.keras 2 (TF_USE_LEGACY_KERAS=1), or export the network to ONNX"
        raise UnsupportedError(f"was written by Keras {shown(version[:20])}, expected Keras 2", hint=hint)
    reader = _Reader(limits)
    layers = reader.layers(kind, inner, "", 0)
    root = Layer("", kind, inner, layers)
    start = Tensor("input")
    reader.known[start] = start
    outputs = reader.place(root, "", [start])
    if len(outputs) != 1 or len(reader.images) != 1:
        found = f"{len(reader.images)} inputs and {len(outputs)} outputs"
        raise UnsupportedError(f"a network with {found}, expected one of each")
    shape, kind = reader.images[0]
    return Model(_shape(shape), kind, start, outputs[0], tuple(reader.calls), layers, version)


def _class(stated: object, what: str) -> tuple[str, dict[str, Any], str]:
    """(class name, configuration, origin) of something serialised. Raises FormatError where it is nothing of the kind."""
    if not isinstance(stated, dict):
        raise FormatError(f"{what} is {short(stated)}, expected an object of JSON")
    kind, config = stated.get("class_name"), stated.get("config")
    if kind == "Sequential" and isinstance(config, list):  # before Keras 2.2.3
        config = {"layers": config}
    if not isinstance(kind, str) or not isinstance(config, dict):
        raise FormatError(f"{what} has no class_name and config", hint="is it what model.to_json() or model.save() wrote?")
    return kind, config, origin_of(stated)


def _shape(stated: object) -> tuple[int, ...]:
    """The shape of one image of a stated shape with the batch in front."""
    if not isinstance(stated, list) or not 2 <= len(stated) <= 4:
        raise UnsupportedError(f"its input has shape {short(stated)}, expected [null, features] to [null, H, W, C]")
    if any(size is None for size in stated[1:]):
        hint = "build the model for images of one size, with weights as they are"
        raise UnsupportedError(f"its input has shape {short(stated)}, some of it open", hint=hint)
    if not all(type(size) is int and 1 <= size < MOST for size in stated[1:]):
        raise FormatError(f"its input has shape {short(stated)}")
    return tuple(stated[1:])


@dataclass
class _Reader:
    """Calls so far, in order, and what the tensors of models within models are outside of them."""

    limits: Limits
    calls: list[Call] = field(default_factory=list)
    images: list[tuple[object, str]] = field(default_factory=list)  # shape, as stated, and type of the outermost inputs
    known: dict[Tensor, Tensor] = field(default_factory=dict)
    counted: int = 0  # layers
    applied: int = 0  # layers, and models, each time
    sizes: dict[str, int] = field(default_factory=dict)  # how many values state a layer's calls, by its path
    read: int = 0  # of those so far; those of a model's layers count each time that it is applied

    def layers(self, kind: str, config: Mapping[str, Any], path: str, depth: int) -> tuple[Layer, ...]:
        """A model's layers, and those of models among them. Raises FormatError for two of one name."""
        if depth > DEPTH:
            raise FormatError(f"nests models more than {DEPTH} deep")
        stated = config.get("layers")
        if not isinstance(stated, list):
            raise FormatError(f"a {kind} without a list of layers", where=f"model {shown(path)}" if path else "")
        found: dict[str, Layer] = {}
        for one in stated:
            self.counted += 1
            self.limits.check("nodes", self.counted, "the number of layers")
            inner, own, origin = _class(one, f"layer {len(found)}")
            name = own.get("name", one.get("name"))
            if not isinstance(name, str) or not name or len(name) > self.limits.text_bytes or WITHIN in name:
                raise FormatError(f"layer {len(found)} ({shown(inner[:80])}) has the name {short(name)}")
            if name in found:
                raise FormatError("two layers have this name", where=f"layer {short(name)}")
            place = f"{path}{WITHIN}{name}" if path else name
            parts = self.layers(inner, own, place, depth + 1) if inner in MODELS and not origin else ()
            self.sizes[place] = _count(one.get("inbound_nodes"))
            found[name] = Layer(place, inner, own | {"inbound_nodes": one.get("inbound_nodes")}, parts, origin)
        return tuple(found.values())

    def place(self, model: Layer, key: str, inputs: list[Tensor]) -> list[Tensor]:
        """Calls the layers of a model that is applied to these tensors, in order; its outputs."""
        self._applied(model)
        self.read += sum(self.sizes[layer.path] for layer in model.layers)
        self.limits.check("fields", self.read, "the number of values that state calls", model.where)
        if model.kind == "Sequential":
            return self._sequential(model, key, inputs)
        nodes = {layer.name: self._nodes(layer, key) for layer in model.layers}
        starts = [self._named(entry, key, model) for entry in _pairs(model, "input_layers")]
        if not key:
            inputs = [replace(inputs[0], index=number) for number in range(len(starts))] or inputs
        if len(starts) != len(inputs):
            raise model.refuse(f"is applied to {len(inputs)} tensors, it has {len(starts)} inputs")
        by_key = {f"{key}{WITHIN}{layer.name}": layer for layer in model.layers}
        for start, tensor in zip(starts, inputs, strict=True):
            layer = by_key.get(start.key)
            if layer is None or layer.kind != INPUT:
                raise model.refuse(f"begins at {short(start.name)}, which is no {INPUT}")
            self.known[start] = tensor
            if not key:
                self.images.append(_stated(layer))
        for layer, number in _ordered(model, nodes, key):
            operands, keywords = nodes[layer.name][number]
            self._apply(layer, Tensor(f"{key}{WITHIN}{layer.name}", number), operands, keywords)
        return [self._outside(self._named(entry, key, model), model) for entry in _pairs(model, "output_layers")]

    def _sequential(self, model: Layer, key: str, inputs: list[Tensor]) -> list[Tensor]:
        if len(inputs) != 1 or not model.layers:
            raise model.refuse(f"has {len(model.layers)} layers and is applied to {len(inputs)} tensors")
        if not key:
            stated, kind = _stated(model.layers[0])
            self.images.append((model.config.get("build_input_shape") if stated is None else stated, kind))
        at = inputs[0]
        for layer in model.layers:
            if layer.kind != INPUT:
                made = Tensor(f"{key}{WITHIN}{layer.name}")
                self._apply(layer, made, [at], {})
                at = self._outside(made, model)
        return [at]

    def _apply(self, layer: Layer, made: Tensor, operands: list[Any], keywords: dict[str, Any]) -> None:
        """One more call; a model's are those of its layers."""
        outside = [self._resolved(one, layer) for one in operands]
        if layer.kind in MODELS and not layer.origin:
            if any(keywords.get(name) for name in ("training", "mask")):
                raise layer.unsupported("is called for training, or with a mask")
            tensors = [one for one in outside if isinstance(one, Tensor)]
            results = self.place(layer, f"{made.key}#{made.node}", tensors)
            self.known |= {replace(made, index=number): tensor for number, tensor in enumerate(results)}
            return
        self._applied(layer)
        named = {name: self._resolved(value, layer) for name, value in keywords.items()}
        self.calls.append(Call(layer, made, tuple(outside), named))
        self.known[made] = made

    def _applied(self, layer: Layer) -> None:
        """Raises FormatError for too many: models within models may multiply them."""
        self.applied += 1
        self.limits.check("nodes", self.applied, "the number of times that layers are applied", layer.where)

    def _resolved(self, value: Any, layer: Layer) -> Any:
        if isinstance(value, Tensor):
            return self._outside(value, layer)
        return [self._resolved(one, layer) for one in value] if _holds_tensors(value) else value

    def _outside(self, tensor: Tensor, layer: Layer) -> Tensor:
        """What a tensor of a model is in the whole network; of a call with several results they count from its first."""
        if tensor in self.known:
            return self.known[tensor]
        first = self.known.get(replace(tensor, index=0))
        if first is None or first.key != tensor.key:
            raise layer.refuse(f"reads {short(tensor.name)}, which nothing makes")
        return replace(first, index=tensor.index)

    def _nodes(self, layer: Layer, key: str) -> dict[int, Node]:
        """A layer's calls in a Functional model by number; a model that begins at an input was called when it was made."""
        stated = layer.config.get("inbound_nodes")
        if layer.kind == INPUT:
            return {}
        if not isinstance(stated, list):
            raise layer.refuse("is in a Functional model and has no list inbound_nodes")
        self.limits.check("nodes", len(stated), "how often it is applied", layer.where)
        first = int(bool(layer.layers) and layer.layers[0].kind == INPUT)
        return {number: self._node(node, layer, key) for number, node in enumerate(stated, first)}

    def _node(self, node: object, layer: Layer, key: str) -> Node:
        """[[name, node, tensor, keywords], ...], or one of these: only one tensor."""
        if isinstance(node, dict):
            raise UnsupportedError("is described as Keras 3 does", where=layer.where, hint="save it with tf.keras 2")
        entries = [node] if isinstance(node, list) and node and isinstance(node[0], str) else node
        if not isinstance(entries, list) or not entries:
            raise layer.refuse(f"inbound_nodes holds {short(node)}, expected a list of [layer, node, tensor]")
        self.limits.check("list_length", len(entries), "the number of its operands", layer.where)
        operands: list[Any] = []
        keywords: dict[str, Any] = {}
        for entry in entries:
            if isinstance(entry, list) and len(entry) > 3 and isinstance(entry[3], dict):
                keywords |= entry[3]
            constant = isinstance(entry, list) and len(entry) >= 3 and entry[0] == CONSTANT
            operands.append(entry[2] if constant else self._named(entry, key, layer))
        return operands, {name: self._keyword(value, layer, key) for name, value in keywords.items()}

    def _keyword(self, value: Any, layer: Layer, key: str) -> Any:
        """A keyword's value, with tensors for [layer, node, tensor]."""
        if _is_name(value):
            return self._named(value, key, layer)
        if isinstance(value, list) and any(_is_name(one) for one in value):
            return [self._keyword(one, layer, key) for one in value]
        return value

    def _named(self, entry: object, key: str, layer: Layer) -> Tensor:
        if not (isinstance(entry, list) and _is_name(entry[:3])):
            raise layer.refuse(f"reads {short(entry)}, expected [layer, node, tensor]")
        return Tensor(f"{key}{WITHIN}{entry[0]}", entry[1], entry[2])


def _is_name(value: object) -> bool:
    """True for [layer, node, tensor]."""
    return (
        isinstance(value, list)
        and len(value) == 3
        and isinstance(value[0], str)
        and all(type(number) is int and 0 <= number < MOST for number in value[1:])
    )


def _holds_tensors(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(one, Tensor) for one in value)


def _tensors(node: Node) -> list[Tensor]:
    operands, keywords = node
    parts = [*operands, *keywords.values()]
    return [one for part in parts for one in (part if isinstance(part, list) else [part]) if isinstance(one, Tensor)]


def _pairs(model: Layer, name: str) -> list[object]:
    """The entries of input_layers or output_layers; one entry may stand for a list of it."""
    stated = model.config.get(name)
    if not isinstance(stated, list) or not stated:
        raise model.refuse(f"{name} is {short(stated)}, expected a list of [layer, node, tensor]")
    return [stated] if isinstance(stated[0], str) else stated


def _stated(layer: Layer) -> tuple[object, str]:
    """(the shape of the images that a layer is built for, None where it says nothing; their type)."""
    shape = layer.config.get("batch_input_shape", layer.config.get("batch_shape"))
    return shape, (layer.text("dtype", "float32") if layer.kind == INPUT else "float32")


def _count(value: object) -> int:
    """How many values there are in one of JSON, itself included."""
    waiting, count = [value], 0
    while waiting:
        count, one = count + 1, waiting.pop()
        waiting += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return count


def _ordered(model: Layer, nodes: Mapping[str, Mapping[int, Node]], key: str) -> list[tuple[Layer, int]]:
    """The calls of a model in an order of execution (Kahn). Raises FormatError at a cycle, or for a tensor nobody makes."""
    made = {
        (f"{key}{WITHIN}{layer.name}", number): (layer, number) for layer in model.layers for number in nodes[layer.name]
    }
    starts = {(f"{key}{WITHIN}{layer.name}", 0) for layer in model.layers if layer.kind == INPUT}
    readers: dict[tuple[str, int], list[tuple[str, int]]] = {}
    missing = dict.fromkeys(made, 0)
    for call, (layer, number) in made.items():
        for tensor in _tensors(nodes[layer.name][number]):
            source = (tensor.key, tensor.node)
            if source in made:
                missing[call] += 1
                readers.setdefault(source, []).append(call)
            elif source not in starts:
                raise layer.refuse(f"reads {short(tensor.name)}, call {tensor.node}, which nothing makes")
    ready = deque(call for call, count in missing.items() if count == 0)
    order = []
    while ready:
        call = ready.popleft()
        order.append(made[call])
        for reader in readers.get(call, ()):
            missing[reader] -= 1
            if missing[reader] == 0:
                ready.append(reader)
    if len(order) < len(made):
        waiting = next(made[call][0] for call, count in missing.items() if count)
        raise waiting.refuse("the calls of its model form a cycle")
    return order
