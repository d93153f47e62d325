"""Kernels that move elements: concat, slice, shuffle, pad and views whose bytes do not already lie right."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

import numpy as np

from hwmodels.mcu.charge import Charge
from hwmodels.mcu.kernels import elementwise
from hwmodels.mcu.kernels.site import Constants, Head, Memory, Site, Tile, frame
from hwmodels.mcu.layout import WORD_BITS, Layout


def _channel_shuffle(site: Site, stored: Constants, memory: Memory, tile: Tile) -> np.ndarray:
    values = memory.values(site.node.inputs[0], tile.row)
    grouped = values.reshape(*values.shape[:-1], site.op.groups, -1)
    return np.swapaxes(grouped, -1, -2).reshape(values.shape)[..., tile.first : tile.stop]


def _slice(site: Site, stored: Constants, memory: Memory, tile: Tile) -> np.ndarray:
    values = memory.values(site.node.inputs[0], tile.row)
    return values[..., site.op.start + tile.first : site.op.start + tile.stop]


def _concat(site: Site, stored: Constants, memory: Memory, tile: Tile) -> np.ndarray:
    parts = [memory.values(name, tile.row) for name in site.node.inputs]
    return np.concatenate(parts, axis=-1)[..., tile.first : tile.stop]


def _pad(site: Site, stored: Constants, memory: Memory, tile: Tile) -> np.ndarray:
    top, left, _, _ = site.op.padding
    rows, columns, _ = site.inputs[0].grid
    values = np.full((len(memory.arena), *site.output.grid[1:]), site.op.value, dtype=np.int64)
    if top <= tile.row < top + rows:
        values[:, left : left + columns] = memory.values(site.node.inputs[0], tile.row - top)
    return values[..., tile.first : tile.stop]


def _view(site: Site, stored: Constants, memory: Memory, tile: Tile) -> np.ndarray:
    """One tile of the reordered or repacked tensor."""
    values = memory.whole(site.node.inputs[0])
    if channels_first(site):
        values = np.moveaxis(values, -1, 1)
    return values.reshape(len(values), *site.output.grid)[:, tile.row, :, tile.first : tile.stop]


def channels_first(site: Site) -> bool:
    """The view changes the order of elements (the flattening of channels-first frameworks)."""
    return bool(getattr(site.op, "channels_first", False)) and site.inputs[0].pixels > 1 and site.inputs[0].channels > 1


def is_alias(site: Site) -> bool:
    """The view's bytes already lie as its own layout wants them."""
    source, result = site.inputs[0], site.output
    if channels_first(site) or source.packed != result.packed:
        return False
    if not source.packed:
        return source.item == result.item
    return source.channels == result.channels or not (source.channels % WORD_BITS or result.channels % WORD_BITS)


def _charge(site: Site) -> list[Charge]:
    """Word copies where channels start at word boundaries, else element by element with a loop turn each."""
    result = site.output
    if _aligned(site):
        words = Charge("load activation words", result.total_words, 32 * result.total_words)
        return [*frame(result), words, Charge("loop", result.pixels)]
    loads = [charge for layout in site.inputs for charge in elementwise.load(_part(layout, result))]
    return [*frame(result), *loads, Charge("loop", result.elements)]


def _aligned(site: Site) -> bool:
    """All operands have the planes of the result, and every run of channels starts and lands at a word boundary."""
    rule = _ALIGNED.get(site.op.name)
    same = all(layout.packed and layout.dtype == site.output.dtype for layout in site.inputs)
    return rule is not None and same and site.output.packed and rule(site)


def _part(layout: Layout, result: Layout) -> Layout:
    """A source of which only as many channels are read as the result has (a slice)."""
    rows, columns, channels = layout.grid
    return Layout(layout.dtype, (rows, columns, min(channels, result.channels)), layout.planes, layout.item)


def _concat_aligned(site: Site) -> bool:
    return not any(start % WORD_BITS for start in accumulate(layout.channels for layout in site.inputs[:-1]))


_ALIGNED: dict[str, Callable[[Site], bool]] = {
    "slice": lambda site: site.op.start % WORD_BITS == 0,
    "concat": _concat_aligned,
    "pad": lambda _: True,
}

CHANNEL_SHUFFLE = Head(_channel_shuffle, _charge)
SLICE = Head(_slice, _charge, in_words=_aligned)
CONCAT = Head(_concat, _charge, in_words=_aligned)
PAD = Head(_pad, _charge, in_words=_aligned)
VIEW = Head(_view, _charge)
