"""Bit convolutions by gathering: the bits of one window are packed without gaps, then serve all outputs of their group.

The direct kernel reads at least one word per window position; a group of 8 channels fills a quarter of it. Here bit
t C + c of a plane is channel c of the group at window position t, so 3x3 positions of 8 channels are 3 words instead of
9. The window of one output pixel and group lies in a scratch buffer in RAM, written once and read by every output:

    for each pixel: for each group: gather the planes; for each output of the group: xor/and and popcount word by word

A position outside the map writes the padding's bits. Padding with 0 has none in bipolar types: those windows get one
plane more, a mask of the positions inside the map, and run the rule of ternary activations.
"""

from __future__ import annotations

import numpy as np

from hwmodels.mcu.charge import Charge, words_loaded
from hwmodels.mcu.kernels import popcount
from hwmodels.mcu.kernels.layer import Layer
from hwmodels.mcu.kernels.popcount import WordRule
from hwmodels.mcu.kernels.site import Constants, Head, Memory, Site, Tile, frame, scratch_name
from hwmodels.mcu.kernels.window import Tap, inside, taps
from hwmodels.mcu.layout import WORD_BYTES, encode, pack_words, unpack_words, words_for

_MOVES = (32, 16, 8)  # bits of one load and store


def bits_of(layer: Layer) -> int:
    """Bits of one window, group and plane."""
    return layer.window.taps * layer.depth


def border_pixels(layer: Layer) -> int:
    """Output pixels whose window needs a mask: bipolar bits with padding of 0."""
    if popcount.kind(layer.source.dtype) != "bipolar" or layer.pad_value != 0:
        return 0
    return layer.result.pixels - inside(layer.window, layer.source, layer.result)


def scratch_bytes(site: Site) -> int:
    """Planes of one window and, where some window needs it, the mask."""
    layer = Layer.of(site)
    planes = layer.source.planes + (border_pixels(layer) > 0)
    return planes * words_for(bits_of(layer)) * WORD_BYTES


def refuse(site: Site) -> str:
    """Packed operands, and something to gather: several positions or groups."""
    layer = Layer.of(site)
    if layer.variant != "words":
        return "only packed activations and weights of at most 4 bits are gathered"
    if layer.window.taps == 1 and layer.groups == 1:
        return "the channels of one pixel already lie densely"
    return ""


def constants(site: Site) -> dict[str, np.ndarray]:
    """The weight as dense words [O, Q, W] in the order of the gathered bits."""
    layer = Layer.of(site)
    flat = layer.weight.values.reshape(layer.outputs, -1).astype(np.int64)
    return {"weight": np.ascontiguousarray(np.moveaxis(encode(flat, layer.weight.dtype), 0, 1))}


