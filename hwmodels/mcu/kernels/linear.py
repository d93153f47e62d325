"""The kernels of convolutions and matrix products that walk the window position by position, and what they cost.

`DIRECT` reads weights as they are packed: words along the inputs where those fill a word, else along the outputs (a 5x5
kernel over 3 channels takes 75 words for 32 filters instead of 800). The bit kernels work on blocks of 4 outputs, so an
operand is loaded once per 4 additions; the core has no registers for more. `EXPANDED` spends flash on 1-bit and ternary
weights as bytes and multiplies: a core that multiplies in a cycle gains nothing from adding by bits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hwmodels.mcu.charge import Charge, words_loaded
from hwmodels.mcu.flash import narrow
from hwmodels.mcu.kernels import popcount
from hwmodels.mcu.kernels.layer import Layer
from hwmodels.mcu.kernels.site import Constants, Head, Memory, Site, Tile, frame
from hwmodels.mcu.kernels.window import Tap, taps
from hwmodels.mcu.layout import WORD_BITS, decode, encode, words_for
from neurobin.exec.kernels import int_matmul
from neurobin.ir import Encoding

BLOCK = 4  # outputs that share one load in the bits kernel


def constants(layer: Layer) -> dict[str, np.ndarray]:
    """The weight as stored: words [O, T, P, W], words along the outputs [P, T*C, W], or an array [O, T, C]."""
    flat = layer.weight.values.reshape(layer.outputs, layer.window.taps, layer.depth).astype(np.int64)
    if layer.along_outputs:
        return {"weight": encode(flat.transpose(1, 2, 0).reshape(-1, layer.outputs), layer.weight.dtype)}
    if layer.variant == "words" or (layer.variant == "bits" and not layer.source.packed):
        return {"weight": np.ascontiguousarray(np.moveaxis(encode(flat, layer.weight.dtype), 0, 2))}
    return {"weight": narrow(flat)}


def refuse(layer: Layer) -> str:
    """Multiplication kernels take operands of up to 32 bits."""
    for what, dtype in (("activations", layer.source.dtype), ("weights", layer.weight.dtype)):
        if max(-dtype.low, dtype.high + 1) > 1 << 31:
            return f"{what} of type {dtype} do not fit the 32-bit operands of the multiply and add kernels"
    return ""


def compute(layer: Layer, stored: Constants, memory: Memory, tile: Tile) -> np.ndarray:
    """int64 [N, columns, channels of the tile]: exact sums, tap by tap, from the bytes of arena and flash."""
    columns, grouped = layer.result.grid[1], layer.groups > 1
    first, stop = (0, layer.outputs) if grouped else (tile.first, tile.stop)
    weight = stored["weight"][first:stop]
    total = np.zeros((len(memory.arena), columns, stop - first), dtype=np.int64)
    rows: dict[int, np.ndarray] = {}
    for tap in taps(layer.window, layer.source, layer.result, tile.row):
        if tap.row is not None and tap.columns.stop > tap.columns.start:
            if tap.row not in rows:
                rows[tap.row] = _operand(layer, memory, tap.row)
            total[:, tap.columns] += _dot(layer, rows[tap.row][..., tap.sources, :], weight[:, tap.index])
        if layer.padded:
            _add_padding(layer, total, weight[:, tap.index], tap)
    return total[..., tile.first : tile.stop] if grouped else total


def prepare(layer: Layer, stored: Constants) -> dict[str, np.ndarray]:
    """The weight with outputs and window positions first: words [O, T, P, W] or integers [O, T, C]."""
    weight = stored["weight"]
    if layer.along_outputs:
        values = decode(weight, layer.weight.dtype, layer.outputs)
        return {"weight": values.reshape(layer.window.taps, layer.depth, -1).transpose(2, 0, 1)}
    if layer.variant == "bits" and not layer.source.packed:
        return {"weight": decode(np.moveaxis(weight, 2, 0), layer.weight.dtype, layer.depth)}
    return {"weight": weight}


def _operand(layer: Layer, memory: Memory, row: int) -> np.ndarray:
    """One input row: words [P, N, columns, W] for the word kernel, else integers [N, columns, C]."""
    tensor = layer.site.node.inputs[0]
    return memory.words(tensor, row) if layer.variant == "words" else memory.values(tensor, row)


def _dot(layer: Layer, operand: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """int64 [N, X, O] of one window position, group by group."""
    share = layer.share
    parts = []
    for g in range(layer.groups):
        filters = weight if layer.groups == 1 else weight[g * share : (g + 1) * share]
        if layer.variant == "words":
            group = operand if layer.groups == 1 else popcount.extract(operand, g * layer.depth, layer.depth)
            parts.append(popcount.dot(group, layer.source.dtype, filters, layer.weight.dtype, layer.depth))
        else:
            parts.append(_integer_dot(layer, operand[..., g * layer.depth : (g + 1) * layer.depth], filters))
    return parts[0] if layer.groups == 1 else np.concatenate(parts, axis=-1)


def _integer_dot(layer: Layer, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """x [N, X, C] times weight [O, C]; adding or skipping by bits gives the same integers as multiplying by -1, 0, 1."""
    bound = layer.depth * (int(np.abs(x).max(initial=1)) or 1) * (int(np.abs(weight.astype(np.int64)).max(initial=1)) or 1)
    return int_matmul(x.reshape(-1, x.shape[-1]), weight.T, bound).reshape(*x.shape[:-1], -1)


def _add_padding(layer: Layer, total: np.ndarray, weight: np.ndarray, tap: Tap) -> None:
    """Add the sums of a padding pixel to every column that sees one at this window position."""
    pixel = np.full((1, 1, layer.source.channels), layer.pad_value, dtype=np.int64)
    operand = encode(pixel, layer.source.dtype) if layer.variant == "words" else pixel
    sums = _dot(layer, operand, weight)
    total[:, : tap.columns.start] += sums
    total[:, tap.columns.stop :] += sums


def charge(layer: Layer) -> list[Charge]:
    """Loop counts of the variant's kernel."""
    return frame(layer.result) + _VARIANTS[layer.variant](layer)


