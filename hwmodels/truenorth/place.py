"""Places layers on cores: copies from the last layer back to the first, then tiles, then coordinates on the mesh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hwmodels.truenorth.chip import TrueNorthChip
from hwmodels.truenorth.layers import BitLayer, Net
from hwmodels.truenorth.tile import Tile, choose


@dataclass(frozen=True, eq=False)
class Core:
    """`inputs` [I] ids, in axon order; `elements` [n] the flat output (p * O + o) of every neuron, copies repeated."""

    inputs: np.ndarray
    elements: np.ndarray


@dataclass(frozen=True, eq=False)
class PlacedLayer:
    """A layer with its tile, the cores that hold it and the copies [P * O] of each of its neurons."""

    layer: BitLayer
    tile: Tile
    cores: tuple[Core, ...]
    copies: np.ndarray

    @property
    def neurons(self) -> int:
        """Copies included."""
        return int(self.copies.sum())

    @property
    def axons(self) -> int:
        return sum(len(core.inputs) for core in self.cores) * self.layer.axons_per_input


def place(net: Net, outputs: np.ndarray, chip: TrueNorthChip) -> tuple[PlacedLayer, ...]:
    """Layers on cores. `outputs` are the ids that leave the chip: each needs one more copy.

    A neuron drives one axon, so it exists once per axon that its spikes reach: twice (a pair) per consumer core.
    A layer that nothing reads takes no core.
    """
    need = np.zeros(len(net.depth), np.int64)
    need[outputs] += 1
    placed = []
    for layer in reversed(net.layers):
        copies = need[layer.first : layer.first + layer.size]
        if not copies.any():
            continue
        taps = layer.taps
        shape = (*taps.grid, taps.groups, -1)
        reach = chip.tiling_of(taps.reach)
        tile = choose(reach, copies.reshape(shape).sum(-1), layer.axons_per_input, chip.axons, chip.neurons)
        cores = tuple(_cores(layer, tile, copies, chip.neurons))
        for core in cores:
            need[core.inputs] += layer.axons_per_input
        placed.append(PlacedLayer(layer, tile, cores, copies))
    return tuple(reversed(placed))


def _cores(layer: BitLayer, tile: Tile, copies: np.ndarray, capacity: int) -> Iterator[Core]:
    """The cores of a layer, tile by tile; a tile with more neurons than a core holds takes several."""
    (height, width), groups = layer.taps.grid, layer.taps.groups
    index = np.arange(layer.size).reshape(height, width, groups, -1)
    share = index.shape[-1]
    for y in range(0, height, tile.height):
        for x in range(0, width, tile.width):
            block = index[y : y + tile.height, x : x + tile.width]
            for g in range(0, groups, tile.groups):
                elements = block[:, :, g : g + tile.groups].ravel()
                neurons = np.repeat(elements, copies[elements])
                for start in range(0, len(neurons), capacity):
                    chosen = neurons[start : start + capacity]
                    yield Core(_inputs(layer, np.unique(chosen // share), groups), chosen)


def _inputs(layer: BitLayer, position_groups: np.ndarray, groups: int) -> np.ndarray:
    """The distinct elements that these (position * G + group) read."""
    ids = np.unique(layer.taps.ids[position_groups // groups, position_groups % groups])
    return ids[ids >= 0]


def coordinates(count: int) -> np.ndarray:
    """int64 [count, 2]: (x, y) of the cores in order, row by row back and forth over the smallest square."""
    side = max(1, int(np.ceil(np.sqrt(count))))
    y, x = np.divmod(np.arange(count), side)
    return np.stack([np.where(y % 2 == 0, x, side - 1 - x), y], axis=1)
