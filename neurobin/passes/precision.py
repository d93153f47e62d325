"""How wide the numbers are that stay real in training and become fixed point when deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neurobin.errors import UsageError
from neurobin.ir import Json


@dataclass(frozen=True)
class Precision:
    """Bits of real weights, of real activations that a convolution reads, and of real feature maps kept for shortcuts."""

    weight_bits: int = 8
    activation_bits: int = 8
    map_bits: int = 16

    def __post_init__(self) -> None:
        for name in ("weight_bits", "activation_bits", "map_bits"):
            if not 2 <= getattr(self, name) <= 16:
                raise UsageError(f"{name} must lie in 2..16, got {getattr(self, name)}")


def from_meta(meta: Mapping[str, Json]) -> Precision:
    """The precision that a model file names, or the default. Raises UsageError when it makes no sense."""
    kept = meta.get("precision")
    if not isinstance(kept, dict):
        return Precision()
    try:
        return Precision(**{name: int(str(bits)) for name, bits in kept.items()})
    except (TypeError, ValueError):
        raise UsageError(f"precision must name weight_bits, activation_bits and map_bits, got {kept}") from None
