"""The counts of a published energy model of ternary and binary networks (TNet, shekhovt/TNet, energy_ECML, 2026), per image.

For a layer with fan-in n and no outputs, operand widths b1 <= b2 in bits, d = ceil(log2 n), k = 4, 3, 2, 2, 1, 1, ... for
b2 = 1, 2, 3, 4, 5, ...:

    adder gates       no (b1 n (b2 + 2) + b1 (b1 + b2 + d))
    register bits     no (2^(d - k) (b2 + 2 + k) + b1 (b1 + b2 + d))
    pool gates        8 bits, for every value that enters: maximum 8 k^2, mean 8 k^2 + 8 ceil(log2 k^2)
    affine gates      (64 + 16) per value that is left
    requantize gates  (b_acc + 16) per value, b_acc = ceil(log2(K_in K_w reach)) with K states of the operands
    bits moved        every layer reads its map and its weights with 16 bits of coefficients per output channel, and writes
                      its map; shortcuts, concatenations and pools on shortcuts are free

Widths: in a network with quantized layers everything real has 8 bits, in a real network 32, the image included. A map that a
real shortcut shares is stored with those; see `counting.fused`.

The published code counts a global average pool that is given as the number 1 as 2 C values, and one given as (1, 1) as C.
`pool_outputs=2` repeats that; a graph does not know how its author wrote the pool. Beyond the two published rows the choice
of what is fused is our reading.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from math import ceil, log2

from neurobin.counting.fused import FusedLayer, Pool, fused_layers
from neurobin.counting.operands import is_narrow
from neurobin.ir import DType, Graph

AFFINE_BITS = 16  # two coefficients per output channel
AFFINE_GATES = 64 + 16
REQUANTIZE_GATES = 16
QUANTIZED_BITS, REAL_BITS = 8, 32
REGISTER_LEVELS = {1: 4, 2: 3, 3: 2, 4: 2}


@dataclass(frozen=True)
class TnetCounts:
    """Gates and bits of one image; they add up over layers."""

    adder_gates: int = 0
    register_bits: int = 0
    pool_gates: int = 0
    affine_gates: int = 0
    requantize_gates: int = 0
    weight_bits_read: int = 0
    map_bits_read: int = 0
    map_bits_written: int = 0

    def __add__(self, other: TnetCounts) -> TnetCounts:
        return TnetCounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def compute(self) -> int:
        """Gates that switch and register bits that are written."""
        gates = self.adder_gates + self.pool_gates + self.affine_gates + self.requantize_gates
        return gates + self.register_bits


def tnet(graph: Graph, *, pool_outputs: int = 1) -> TnetCounts:
    """The sum over all layers of a graph as trained."""
    return total(layer for _, layer in tnet_layers(graph, pool_outputs=pool_outputs))


def tnet_layers(graph: Graph, *, pool_outputs: int = 1) -> list[tuple[str, TnetCounts]]:
    """The counts of every layer by name."""
    layers = fused_layers(graph)
    quantized = any(is_narrow(layer.operand) or is_narrow(layer.weight) for layer in layers)
    real = QUANTIZED_BITS if quantized else REAL_BITS
    return [(layer.name, _counts(layer, real, pool_outputs)) for layer in layers]


def total(counts: Iterable[TnetCounts]) -> TnetCounts:
    return sum(counts, TnetCounts())


def _counts(layer: FusedLayer, real: int, pool_outputs: int) -> TnetCounts:
    def width(dtype: DType) -> int:
        return dtype.bits if is_narrow(dtype) else real

    activations, weights = width(layer.operand), width(layer.weight)
    b1, b2 = sorted((activations, weights))
    depth = ceil(log2(layer.fan_in)) if layer.fan_in > 1 else 0
    carry = b1 * (b1 + b2 + depth)
    level = REGISTER_LEVELS.get(b2, 1)
    registers = (b2 + 2 + level) * 2 ** max(depth - level, 0)
    written = layer.written * (pool_outputs if layer.pools and layer.pools[-1].is_global else 1)
    accumulator = ceil(log2(layer.reach) + _state_bits(layer.operand, real) + _state_bits(layer.weight, real))
    return TnetCounts(
        adder_gates=layer.outputs * (b1 * layer.fan_in * (b2 + 2) + carry),
        register_bits=layer.outputs * (registers + carry),
        pool_gates=sum(map(_pool_gates, layer.pools)),
        affine_gates=written * AFFINE_GATES,
        requantize_gates=written * (accumulator + REQUANTIZE_GATES),
        weight_bits_read=weights * layer.weights + AFFINE_BITS * layer.channels,
        map_bits_read=width(layer.read) * layer.inputs,
        map_bits_written=width(layer.stored) * written,
    )


def _pool_gates(pool: Pool) -> int:
    summed = 0 if pool.is_max else QUANTIZED_BITS * ceil(log2(pool.taps))
    return pool.inputs * (QUANTIZED_BITS * pool.taps + summed)


def _state_bits(dtype: DType, real: int) -> float:
    """log2 of the number of values that an operand has."""
    return log2(dtype.count) if is_narrow(dtype) else real
