"""Published figures of the TrueNorth chip. Which of them the model was calibrated on is said at each test."""

from __future__ import annotations

import pytest

from hwmodels.target import load_target
from hwmodels.truenorth import TrueNorthTarget
from hwmodels.truenorth.chip import chip_power_w
from neurobin.ir import BINARY, TERNARY, Graph, TensorType
from neurobin.ir.dtype import i, u
from tests.networks import Random

pytestmark = pytest.mark.anchor

NEURONS = 2**20  # of the characterisation networks, all of them active


def chip(name: str = "truenorth") -> TrueNorthTarget:
    target = load_target(name)
    assert isinstance(target, TrueNorthTarget)
    return target


def power_w(voltage_v: float, rate_hz: float, synapses: int) -> float:
    return chip_power_w(chip().chip.energy, voltage_v, NEURONS * rate_hz * synapses)


@pytest.mark.parametrize(
    ("voltage_v", "rate_hz", "synapses", "published_w"),
    [(0.70, 0.0, 0, 0.042), (0.80, 11.58, 128, 0.068), (0.80, 95.93, 128, 0.094), (1.05, 200.0, 256, 0.323)],
)
def test_chip_power_totals(voltage_v: float, rate_hz: float, synapses: int, published_w: float) -> None:
    """Akopyan 2015, Fig. 17 and p. 1551. Calibrated: the four constants were fitted on these four points."""
    assert power_w(voltage_v, rate_hz, synapses) == pytest.approx(published_w, rel=2e-3)


@pytest.mark.parametrize(("rate_hz", "derived_pj"), [(11.58, 43.8), (95.93, 7.3)])
def test_amortised_energy_is_an_output_that_falls_with_activity(rate_hz: float, derived_pj: float) -> None:
    """Total power by events (Akopyan 2015, Fig. 17): follows from two calibration points; never a constant."""
    amortised_pj = 1e12 * power_w(0.80, rate_hz, 128) / (NEURONS * rate_hz * 128)
    assert amortised_pj == pytest.approx(derived_pj, abs=0.05)


def test_efficiency_rises_with_activity_to_the_published_peak() -> None:
    """Akopyan 2015, p. 1551: 58 GSOPS at 400 GSOPS/W and 0.75 V. Held out; bar 25 %."""
    rates = [1e9, 5e9, 10e9, 30e9, 58e9]
    gsops_per_w = [1e-9 * rate / chip_power_w(chip().chip.energy, 0.75, rate) for rate in rates]
    assert gsops_per_w == sorted(gsops_per_w)
    assert gsops_per_w[-1] == pytest.approx(400, rel=0.25)


EEDN = [  # kernel, stride, features, groups: the one-chip CIFAR-10 network of Esser 2016, recalled
    (4, 2, 252, 2), (1, 1, 256, 2), (2, 2, 256, 8), (3, 1, 512, 32), (1, 1, 512, 4), (1, 1, 512, 4), (1, 1, 512, 4),
    (2, 2, 512, 16), (3, 1, 1024, 64), (1, 1, 1024, 8), (2, 2, 1024, 32), (1, 1, 1024, 8), (1, 1, 1024, 8),
    (1, 1, 2040, 8),
]  # fmt: skip


def eedn() -> Graph:
    """Random ternary weights; the first convolution turns colours into bits off the chip."""
    b = Random(0, TensorType((32, 32, 3), u(8)))
    x = b.op("int_conv2d", "image", weight=b.weight(i(8), 16, 3, 3, 3), padding=(1, 1, 1, 1))
    x = b.sign(x, BINARY)
    for kernel, stride, features, groups in EEDN:
        pad = 1 if kernel > 2 else 0
        weight = b.weight(TERNARY, features, kernel, kernel, b.types[x].channels // groups)
        x = b.op("channel_shuffle", x, groups=groups)
        x = b.op("bit_conv2d", x, weight=weight, stride=(stride, stride), padding=(pad,) * 4, groups=groups)
        x = b.sign(x, BINARY)
    return b.graph(x)


def test_cores_of_the_eedn_cifar_network() -> None:
    """Esser 2016, Table 3: 4042 cores. Not calibrated; uniform tiles need 3680 for the layer table as recalled (-9 %).

    Tight tiles, which use the axons that padding leaves free on the 4 x 4 map, need 3552 (-12 %).
    """
    graph = eedn()
    mapping = chip("truenorth_1v0").map(graph)
    assert [len(part.cores) for part in mapping.layers] == [
        512, 512, 512, 512, 256, 256, 256, 256, 256, 128, 128, 32, 32, 32
    ]  # fmt: skip
    assert 3680 <= mapping.core_count <= 4042
    assert chip("truenorth").map(graph).core_count == 3552