def _charge_words(layer: Layer) -> list[Charge]:
    """Loads of all planes, logic and popcounts per word of every plane pair; extraction of groups that cut words."""
    pair = popcount.rule(layer.source.dtype, layer.weight.dtype)
    pairs = len(layer.source.dtype.plane_weights) * len(layer.weight.dtype.plane_weights)
    words = words_for(layer.depth)
    per_output = layer.visits * layer.outputs * words
    per_pixel = layer.visits * layer.groups * words
    shared = per_pixel * pair.shared * len(layer.source.dtype.plane_weights)
    cut = per_pixel * layer.source.planes if layer.groups > 1 and layer.depth % WORD_BITS else 0
    outputs = layer.result.elements
    return [
        Charge("output", outputs),
        Charge("window position", layer.visits * layer.outputs),
        words_loaded("load activation words", per_output * layer.source.planes + shared + 2 * cut),
        words_loaded("load weight words", per_output * layer.weight.dtype.bits),
        # 4 per cut word: two shifts, or, mask; 2 per further plane pair and output: shift and add
        Charge("word logic", per_output * pairs * pair.logic + 4 * cut + 2 * outputs * (pairs - 1)),
        Charge("popcount", per_output * pairs * pair.popcounts + shared),
        Charge("loop", per_output),
    ]


def _charge_bits(layer: Layer) -> list[Charge]:
    """One conditional addition per multiply-accumulate and plane, loads shared by a block of outputs or of planes.

    Bipolar bits: sum of +-x = 2 (sum of x where the bit is set) - (sum of x). With array activations the second sum is
    shared by all outputs of a group; with array weights it is one more addition per weight.
    """
    by_activation = layer.source.packed
    narrow_dtype = layer.source.dtype if by_activation else layer.weight.dtype
    macs = layer.visits * layer.outputs * layer.depth
    blocks = layer.groups * -(-layer.share // BLOCK)
    turns = layer.visits * blocks * layer.depth
    wide = 2 if layer.result.item.itemsize > 4 else 1  # a 64-bit accumulator takes two additions
    offset = macs if by_activation else layer.visits * layer.groups * layer.depth
    if by_activation:
        word_loads = layer.visits * blocks * words_for(layer.depth) * narrow_dtype.bits
        loads = [Charge("load weight words", macs, macs * 8 * layer.itemsize)]
        loads.append(words_loaded("load activation words", word_loads))
    else:
        word_loads = turns if layer.along_outputs else layer.visits * layer.outputs * words_for(layer.depth)
        loads = [Charge("load activation words", turns, turns * 8 * layer.source.item.itemsize)]
        loads.append(words_loaded("load weight words", word_loads * narrow_dtype.bits))
    return [
        Charge("output", layer.result.elements),
        Charge("window position", layer.visits * blocks),
        *loads,
        Charge("add by bit", macs * narrow_dtype.bits * wide),
        Charge("element", offset if narrow_dtype.encoding is Encoding.BIPOLAR else 0),
        Charge("loop", turns),
    ]


def _charge_mac(layer: Layer) -> list[Charge]:
    """The published figure of cycles per multiply-accumulate holds its loads, loops and requantisation."""
    macs = layer.visits * layer.outputs * layer.depth
    return [Charge(f"multiply-accumulate {_mac_bits(layer)}-bit", macs)]


def _mac_bits(layer: Layer) -> int:
    """The kernel by operand and accumulator width; unsigned 16-bit operands do not fit the signed 16-bit multiplier."""
    if layer.result.item.itemsize > 4:
        return 64
    low = min(layer.source.dtype.low, int(layer.weight.values.min()))
    high = max(layer.source.dtype.high, int(layer.weight.values.max()))
    if layer.source.item.itemsize == 1 and layer.itemsize == 1:
        return 8
    return 16 if low >= -(1 << 15) and high < 1 << 15 else 32


_VARIANTS = {"words": _charge_words, "bits": _charge_bits, "mac": _charge_mac}


def _refuse_expanded(layer: Layer) -> str:
    """Expansion is a choice only where bits would be added to an array."""
    if layer.source.packed or Layer.of(layer.site).variant != "bits":
        return "only 1-bit and ternary weights on arrays of activations are expanded"
    return refuse(layer)


def _head(name: str, layer_of: Callable[[Site], Layer], refused: Callable[[Layer], str]) -> Head:
    return Head(
        compute=lambda site, stored, memory, tile: compute(layer_of(site), stored, memory, tile),
        charge=lambda site: charge(layer_of(site)),
        constants=lambda site: constants(layer_of(site)),
        prepare=lambda site, stored: prepare(layer_of(site), stored),
        refuse=lambda site: refused(layer_of(site)),
        name=name,
    )


DIRECT = _head("direct", Layer.of, refuse)
EXPANDED = _head("expanded", lambda site: Layer.of(site, expanded=True), _refuse_expanded)
