"""Functions that a layer names: activations and quantizers, as a word or serialised with their configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neurobin.frontend.keras.model import Layer, origin_of
from neurobin.ir.container import short
from neurobin.ir.text import shown

# Larq's words for its classes, and names of before.
_ALIASES = {
    "ste_sign": "SteSign",
    "approx_sign": "ApproxSign",
    "swish_sign": "SwishSign",
    "magnitude_aware_sign": "MagnitudeAwareSign",
    "ste_tern": "SteTern",
    "ste_heaviside": "SteHeaviside",
    "dorefa_quantizer": "DoReFa",
    "DoReFaQuantizer": "DoReFa",
    "NoOpQuantizer": "NoOp",
}


@dataclass(frozen=True)
class Named:
    """A function by its name, with its configuration, as `key` of a layer."""

    layer: Layer
    key: str
    name: str
    config: Mapping[str, Any]

    @property
    def as_layer(self) -> Layer:
        """Its configuration, read as a layer's is: errors say which layer and which key."""
        return Layer(f"{self.layer.path}, {self.key}", self.name, self.config)

    @property
    def told(self) -> str:
        return f"{self.layer.where}: no meaning for {self.key} {shown(self.name[:80])}"


def named(layer: Layer, key: str) -> Named | None:
    """A function of a layer, None where it has none. Raises FormatError for what names no function."""
    stated = name = layer.config.get(key)
    config: Any = {}
    if isinstance(stated, dict):
        name, config = stated.get("class_name"), stated.get("config")
        if name == "function" and isinstance(config, str):
            name, config = config, {}
        config = {} if config is None else config
    elif stated is None:
        return None
    if not isinstance(name, str) or not isinstance(config, dict):
        raise layer.refuse(f"{key} is {short(stated)}, expected a name, or class_name and config")
    origin = origin_of(stated) if isinstance(stated, dict) else ""
    return Named(layer, key, f"{name} of {origin}" if origin else _ALIASES.get(name, name), config)
