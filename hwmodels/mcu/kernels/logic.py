"""Logic of two single-bit maps: whole words where they are packed, 32 channels an instruction."""

from __future__ import annotations

import numpy as np

from hwmodels.mcu.charge import Charge
from hwmodels.mcu.kernels import elementwise
from hwmodels.mcu.kernels.site import Constants, Head, Memory, Site, Tile, frame
from hwmodels.mcu.layout import decode

_PER_WORD = {"xnor": 2, "or": 1, "and": 1}  # exclusive or and its complement
_PER_ELEMENT = 2  # on bytes: compare and select, or exclusive or twice


def _logic(site: Site, stored: Constants, memory: Memory, tile: Tile) -> np.ndarray:
    layout, kind = site.output, site.op.kind
    if layout.packed:
        a, b = (memory.words(name, tile.row) for name in site.node.inputs)
        words = {"xnor": ~(a ^ b), "or": a | b, "and": a & b}[kind]
        return decode(words, layout.dtype, layout.channels)[..., tile.first : tile.stop]
    a, b = (memory.values(name, tile.row)[..., tile.first : tile.stop] for name in site.node.inputs)
    if kind == "xnor":
        return np.where(a == b, layout.dtype.high, layout.dtype.low)
    return np.maximum(a, b) if kind == "or" else np.minimum(a, b)


def _charge(site: Site) -> list[Charge]:
    result = site.output
    if result.packed:
        loads = Charge("load activation words", 2 * result.total_words, 64 * result.total_words)
        logic = Charge("word logic", _PER_WORD[site.op.kind] * result.total_words)
        return [*frame(result), loads, logic, Charge("loop", result.total_words)]
    loaded = [charge for layout in site.inputs for charge in elementwise.load(layout)]
    return [*frame(result), *loaded, Charge("element", _PER_ELEMENT * result.elements), Charge("loop", result.elements)]


LOGIC = Head(_logic, _charge, in_words=lambda site: site.output.packed)
