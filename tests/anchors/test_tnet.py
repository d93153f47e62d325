"""The two published rows of the TNet energy model, recomputed from our graphs: every count and every microjoule.

Nothing was calibrated on them; the two constants are the model's own (`hwmodels.tnet`).
"""

from __future__ import annotations

import pytest

from hwmodels.tnet import GATE, MEMORY, tnet_energy
from neurobin.counting.tnet import TnetCounts, tnet, tnet_layers
from neurobin.zoo.untrained import untrained

pytestmark = pytest.mark.anchor
MIB_BITS = 8 * 2**20


def row(name: str, counts: TnetCounts) -> tuple[str, str, str, str, str, str]:
    """(weights MiB, weights uJ, maps MiB, maps uJ, compute uJ, total uJ) as the table prints them."""
    energy = tnet_energy(counts)
    maps = counts.map_bits_read + counts.map_bits_written
    found = (
        f"{counts.weight_bits_read / MIB_BITS:.2f}",
        f"{energy.weights_j * 1e6:.0f}",
        f"{maps / MIB_BITS:.2f}",
        f"{energy.maps_j * 1e6:.0f}",
        f"{energy.compute_j * 1e6:.0f}",
        f"{energy.total_j * 1e6:.0f}",
    )
    print(f"\n{name:<12} weights {found[0]} MiB {found[1]} uJ, maps {found[2]} MiB {found[3]} uJ, "
          f"compute {found[4]} uJ, total {found[5]} uJ")  # fmt: skip
    return found


def moved(counts: TnetCounts) -> tuple[int, int, int]:
    return counts.weight_bits_read, counts.map_bits_read, counts.map_bits_written


def test_real_resnet18() -> None:
    """ResNet-18 with 32-bit numbers everywhere: 21 layers, the pools fused to the first and the last convolution."""
    graph = untrained("resnet18")
    counts = tnet(graph)
    assert len(tnet_layers(graph)) == 21
    assert moved(counts) == (373_817_984, 69_861_376, 59_456_768)
    assert (counts.adder_gates, counts.register_bits) == (1_979_554_620_672, 61_936_508_160)
    assert row("ResNet18 f32", counts) == ("44.56", "56073", "15.42", "19398", "1914", "77385")
    assert tnet_energy(counts).total_j * 1e6 == pytest.approx(77_384.678, abs=5e-4)


def test_reactnet_a() -> None:
    """ReActNet-A: 33 layers, maps of 8 bits beside 1-bit operands, a global pool that counts twice its outputs."""
    graph = untrained("reactnet_a")
    counts = tnet(graph, pool_outputs=2)
    assert len(tnet_layers(graph)) == 33
    assert moved(counts) == (36_643_200, 47_374_336, 39_964_480)
    assert (counts.adder_gates, counts.register_bits) == (15_516_792_448, 3_756_320_384)
    assert row("ReActNet-A", counts) == ("4.37", "5496", "10.41", "13101", "19", "18616")
    assert tnet_energy(counts).total_j * 1e6 == pytest.approx(18_615.895, abs=5e-4)


def test_compute_of_reactnet_is_not_the_first_print() -> None:
    """The paper's first print had 89 uJ, bits written where states were meant. 19 is right."""
    assert 18.5 < tnet_energy(tnet(untrained("reactnet_a"))).compute_j * 1e6 < 19.5


def test_maps_dominate_reactnet() -> None:
    """70 % of the row's total is traffic of maps."""
    energy = tnet_energy(tnet(untrained("reactnet_a")))
    assert energy.maps_j / energy.total_j == pytest.approx(0.70, abs=0.005)


def test_the_pool_counted_once() -> None:
    """The rule without the quirk: 1024 values of 8 bits fewer are written, and nothing else of the traffic changes."""
    graph = untrained("reactnet_a")
    once, twice = tnet(graph), tnet(graph, pool_outputs=2)
    assert twice.map_bits_written - once.map_bits_written == 8 * 1024
    assert moved(once)[:2] == moved(twice)[:2]
    assert (once.adder_gates, once.pool_gates) == (twice.adder_gates, twice.pool_gates)


def test_constants_have_sources() -> None:
    assert GATE.value == 0.9375e-15
    assert MEMORY.value == 150e-12
    assert all("shekhovt/TNet" in constant.source for constant in (GATE, MEMORY))
