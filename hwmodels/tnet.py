"""The energy of a published model for ternary and binary networks (TNet, shekhovt/TNet, energy_ECML, 2026).

Energy = (gates and register bits) E1 + (bits read and written) E_memory, with the counts of `neurobin.counting.tnet`. One
constant prices every gate and every register bit, one every bit of memory, weights and maps alike. Not modelled: caches,
static power, latency. No chip of this house uses it; it is here so that the published rows can be recomputed and compared.
"""

from __future__ import annotations

from dataclasses import dataclass

from hwmodels.sourced import Joules, JoulesPerBit, Sourced
from neurobin.counting.tnet import TnetCounts

_SOURCE = "TNet (ECML-PKDD 2026), shekhovt/TNet, energy_ECML at 4aba0f3c"

GATE: Joules = Sourced(
    value=0.03e-12 / 32,
    unit="J",
    source=f"{_SOURCE}: 0.03 pJ for an addition of 32 bits, per bit; a register bit costs the same. No range is published",
    low=0.03e-12 / 32,
    high=0.03e-12 / 32,
)
MEMORY: JoulesPerBit = Sourced(
    value=150e-12,
    unit="J/bit",
    source=f"{_SOURCE}: off-chip memory, for weights and maps alike. No range is published",
    low=150e-12,
    high=150e-12,
)


@dataclass(frozen=True)
class TnetEnergy:
    """Joules per image by where they go."""

    weights_j: float
    maps_j: float
    compute_j: float

    @property
    def total_j(self) -> float:
        return self.weights_j + self.maps_j + self.compute_j


def tnet_energy(counts: TnetCounts) -> TnetEnergy:
    """The price of the counts of a network, or of one layer."""
    return TnetEnergy(
        weights_j=counts.weight_bits_read * MEMORY.value,
        maps_j=(counts.map_bits_read + counts.map_bits_written) * MEMORY.value,
        compute_j=counts.compute * GATE.value,
    )
