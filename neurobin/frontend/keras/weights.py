"""Which stored array is which weight of which layer.

`model.save("x.h5")` and `save_weights("x.h5")` keep a group per layer with the attribute `weight_names`, in the order of
`layer_names`; Keras fills layers in that order, whatever their names. So names decide here only where they are the same.
A `.keras` archive numbers a layer's weights, in a group called after the class of the layer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neurobin.errors import FormatError
from neurobin.frontend.hdf5.reading import Content
from neurobin.frontend.keras.model import Layer
from neurobin.frontend.onnx.sane import check_numbers
from neurobin.ir.container import short
from neurobin.ir.text import shown

Weights = Mapping[str, Mapping[str, np.ndarray]]  # by the layer's path, then by role: kernel, bias, ...
_MOVING = ("moving_mean", "moving_variance")
_NUMBERED = re.compile(r"(?:_\d+)?(?::\d+)?$")  # kernel:0, kernel_1:0
_CONTAINERS = ("layers", "_layer_checkpoint_dependencies")  # as of Keras 2.15, and before
NAMED = 8  # at most so many are said one by one


def roles(layer: Layer) -> tuple[str, ...]:
    """The weights that a layer has, in Keras's order."""
    bias = ("bias",) if layer.config.get("use_bias", True) else ()
    kind = layer.kind.removeprefix("Quant")
    if kind in ("Conv2D", "Dense"):
        return ("kernel", *bias)
    if kind == "DepthwiseConv2D":
        return ("depthwise_kernel", *bias)
    if kind == "SeparableConv2D":
        return ("depthwise_kernel", "pointwise_kernel", *bias)
    if kind == "BatchNormalization":
        gamma = ("gamma",) if layer.flag("scale", True) else ()
        return (*gamma, *(("beta",) if layer.flag("center", True) else ()), *_MOVING)
    return ("alpha",) if kind == "PReLU" else ()


@dataclass(frozen=True)
class _Slot:
    """One weight of one layer."""

    layer: Layer
    role: str

    @property
    def is_trainable(self) -> bool:
        return self.role not in _MOVING and self.layer.config.get("trainable", True) is not False


def _slots(layer: Layer) -> list[_Slot]:
    """Those of a layer, and of the layers of a model: a file keeps what is trained first, then the rest."""
    inner = [slot for part in layer.layers for slot in _slots(part)]
    slots = [_Slot(layer, role) for role in roles(layer)] + inner
    return sorted(slots, key=lambda slot: not slot.is_trainable)


def has_weights(layers: Sequence[Layer]) -> bool:
    return any(_slots(layer) for layer in layers)


def by_group(layers: Sequence[Layer], content: Content, root: str) -> Weights:
    """The weights in a file of `model.save` (root `model_weights`) or `model.save_weights` (root "").

    Raises FormatError where they are not those of these layers.
    """
    stored = {name: _list(content, _under(root, name), "weight_names") for name in _list(content, root, "layer_names")}
    wanted = {layer.name: slots for layer in layers if (slots := _slots(layer))}
    found: dict[str, dict[str, np.ndarray]] = {}
    for name, group in _matched([name for name, stated in stored.items() if stated], list(wanted)).items():
        slots, stated = wanted[name], stored[group]
        if len(stated) != len(slots):
            raise FormatError(f"has {len(slots)} weights, the file {len(stated)} for it", where=f"layer {shown(name)}")
        for slot, inner in zip(_named(slots, stated), stated, strict=True):
            found.setdefault(slot.layer.path, {})[slot.role] = _array(content, _under(root, f"{group}/{inner}"), slot)
    return found


def _under(root: str, name: str) -> str:
    return f"{root}/{name}" if root else name


def _list(content: Content, group: str, name: str) -> list[str]:
    """An attribute that is a list of texts."""
    stated = content.attribute(group, name)
    if not isinstance(stated, list):
        where = f"group {shown(group)}" if group else ""
        hint = "is it what model.save() or model.save_weights() of Keras 2 wrote?"
        raise FormatError(f"has no list {name}", where=where, hint=hint)
    return stated


def _matched(groups: list[str], wanted: list[str]) -> dict[str, str]:
    """The group of each layer: that of its name, or, where names differ, one after the other as Keras does."""
    if sorted(groups) == sorted(wanted):
        return {name: name for name in wanted}
    if len(groups) != len(wanted):
        missing = _few([name for name in wanted if name not in groups])
        unknown = _few([name for name in groups if name not in wanted])
        what = f"the network has {len(wanted)} layers with weights, the file {len(groups)}"
        raise FormatError(f"{what} (missing: {missing}; unknown: {unknown})", hint="are they another network's weights?")
    return dict(zip(wanted, groups, strict=True))


def _few(names: Sequence[str]) -> str:
    return ", ".join(shown(name[:80]) for name in names[:NAMED]) + ", ..." * (len(names) > NAMED) or "none"


def _named(slots: list[_Slot], group: list[str]) -> list[_Slot]:
    """The slots in the order of a group's weights. By role, where each has one; else in Keras's order.

    Raises FormatError where a weight's own name says that it is another one's.
    """
    said = [_NUMBERED.sub("", name.rpartition("/")[2]) for name in group]
    if len({slot.layer.path for slot in slots}) == 1:
        by_role = {slot.role: slot for slot in slots}
        if sorted(said) == sorted(by_role):
            return [by_role[role] for role in said]
    for slot, name, role in zip(slots, group, said, strict=True):
        if role != slot.role:
            raise FormatError(f"its {slot.role} would be {short(name)}", where=slot.layer.where)
    return slots


def by_path(layers: Sequence[Layer], content: Content, version: str) -> Weights:
    """The weights in the archive that Keras of this version, 2.13 or later, wrote.

    Up to 2.14 the layers are kept as a table in which those with weights stand twice; 2.13 counts them so. Raises
    FormatError where a weight is missing or too many.
    """
    container = next((one for one in _CONTAINERS if content.has(one)), _CONTAINERS[0])
    twice = container != _CONTAINERS[0] and version.startswith("2.13")
    found: dict[str, dict[str, np.ndarray]] = {}
    waiting = [(layers, container)]
    while waiting:
        inner, group = waiting.pop()
        used: Counter[str] = Counter()
        for layer in inner:
            name, wanted = _snake_case(layer.kind), roles(layer)
            place = f"{group}/{name}_{used[name]}" if used[name] else f"{group}/{name}"
            used[name] += 2 if twice and has_weights([layer]) else 1
            for number, role in enumerate(wanted):
                found.setdefault(layer.path, {})[role] = _array(content, f"{place}/vars/{number}", _Slot(layer, role))
            if f"{place}/vars/{len(wanted)}" in content.arrays:
                raise layer.refuse(f"has {len(wanted)} weights, the file more for it")
            waiting.append((layer.layers, f"{place}/{container}"))
    return found


def _snake_case(kind: str) -> str:
    """A class's name as Keras names groups: QuantConv2D is quant_conv2d, PReLU p_re_lu."""
    apart = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", kind)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", apart).lower()


def _array(content: Content, place: str, slot: _Slot) -> np.ndarray:
    """A stored weight in float32. Raises FormatError where it is missing, of another type or holds NaN."""
    values = content.arrays.get(place)
    if values is None:
        raise slot.layer.refuse(f"its {slot.role} is not in the file, at {short(place)}")
    if values.dtype.kind != "f":
        raise slot.layer.refuse(f"its {slot.role} is of type {values.dtype.name}, expected float32")
    check_numbers(values, f"{slot.layer.where}, {slot.role}")
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    check_numbers(narrow, f"{slot.layer.where}, {slot.role}")
    return narrow
