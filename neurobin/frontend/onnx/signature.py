"""What an operator may be called with: its attributes, and how many tensors. The standard's comes from the onnx package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from neurobin.frontend.onnx.domains import CHANNELS_LAST, QONNX, STANDARD
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


def signature(domain: str, op: str, version: int) -> Signature | None:
    """That of an operator, or None when nobody here knows it."""
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
            index for index, one in enumerate(schema.inputs) if one.option != defs.OpSchema.FormalParameterOption.Single
        ),
        types=tuple(allowed.get(one.type_str, frozenset([one.type_str])) for one in schema.inputs),
    )


_QUANT = Signature(
    {"signed": INT, "narrow": INT, "rounding_mode": STRING},
    frozenset({"signed", "narrow"}),
    {"rounding_mode": "ROUND"},
    inputs=(4, 4),
)
_QONNX = {
    "Quant": _QUANT,
    "IntQuant": _QUANT,
    "BipolarQuant": Signature({}, inputs=(2, 2)),
    "MultiThreshold": Signature(
        {"out_dtype": STRING, "out_scale": FLOAT, "out_bias": FLOAT, "data_layout": STRING},
        frozenset({"out_dtype"}),
        {"out_scale": 1.0, "out_bias": 0.0, "data_layout": ""},
        inputs=(2, 2),
    ),
    "XnorPopcountMatMul": Signature({}, inputs=(2, 2)),
    "MaxPoolNHWC": Signature(
        {"kernel_shape": INTS, "strides": INTS, "pads": INTS, "ceil_mode": INT},
        frozenset({"kernel_shape", "strides", "pads"}),
        {"ceil_mode": 0},
    ),
    "DebugMarker": Signature({"debug_data": STRING, "id": STRING}),
}
_TRUNC = (
    Signature({"rounding_mode": STRING}, defaults={"rounding_mode": "FLOOR"}, inputs=(5, 5)),
    Signature(
        {"rounding_mode": STRING, "signed": INT, "narrow": INT},
        defaults={"rounding_mode": "FLOOR", "signed": 1, "narrow": 0},
        inputs=(6, 6),
    ),
)


def _qonnx(op: str, version: int) -> Signature | None:
    if op == "Trunc":
        return _TRUNC[version >= 2]
    return _QONNX.get(op)
