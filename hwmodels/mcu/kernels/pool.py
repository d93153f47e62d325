"""Pools, channel sums and arg-max: on whole words where the planes allow it, else element by element."""

from __future__ import annotations

from functools import reduce

import numpy as np

from hwmodels.mcu.charge import Charge
from hwmodels.mcu.kernels import elementwise
from hwmodels.mcu.kernels.popcount import pc
from hwmodels.mcu.kernels.site import Constants, Head, Memory, Site, Tile, frame
from hwmodels.mcu.kernels.window import Tap, reads, taps
from hwmodels.mcu.layout import Layout, decode
from neurobin.ir import Encoding


def _on_words(layout: Layout) -> bool:
    """The maximum of one-bit or ternary elements is logic on their words."""
    return layout.packed and (layout.planes == 1 or layout.dtype.encoding is Encoding.TERNARY)


def _max_words(site: Site, memory: Memory, row: int) -> np.ndarray:
    """OR of the value bits; a ternary result is negative where no position holds 0 or +1. Padding is left out."""
    source, result, tensor = site.inputs[0], site.output, site.node.inputs[0]
    shape = (len(memory.arena), result.grid[1], source.words)
    positive = np.zeros(shape, dtype=np.uint32)
    negative = np.full(shape, 0xFFFFFFFF, dtype=np.uint32)
    for tap in _inside(site, row):
        words = memory.words(tensor, tap.row or 0)[..., tap.sources, :]
        positive[:, tap.columns] |= words[0]
        negative[:, tap.columns] &= words[-1] & ~words[0]
    planes = [positive] if source.planes == 1 else [positive, positive | negative]
    return decode(np.stack(planes), source.dtype, source.channels)


def _inside(site: Site, row: int) -> list[Tap]:
    found = taps(site.op.window, site.inputs[0], site.output, row)
    return [tap for tap in found if tap.row is not None and tap.columns.stop > tap.columns.start]


def _max_pool(site: Site, stored: Constants, memory: Memory, tile: Tile) -> np.ndarray:
    if _on_words(site.inputs[0]):
        return _max_words(site, memory, tile.row)[..., tile.first : tile.stop]
    total = np.full((len(memory.arena), *site.output.grid[1:]), np.iinfo(np.int64).min)
    for tap in _inside(site, tile.row):
        values = memory.values(site.node.inputs[0], tap.row or 0)[:, tap.sources]
        np.maximum(total[:, tap.columns], values, out=total[:, tap.columns])
    return total[..., tile.first : tile.stop]


def _max_charge(site: Site) -> list[Charge]:
    source, result = site.inputs[0], site.output
    visits = reads(site.op.window, source, result)
    if not _on_words(source):
        return frame(result) + _by_element(source, visits, result, instructions=2)
    words = visits * source.words * source.planes
    logic = visits * source.words * (1 if source.planes == 1 else 3)  # or; and-not, and beside it for ternary planes
    loads = Charge("load activation words", words, 32 * words)
    return [*frame(result), loads, Charge("word logic", logic), Charge("loop", result.pixels * result.words)]


def _by_element(source: Layout, visits: int, result: Layout, instructions: int) -> list[Charge]:
    """Every visited element is loaded (bit by bit from planes) and combined; one loop turn per result element."""
    elements = visits * source.channels
    if source.packed:
        words = visits * source.words * source.planes
        loads = Charge("load activation words", words, 32 * words)
        instructions += 2 * source.planes  # extract the bit, add its weight
    else:
        count = elements * (2 if source.item.itemsize > 4 else 1)
        loads = Charge("load activations", count, elements * 8 * source.item.itemsize)
    return [loads, Charge("element", elements * instructions), Charge("loop", result.elements)]


def _sum_pool(site: Site, stored: Constants, memory: Memory, tile: Tile) -> np.ndarray:
    total = np.zeros((len(memory.arena), *site.output.grid[1:]), dtype=np.int64)
    for tap in _inside(site, tile.row):
        total[:, tap.columns] += memory.values(site.node.inputs[0], tap.row or 0)[:, tap.sources]
    return total[..., tile.first : tile.stop]


def _sum_charge(site: Site) -> list[Charge]:
    visits = reads(site.op.window, site.inputs[0], site.output)
    return frame(site.output) + _by_element(site.inputs[0], visits, site.output, instructions=1)


def _channel_sum(site: Site, stored: Constants, memory: Memory, tile: Tile) -> np.ndarray:
    """Packed: plane weights times popcounts, sum of +-1 = 2 pc - K (K = pc of the mask for a ternary type)."""
    source, tensor = site.inputs[0], site.node.inputs[0]
    if not source.packed:
        return memory.values(tensor, tile.row).sum(axis=-1, keepdims=True)
    words = memory.words(tensor, tile.row)
    counts = [pc(plane).sum(axis=-1, keepdims=True) for plane in words]
    if source.dtype.encoding is Encoding.TERNARY:
        return 2 * counts[0] - counts[1]
    weighted = [w * c for w, c in zip(source.dtype.plane_weights, counts, strict=True)]
    total = reduce(np.add, weighted)
    return 2 * total - sum(source.dtype.plane_weights) * source.channels if source.dtype.is_bipolar else total


def _channel_sum_charge(site: Site) -> list[Charge]:
    source, result = site.inputs[0], site.output
    if not source.packed:
        return frame(result) + _by_element(source, source.pixels, result, instructions=1)
    loads = Charge("load activation words", source.total_words, 32 * source.total_words)
    combine = Charge("element", 2 * result.elements * source.planes)
    return [*frame(result), loads, Charge("popcount", source.total_words), Charge("loop", source.total_words), combine]


def _arg_max(site: Site, stored: Constants, memory: Memory, tile: Tile) -> np.ndarray:
    return memory.values(site.node.inputs[0], 0).argmax(axis=-1, keepdims=True)


def _arg_max_charge(site: Site) -> list[Charge]:
    source = site.inputs[0]
    combine = Charge("element", 3 * source.elements)  # compare, two conditional moves
    return [*frame(site.output), *elementwise.load(source), combine, Charge("loop", source.elements)]


MAX_POOL = Head(_max_pool, _max_charge, in_words=lambda site: _on_words(site.inputs[0]))
SUM_POOL = Head(_sum_pool, _sum_charge)
CHANNEL_SUM = Head(_channel_sum, _channel_sum_charge)
ARG_MAX = Head(_arg_max, _arg_max_charge)
