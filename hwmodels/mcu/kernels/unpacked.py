"""Packed activations unpacked to bytes, then multiplied: what pays where several planes meet several planes.

The rows that the window covers lie unpacked in a ring in RAM: input row y in slot y mod reach, unpacked once, when the
window first comes to it. Weights lie in flash as an array, the sums are those of the multiply-accumulate kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwmodels.mcu.charge import Charge
from hwmodels.mcu.kernels import elementwise, linear
from hwmodels.mcu.kernels.layer import Layer
from hwmodels.mcu.kernels.site import Constants, Head, Memory, Site, Tile, scratch_name
from hwmodels.mcu.layout import Layout, read_values, write_values


@dataclass(frozen=True, eq=False)
class _Ring(Memory):
    """Memory in which the rows of the one packed operand are read from the ring."""

    slots: int
    row: Layout

    def values(self, tensor: str, row: int) -> np.ndarray:
        return read_values(self.arena, self.addresses[tensor] + row % self.slots * self.row.size_bytes, self.row, 0)

    def fill(self, tensor: str, row: int, values: np.ndarray) -> None:
        """Unpack one row into its slot."""
        write_values(self.arena, self.addresses[tensor] + row % self.slots * self.row.size_bytes, self.row, 0, values)


def _layer(site: Site) -> Layer:
    return Layer.of(site, expanded=True)


def slots(layer: Layer) -> int:
    """Input rows from the first to the last position of the window, or all there are."""
    (height, _), (dilation, _) = layer.window.kernel, layer.window.dilation
    return min(dilation * (height - 1) + 1, layer.source.grid[0])


def fresh_rows(layer: Layer, row: int) -> range:
    """Input rows that output row `row` covers and no row before it did."""
    stride, top, reach = layer.window.stride[0], layer.window.padding[0], _reach(layer)
    start = row * stride - top
    before = start - stride + reach if row else 0
    return range(max(start, before, 0), max(0, min(start + reach, layer.source.grid[0])))


def _reach(layer: Layer) -> int:
    return layer.window.dilation[0] * (layer.window.kernel[0] - 1) + 1


def scratch_bytes(site: Site) -> int:
    """The ring."""
    layer = _layer(site)
    return slots(layer) * _row(layer).size_bytes


def _row(layer: Layer) -> Layout:
    source = layer.source
    return Layout(source.dtype, (1, *source.grid[1:]), 0, source.item)


def refuse(site: Site) -> str:
    """Packed activations only."""
    layer = _layer(site)
    return linear.refuse(layer) if layer.source.packed else "the activations are an array already"


def compute(site: Site, stored: Constants, memory: Memory, tile: Tile) -> np.ndarray:
    """int64 [N, columns, channels of the tile], from the ring after the rows new to this tile are unpacked into it."""
    layer, tensor = _layer(site), site.node.inputs[0]
    addresses = {tensor: memory.addresses[scratch_name(site.node)]}
    ring = _Ring(memory.arena, addresses, memory.layouts, slots(layer), _row(layer))
    if tile.first == 0:
        for row in fresh_rows(layer, tile.row):
            ring.fill(tensor, row, memory.values(tensor, row))
    return linear.compute(layer, stored, ring, tile)


def charge(site: Site) -> list[Charge]:
    """Loads, bit extraction and byte stores of every row once, and the multiply-accumulate kernel."""
    layer = _layer(site)
    rows = sum(len(fresh_rows(layer, row)) for row in range(layer.result.grid[0]))
    grid = (rows, *layer.source.grid[1:])
    packed = Layout(layer.source.dtype, grid, layer.source.planes, layer.source.item)
    array = Layout(layer.source.dtype, grid, 0, layer.source.item)
    offset = array.elements if layer.source.dtype.is_bipolar else 0  # from bits to -1 and +1, or the mask applied
    return [
        *linear.charge(layer),
        Charge("row", rows),
        *elementwise.load(packed),
        Charge("element", offset),
        *elementwise.store(array),
        Charge("loop", array.elements),
    ]


UNPACKED = Head(
    compute,
    charge,
    constants=lambda site: linear.constants(_layer(site)),
    refuse=refuse,
    name="unpacked",
    scratch_bytes=scratch_bytes,
)
