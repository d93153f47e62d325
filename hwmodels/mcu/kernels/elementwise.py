"""Element-wise ops: applied to values in registers, behind the kernel that made them or behind plain loads.

Each row of the table below is an op's meaning on int64 registers and the instructions it takes per element. The counts
are those of the algebra written for a 32-bit core with a 32x32 -> 64 multiplier; "wide" ones need two registers a value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hwmodels.mcu.charge import Charge
from hwmodels.mcu.flash import narrow
from hwmodels.mcu.kernels.site import Constants, Site, Tile
from hwmodels.mcu.layout import Layout, pack_words, unpack_words
from neurobin.ir import DType

_THRESHOLD_BYTES = 2


def _by_channel(site: Site, array: np.ndarray) -> int:
    """One load per element of a constant that differs by channel; a word of flags serves 32 channels."""
    return 0 if array.shape[0] == 1 else -(-site.output.elements * array.size // site.output.channels)


@dataclass(frozen=True)
class Elementwise:
    """`compute(site, constants, operands int64 [N, X, C], tile)`, instructions per element, and its flash constants.

    `loads` is how often an array of the constants is read.
    """

    compute: Callable[[Site, Constants, Sequence[np.ndarray], Tile], np.ndarray]
    instructions: Callable[[Site], int]
    constants: Callable[[Site], dict[str, np.ndarray]] = lambda _: {}
    loads: Callable[[Site, np.ndarray], int] = _by_channel


def charge(site: Site, entry: Elementwise) -> list[Charge]:
    """Instructions for every element, and the loads of its constants."""
    found = [Charge("element", site.output.elements * entry.instructions(site))]
    for array in entry.constants(site).values():
        loads = entry.loads(site, array)
        found.append(Charge("load parameters", loads, loads * 8 * array.itemsize))
    return found


def load(layout: Layout) -> list[Charge]:
    """Bring every element of a stored tensor into a register: words and bit extraction, or one load each (two if wide)."""
    if layout.packed:
        words = Charge("load activations", layout.total_words, 32 * layout.total_words)
        return [words, Charge("element", 2 * layout.elements * layout.planes)]
    return [Charge("load activations", layout.elements * _registers(layout.dtype), 8 * layout.size_bytes)]


def store(layout: Layout, in_words: bool = False) -> list[Charge]:
    """The inverse: insert each bit (unless the words are made already) and store words, or store each element."""
    if layout.packed:
        words = Charge("store activations", layout.total_words, 32 * layout.total_words)
        return [words, Charge("element", 0 if in_words else layout.elements * layout.planes)]
    return [Charge("store activations", layout.elements * _registers(layout.dtype), 8 * layout.size_bytes)]


def _registers(dtype: DType) -> int:
    """32-bit registers per value."""
    return 1 if dtype.low >= -(1 << 31) and dtype.high < 1 << 32 else 2


def _wide(*magnitudes: int) -> bool:
    """True when the sum of these magnitudes exceeds a signed 32-bit register."""
    return sum(magnitudes) >= 1 << 31


def _reach(dtype: DType) -> int:
    return max(-dtype.low, dtype.high)


def _largest(values: np.ndarray) -> int:
    return max(abs(int(values.min())), abs(int(values.max())))


def _round(product: np.ndarray, shift: int) -> np.ndarray:
    """floor((product + half) / 2^shift): an addition and an arithmetic shift."""
    return (product + ((1 << shift) >> 1)) >> shift


def _saturate(values: np.ndarray, dtype: DType | None) -> np.ndarray:
    return values if dtype is None else np.clip(values, dtype.low, dtype.high)


# requantise: clip((x * m + b + half) >> shift)


def _requantise(site: Site, stored: Constants, operands: Sequence[np.ndarray], tile: Tile) -> np.ndarray:
    product = operands[0] * tile.of(stored["multiplier"]).astype(np.int64) + tile.of(stored["bias"]).astype(np.int64)
    return _saturate(_round(product, site.op.shift), site.op.dtype)


def _requantise_instructions(site: Site) -> int:
    op = site.op
    product = _reach(site.inputs[0].dtype) * _largest(op.multiplier.values)
    # multiply-add, shift, two bounds; wide: long multiply-add, move of the bias pair, three for the shift, bounds
    return 8 if _wide(product, _largest(op.bias.values), 1 << op.shift) else 4


def _requantise_constants(site: Site) -> dict[str, np.ndarray]:
    return {"multiplier": narrow(site.op.multiplier.values), "bias": narrow(site.op.bias.values)}


# multi_threshold and sign: count reached thresholds, turn descending channels around, look the level up


def _threshold(site: Site, stored: Constants, operands: Sequence[np.ndarray], tile: Tile) -> np.ndarray:
    count = np.zeros(operands[0].shape, dtype=np.int64)
    thresholds = tile.of(stored["thresholds"])
    for k in range(thresholds.shape[1]):
        count += operands[0] >= thresholds[:, k]
    if "descending" in stored:
        down = unpack_words(stored["descending"].reshape(1, -1), len(site.op.descending.values))[0].astype(bool)
        count = np.where(tile.of(down), thresholds.shape[1] - count, count)
    return np.asarray(site.op.levels[count])


def _threshold_instructions(site: Site) -> int:
    op = site.op
    flips = 1 if op.descending.values.any() else 0
    # subtract, shift the sign out, add it up: for every threshold (twice the subtraction where values are wide)
    return op.thresholds.shape[1] * (2 + _registers(site.inputs[0].dtype)) + flips


def _threshold_constants(site: Site) -> dict[str, np.ndarray]:
    stored = {"thresholds": narrow(site.op.thresholds.values, _THRESHOLD_BYTES)}
    if site.op.descending.values.any():
        stored["descending"] = pack_words(site.op.descending.values)
    return stored


def _sign(site: Site, stored: Constants, operands: Sequence[np.ndarray], tile: Tile) -> np.ndarray:
    return np.where(operands[0] >= tile.of(stored["threshold"]), 1, -1).astype(np.int64)


def _sign_constants(site: Site) -> dict[str, np.ndarray]:
    """x >= t for an integer x is x >= ceil(t)."""
    return {"threshold": narrow(np.ceil(site.op.threshold.values).astype(np.int64), _THRESHOLD_BYTES)}


# prelu: x where x >= 0, else (slope * x + half) >> shift


def _prelu(site: Site, stored: Constants, operands: Sequence[np.ndarray], tile: Tile) -> np.ndarray:
    scaled = _round(operands[0] * tile.of(stored["slope"]).astype(np.int64), site.op.shift)
    return np.where(operands[0] >= 0, operands[0], scaled)


def _prelu_instructions(site: Site) -> int:
    product = _reach(site.inputs[0].dtype) * _largest(site.op.slope.values)
    return 10 if _wide(product, 1 << site.op.shift) else 5  # compare, multiply, round, shift, select


def _prelu_constants(site: Site) -> dict[str, np.ndarray]:
    return {"slope": narrow(site.op.slope.values)}


# add, multiply


def _add(site: Site, stored: Constants, operands: Sequence[np.ndarray], tile: Tile) -> np.ndarray:
    return _saturate(operands[0] + operands[1], site.op.dtype)


def _add_instructions(site: Site) -> int:
    return (1 if site.op.dtype is None else 3) * _registers(site.output.dtype)


def _multiply(site: Site, stored: Constants, operands: Sequence[np.ndarray], tile: Tile) -> np.ndarray:
    return _saturate(_round(operands[0] * operands[1], site.op.shift), site.op.dtype)


def _multiply_instructions(site: Site) -> int:
    a, b = (_reach(layout.dtype) for layout in site.inputs)
    return 8 if _wide(a * b, 1 << site.op.shift) else 5  # multiply, round, shift, two bounds


# position_scale: the factor of a pixel is loaded once and serves all its channels


def _position_scale(site: Site, stored: Constants, operands: Sequence[np.ndarray], tile: Tile) -> np.ndarray:
    return operands[0] * stored["factor"][tile.row][:, None].astype(np.int64)


def _position_scale_instructions(site: Site) -> int:
    return 3 if _wide(_reach(site.output.dtype)) else 1  # wide: long multiply, product of the upper half, add


# lookup: one load from the table, whose address is the value times the size of an entry plus a constant


def _lookup(site: Site, stored: Constants, operands: Sequence[np.ndarray], tile: Tile) -> np.ndarray:
    table = tile.of(stored["table"])
    return table[np.arange(len(table)), operands[0] - site.op.low].astype(np.int64)


def _lookup_instructions(site: Site) -> int:
    return 1 if len(site.op.table.values) == 1 else 2  # the address; a table per channel adds the start of its row


# relu, abs


def _relu(site: Site, stored: Constants, operands: Sequence[np.ndarray], tile: Tile) -> np.ndarray:
    return np.maximum(operands[0], 0)


def _abs(site: Site, stored: Constants, operands: Sequence[np.ndarray], tile: Tile) -> np.ndarray:
    return np.abs(operands[0])


def _two(site: Site) -> int:
    return 2 * _registers(site.inputs[0].dtype)  # compare and conditional move or negate


ELEMENTWISE: dict[str, Elementwise] = {
    "requantise": Elementwise(_requantise, _requantise_instructions, _requantise_constants),
    "multi_threshold": Elementwise(_threshold, _threshold_instructions, _threshold_constants),
    "sign": Elementwise(_sign, lambda _: 2, _sign_constants),
    "prelu": Elementwise(_prelu, _prelu_instructions, _prelu_constants),
    "add": Elementwise(_add, _add_instructions),
    "multiply": Elementwise(_multiply, _multiply_instructions),
    "position_scale": Elementwise(
        _position_scale,
        _position_scale_instructions,
        lambda site: {"factor": narrow(site.op.factor.values)},
        lambda site, _: site.output.pixels,
    ),
    "lookup": Elementwise(
        _lookup,
        _lookup_instructions,
        lambda site: {"table": narrow(site.op.table.values)},
        lambda site, _: site.output.elements,
    ),
    "relu": Elementwise(_relu, _two),
    "abs": Elementwise(_abs, _two),
}