def compute(site: Site, stored: Constants, memory: Memory, tile: Tile) -> np.ndarray:
    """int64 [N, columns, channels of the tile]: windows written to the scratch buffer, read back, and multiplied."""
    layer = Layer.of(site)
    positions = list(taps(layer.window, layer.source, layer.result, tile.row))
    dense, valid = _dense(layer, memory, positions), _valid(layer, positions)
    total = np.zeros((len(memory.arena), layer.result.grid[1], tile.stop - tile.first), dtype=np.int64)
    for x in range(layer.result.grid[1]):
        mask = _mask(layer, valid[x])
        for group in range(tile.first // layer.share, -(-tile.stop // layer.share)):
            planes = dense[:, :, x, group]
            if mask is not None:
                planes = np.concatenate([planes, np.broadcast_to(mask, planes[:1].shape)])
            window = memory.exchange(scratch_name(site.node), planes)
            first, stop = max(tile.first, group * layer.share), min(tile.stop, (group + 1) * layer.share)
            sums = popcount.dot_words(
                _rule(layer, mask is not None), layer.source.dtype, window,
                layer.weight.dtype, stored["weight"][first:stop], bits_of(layer),
            )  # fmt: skip
            total[:, x, first - tile.first : stop - tile.first] = sums
    return total


def _dense(layer: Layer, memory: Memory, positions: list[Tap]) -> np.ndarray:
    """uint32 [P, N, columns, groups, W]: one row of windows, packed anew from the words in the arena."""
    columns, tensor = layer.result.grid[1], layer.site.node.inputs[0]
    shape = (layer.source.planes, len(memory.arena), columns, layer.window.taps, layer.source.channels)
    bits = np.zeros(shape, dtype=np.uint8)
    if layer.padded:
        pixel = np.full(layer.source.channels, layer.pad_value, dtype=np.int64)
        bits[...] = unpack_words(encode(pixel, layer.source.dtype), layer.source.channels)[:, None, None, None]
    rows: dict[int, np.ndarray] = {}
    for tap in positions:
        if tap.row is not None and tap.columns.stop > tap.columns.start:
            if tap.row not in rows:
                rows[tap.row] = unpack_words(memory.words(tensor, tap.row), layer.source.channels)
            bits[:, :, tap.columns, tap.index] = rows[tap.row][:, :, tap.sources]
    grouped = bits.reshape(*shape[:-1], layer.groups, layer.depth).swapaxes(3, 4)
    return pack_words(grouped.reshape(*shape[:3], layer.groups, -1))


def _valid(layer: Layer, positions: list[Tap]) -> np.ndarray:
    """bool [columns, T]: which window positions lie in the map."""
    valid = np.zeros((layer.result.grid[1], len(positions)), dtype=bool)
    for tap in positions:
        valid[tap.columns, tap.index] = tap.row is not None
    return valid


def _mask(layer: Layer, valid: np.ndarray) -> np.ndarray | None:
    """The mask plane uint32 [W] of a window at the border, if its bits need one."""
    if valid.all() or not border_pixels(layer):
        return None
    return pack_words(np.repeat(valid, layer.depth))


def _rule(layer: Layer, with_mask: bool) -> WordRule:
    if with_mask:
        return popcount.masked(layer.weight.dtype)
    return popcount.rule(layer.source.dtype, layer.weight.dtype)


def charge(site: Site) -> list[Charge]:
    """Gathering per pixel and group, then words per output: those of windows inside the map and of masked ones."""
    layer = Layer.of(site)
    border = border_pixels(layer)
    windows = layer.result.pixels * layer.groups
    charges = frame(layer.result)
    charges.append(Charge("pixel", windows - layer.result.pixels))  # the set-up of every further group
    charges += _charge_gather(layer, windows * layer.source.planes + border, windows + border)
    charges += [Charge("output", layer.result.elements), Charge("window position", layer.result.elements)]
    return charges + _charge_words(layer, layer.result.pixels - border, 0) + _charge_words(layer, border, 1)


def _charge_gather(layer: Layer, planes: int, windows: int) -> list[Charge]:
    """`planes` gathered planes in `windows` loops over the positions; moves where all offsets fall on bytes."""
    positions = layer.window.taps
    width = next((bits for bits in _MOVES if layer.depth % bits == 0), 0)
    if width:
        moves = planes * positions * (layer.depth // width)
        return [Charge("gather position", windows * positions), Charge("gather move", moves, 2 * width * moves)]
    fields = planes * positions * words_for(layer.depth)
    return [Charge("gather position", windows * positions), Charge("gather field", fields)]


def _charge_words(layer: Layer, pixels: int, masks: int) -> list[Charge]:
    """Loads, logic and popcounts of the outputs of `pixels`, as in the direct kernel but over dense words."""
    pair = _rule(layer, masks > 0)
    words = words_for(bits_of(layer))
    planes = len(layer.source.dtype.plane_weights)
    pairs = planes * len(layer.weight.dtype.plane_weights)
    per_output = pixels * layer.outputs * words
    # the mask of a window is the same for all groups and planes
    shared = pixels * words * pair.shared * (1 if masks else layer.groups * planes)
    return [
        words_loaded("load activation words", per_output * (layer.source.planes + masks) + shared),
        words_loaded("load weight words", per_output * layer.weight.dtype.bits),
        # 2 per further plane pair and output: shift and add
        Charge("word logic", per_output * pairs * pair.logic + 2 * pixels * layer.outputs * (pairs - 1)),
        Charge("popcount", per_output * pairs * pair.popcounts + shared),
        Charge("loop", per_output),
    ]


GATHERED = Head(compute, charge, constants, refuse=refuse, name="gathered", scratch_bytes=scratch_bytes)
