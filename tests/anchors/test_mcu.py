"""Published microcontroller figures: MLPerf Tiny keyword spotting, and the SmallCifar network of CBin-NN."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hwmodels.mcu.chip import McuChip
from hwmodels.mcu.target import McuTarget
from hwmodels.target import load_target
from neurobin.exec import reference
from neurobin.exec.activity import Activity
from neurobin.ir import BIPOLAR, Graph, TensorType
from neurobin.ir.dtype import u
from tests.networks import Random, images

pytestmark = pytest.mark.anchor

KWS_MACS = 2_656_768  # MLCommons reference model
NO_ACTIVITY = Activity(0, {})


def small_cifar() -> Graph:
    """CBin-NN (IEEE EDGE 2022; MDPI Electronics 13(9):1624): 8-bit image, binary weights everywhere ("QB" first layer)."""
    b = Random(0, TensorType((32, 32, 3), u(8)))
    x = "image"
    for outputs, inputs in ((32, 3), (32, 32), (64, 32)):
        op = "int_conv2d" if inputs == 3 else "bit_conv2d"
        x = b.op(op, x, weight=b.weight(BIPOLAR, outputs, 5, 5, inputs), padding=(2, 2, 2, 2))
        x = b.op("max_pool2d", b.sign(x), kernel=(2, 2), stride=(2, 2))
    x = b.op("flatten", x)
    return b.graph(b.op("bit_dense", x, weight=b.weight(BIPOLAR, 10, 1024)))


def published_kernels(overrides: dict[str, float] | None = None) -> McuTarget:
    """The kernels that the published code runs: window position by window position, all weights packed."""
    target = load_target("stm32f746", overrides)
    assert isinstance(target, McuTarget)
    return replace(target, prefer="direct")


def chip(name: str) -> McuChip:
    target = load_target(name)
    assert isinstance(target, McuTarget)
    return target.chip


@pytest.mark.parametrize(
    ("name", "latency_s", "energy_j"),
    [("stm32l4r5", 43.19e-3, 1820e-6), ("stm32u575", 29.06e-3, 656e-6), ("stm32h7a3", 11.32e-3, 1376e-6)],
)
def test_keyword_spotting_rows(name: str, latency_s: float, energy_j: float) -> None:
    """MLPerf Tiny v1.2 closed division, int8. Calibrated: mac8 on these latencies, the current on the same submissions.

    So this checks the arithmetic (cycles, supply, units), within the rounding of the constants; it is no validation.
    """
    constants = chip(name)
    cycles = KWS_MACS * constants.cycles.mac8.value
    assert cycles / constants.clock.value == pytest.approx(latency_s, rel=0.005)
    energy = constants.energy_per_cycle
    assert energy is not None
    assert energy.value * latency_s * constants.clock.value == pytest.approx(energy_j, rel=0.04)
    assert energy.low * latency_s * constants.clock.value < energy_j < energy.high * latency_s * constants.clock.value


def test_small_cifar_activation_bytes() -> None:
    """Published: 5 KB peak activations, which leaves the 8-bit input image out. Not calibrated; exact."""
    mapping = published_kernels().map(small_cifar())
    summary = mapping.summary()
    assert summary["sram_without_input_bytes"] == 5120 == 4096 + 1024
    assert summary["sram_bytes"] == summary["sram_lower_bound_bytes"] == 7168 == 3072 + 4096


def test_small_cifar_weight_words() -> None:
    """Published `bnn_params.h`: 75 words (first layer packed along the outputs), 800, 1600 and 320 words. Exact."""
    mapping = published_kernels().map(small_cifar())
    words = [span.size_bytes // 4 for span in mapping.spans if span.tensor.endswith(".weight")]
    assert words == [75, 800, 1600, 320]


def test_small_cifar_macs() -> None:
    graph = small_cifar()
    macs = [graph.work(node.name).total("mac") for node in graph.nodes if graph.work(node.name).total("mac")]
    assert macs == [2_457_600, 6_553_600, 3_276_800, 10_240]


def test_small_cifar_executes_exactly() -> None:
    graph = small_cifar()
    target = published_kernels()
    x = images(graph, 2)
    assert np.array_equal(target.execute(target.map(graph), x), reference.run(graph, x))


def test_small_cifar_latency_of_our_kernels() -> None:
    """Published: 110 ms at 216 MHz. Held out: no constant was fitted to it, and the model is *not* expected to hold it.

    Stated band: a factor of 2, what the choice of kernel is worth (first layer's variant, compiler and flags are not
    published). The model says 57 ms (34 to 108): our kernels have the popcount inline, the published code calls one.
    """
    target = published_kernels()
    report = target.estimate(target.map(small_cifar()), NO_ACTIVITY)
    assert report.latency_s == pytest.approx(57.4e-3, rel=0.01)
    assert report.latency_low_s < report.latency_high_s < 110e-3 < 2 * report.latency_s


def test_small_cifar_latency_with_a_called_popcount() -> None:
    """The published code calls the compiler's `__popcountsi2`: 28 instructions a word in all, about 1 cycle each on M7.

    Without the two loads (1.5), the exclusive or (1) and the loop (2.5) that leaves 23 cycles; 110 ms lies in the range.
    """
    target = published_kernels({"cycles.popcount": 23.0})
    report = target.estimate(target.map(small_cifar()), NO_ACTIVITY)
    assert report.latency_low_s < report.latency_s < 110e-3 < report.latency_high_s < 130e-3


def test_small_cifar_latency_of_the_cheapest_kernels() -> None:
    """What the free choice of kernels says of the same network: no published figure, so only what it must imply.

    36 ms (23 to 61) instead of 57: the first layer's weights as bytes (2400 B of flash instead of 300; the published
    library has that variant too, "QQ"), the first binary layer gathered. RAM peaks elsewhere, so both figures stay.
    """
    target = load_target("stm32f746")
    mapping = target.map(small_cifar())
    report, summary = target.estimate(mapping, NO_ACTIVITY), mapping.summary()
    decisions = list(summary["kernels"].values())  # type: ignore[union-attr]
    assert [d["kernel"] for d in decisions] == ["expanded", "gathered", "direct", "direct"]
    assert [d["flash_growth_bytes"] for d in decisions] == [2400 - 300, 0, 0, 0]
    assert (summary["sram_without_input_bytes"], summary["sram_bytes"]) == (5120, 7168)
    assert report.latency_s < published_kernels().estimate(published_kernels().map(small_cifar()), NO_ACTIVITY).latency_s


def test_binary_word_spans_the_kernel_variants() -> None:
    """Cycles per 32-bit word on the M4 by instruction counts: 14.7 (carry-save), 17 (clang), 20 (gcc). Calibrated."""
    table = chip("stm32l4r5").cycles

    def word(end: str) -> float:
        load, alu, count, loop = (getattr(c, end) for c in (table.load, table.alu, table.popcount, table.loop))
        return float(2 * load + alu + count + loop)

    assert [word(end) for end in ("low", "value", "high")] == pytest.approx([14.7, 17.0, 20.0])
