"""What an operator may be called with: its attributes, and how many tensors. The standard's comes from the onnx package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from neurobin.frontend.onnx.domains import CHANNELS_LAST, OWN, QONNX, STANDARD
from neurobin.frontend.onnx.model import Attribute

# AttributeProto.AttributeType
FLOAT, INT, STRING, TENSOR = 1, 2, 3, 4
FLOATS, INTS, STRINGS = 6, 7, 8


@dataclass(frozen=True)
class Signature:
    """Attribute types by name, which of them must be there, what stands for the others, and counts of tensors."""

    kinds: Mapping[str, int]
    required: frozenset[str] = frozenset()
    defaults: Mapping[str, Attribute] = field(default_factory=dict)
    inputs: tuple[int, int] = (1, 1)
    outputs: tuple[int, int] = (1, 1)
    optional: frozenset[int] = frozenset()  # inputs that may be left out as ""
    types: tuple[frozenset[str], ...] = ()  # allowed element types of each input, where the standard says
    kin: tuple[str, ...] = ()  # per input a name of its type: inputs of the same name are of one type
    results: tuple[frozenset[str], ...] = ()  # possible element types of each output, where the standard says


_UNCHECKED = Signature({})


def signature(domain: str, op: str, version: int) -> Signature | None:
    """That of an operator, or None when nobody here knows it."""
    if version == OWN:
        return _UNCHECKED
    if domain == STANDARD:
        return _standard(op, version)
    if domain == CHANNELS_LAST:
        return _standard(op, 13) if op in ("Conv", "MaxPool", "BatchNormalization") else None
    return _qonnx(op, version) if domain == QONNX else None


@cache
def _standard(op: str, version: int) -> Signature | None:
    from onnx import defs, helper

    if not defs.has(op, version, ""):
        return None
    schema = defs.get_schema(op, version, "")
    if schema.deprecated:
        return None
    allowed = {one.type_param_str: frozenset(one.allowed_type_strs) for one in schema.type_constraints}
    defaults: dict[str, Attribute] = {}
    for name, attribute in schema.attributes.items():
        if attribute.default_value.type:
            value = helper.get_attribute_value(attribute.default_value)
            defaults[name] = (
                value.decode() if isinstance(value, bytes) else tuple(value) if isinstance(value, list) else value
            )
    return Signature(
        kinds={name: int(attribute.type.value) for name, attribute in schema.attributes.items()},  # type: ignore[attr-defined]
        required=frozenset(name for name, attribute in schema.attributes.items() if attribute.required),
        defaults=defaults,
        inputs=(schema.min_input, schema.max_input),
        outputs=(schema.min_output, schema.max_output),
        optional=frozenset(
            index for index, one in enumerate(schema.inputs) if one.option == defs.OpSchema.FormalParameterOption.Optional
        ),
        types=tuple(allowed.get(one.type_str, frozenset([one.type_str])) for one in schema.inputs),
        kin=tuple(one.type_str for one in schema.inputs),
        results=tuple(allowed.get(one.type_str, frozenset([one.type_str])) for one in schema.outputs),
    )


_REALS = frozenset({"tensor(float)", "tensor(double)", "tensor(float16)"})


def _of_reals(kinds: Mapping[str, int], count: int, required: Iterable[str] = (), **defaults: Attribute) -> Signature:
    """That of an operator on so many tensors of real numbers, whatever the type of each."""
    kin = tuple(f"T{index}" for index in range(count))
    return Signature(kinds, frozenset(required), defaults, (count, count), types=(_REALS,) * count, kin=kin)


_POOL = {"kernel_shape": INTS, "strides": INTS, "pads": INTS, "ceil_mode": INT}
_QUANT = _of_reals({"signed": INT, "narrow": INT, "rounding_mode": STRING}, 4, ("signed", "narrow"), rounding_mode="ROUND")
_QONNX = {
    "Quant": _QUANT,
    "IntQuant": _QUANT,
    "BipolarQuant": _of_reals({}, 2),
    "MultiThreshold": _of_reals(
        {"out_dtype": STRING, "out_scale": FLOAT, "out_bias": FLOAT, "data_layout": STRING},
        2, ("out_dtype",), out_scale=1.0, out_bias=0.0, data_layout="",
    ),
    "XnorPopcountMatMul": _of_reals({}, 2),
    "MaxPoolNHWC": _of_reals(_POOL, 1, ("kernel_shape", "strides", "pads"), ceil_mode=0),
    "DebugMarker": Signature({"debug_data": STRING, "id": STRING}),
}  # fmt: skip
_TRUNC = (
    _of_reals({"rounding_mode": STRING}, 5, rounding_mode="FLOOR"),
    _of_reals({"rounding_mode": STRING, "signed": INT, "narrow": INT}, 6, rounding_mode="FLOOR", signed=1, narrow=0),
)


def _qonnx(op: str, version: int) -> Signature | None:
    if op == "Trunc":
        return _TRUNC[version >= 2]
    return _QONNX.get(op)
