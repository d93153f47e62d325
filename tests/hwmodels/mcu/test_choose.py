"""The choice of kernels: the fewest cycles, the first one on a tie, and leaner ones where memory is short."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

from hwmodels.mcu.chip import CycleTable
from hwmodels.mcu.choose import Prefer
from hwmodels.mcu.estimate import kernel_cycles
from hwmodels.mcu.execute import execute
from hwmodels.mcu.map import McuMapping
from neurobin.exec import reference
from neurobin.exec.activity import Activity
from neurobin.ir import BIPOLAR, TERNARY, Constant, Graph, TensorType
from neurobin.ir.dtype import i, u
from tests.hwmodels.mcu.test_map import mcu
from tests.networks import Random, binary_convnet, images, residual_convnet

NONE = Activity(0, {})
PREFERENCES: tuple[Prefer, ...] = get_args(Prefer)


def wide_activations() -> Graph:
    """Ternary weights on 8-bit maps, twice: the weights may be expanded."""
    b = Random(2, TensorType((6, 6, 3), u(8)))
    x = "image"
    for outputs in (16, 40):
        channels = b.types[x].channels
        x = b.op("bit_conv2d", x, weight=b.weight(TERNARY, outputs, 3, 3, channels), padding=(1, 1, 1, 1))
        x = b.op("requantise", x, multiplier=Constant(i(4), [3]), bias=Constant(i(4), [1]), shift=6, dtype=u(8))
    return b.graph(b.op("bit_dense", b.op("flatten", x), weight=b.weight(BIPOLAR, 10, 36 * 40)))


GRAPHS = {
    "binary": binary_convnet(channels=32, groups=4),
    "codes": binary_convnet(dtype=u(2), channels=32, groups=2),
    "ternary": binary_convnet(dtype=TERNARY, channels=66),
    "residual": residual_convnet(channels=16),
    "wide": wide_activations(),
}


def chosen(mapping: McuMapping) -> dict[str, str]:
    decisions: dict[str, Any] = mapping.summary()["kernels"]  # type: ignore[assignment]
    return {name: decision["kernel"] for name, decision in decisions.items()}


def total_cycles(mapping: McuMapping) -> int:
    return sum(kernel_cycles(mapping.chip, kernel) for kernel in mapping.kernels)


@pytest.mark.parametrize("name", ["stm32l4r5", "stm32h7a3"])
@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_the_choice_is_the_minimum(name: str, graph: Graph) -> None:
    """By the stated cycles, and by the price of the whole network with any one kernel forced."""
    best = mcu(name).map(graph)
    decisions: dict[str, Any] = best.summary()["kernels"]  # type: ignore[assignment]
    direct = mcu(name, "direct").map(graph)
    gain = 0
    for decision in decisions.values():
        assert decision["cycles"][decision["kernel"]] == min(decision["cycles"].values())
        gain += decision["cycles"]["direct"] - decision["cycles"][decision["kernel"]]
    assert gain > 0
    assert total_cycles(direct) - total_cycles(best) == gain
    assert all(total_cycles(best) <= total_cycles(mcu(name, prefer).map(graph)) for prefer in PREFERENCES)


@pytest.mark.parametrize("prefer", PREFERENCES)
@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_every_choice_executes_exactly_and_simulates_as_estimated(prefer: Prefer, graph: Graph) -> None:
    target = mcu(prefer=prefer)
    mapping = target.map(graph)
    x = images(graph, 2)
    assert np.array_equal(execute(mapping, x), reference.run(graph, x))
    report = target.estimate(mapping, NONE)
    assert target.simulate(mapping, NONE).latency_s == report.latency_s
    assert report.latency_low_s < report.latency_s < report.latency_high_s


def test_each_kernel_wins_somewhere() -> None:
    """Gathering where groups are narrow, bytes where planes multiply, words as they lie where they are dense."""
    found = {name: set(chosen(mcu().map(graph)).values()) for name, graph in GRAPHS.items()}
    assert found["wide"] == {"expanded"}
    assert "gathered" in found["binary"]
    assert "unpacked" in found["codes"]
    b = Random(0, TensorType((64,), BIPOLAR))
    dense = b.graph(b.op("bit_dense", "image", weight=b.weight(BIPOLAR, 64, 64)))
    assert set(chosen(mcu().map(dense)).values()) == {"direct"}


def test_a_tie_goes_to_the_direct_kernel() -> None:
    free = {f"cycles__{field}": 0.0 for field in CycleTable.model_fields}
    for graph in GRAPHS.values():
        assert set(chosen(mcu(**free).map(graph)).values()) == {"direct"}


def test_short_flash_takes_leaner_kernels_one_by_one() -> None:
    graph = GRAPHS["wide"]
    roomy, lean = mcu().map(graph), mcu(prefer="direct").map(graph)
    growth = len(roomy.image) - len(lean.image)
    decisions: dict[str, Any] = roomy.summary()["kernels"]  # type: ignore[assignment]
    assert growth == sum(decision["flash_growth_bytes"] for decision in decisions.values()) > 0
    previous = total_cycles(roomy)
    for room in range(len(roomy.image), len(lean.image) - 1, -growth // 7):
        mapping = mcu(flash=float(room)).map(graph)
        assert len(mapping.image) <= room
        assert previous <= total_cycles(mapping) <= total_cycles(lean)
        previous = total_cycles(mapping)
    assert set(chosen(mcu(flash=float(len(lean.image))).map(graph)).values()) == {"direct"}
    assert len(mcu(flash=float(len(lean.image) - 1)).check(graph)) == 1
    mixed = chosen(mcu(flash=float(len(roomy.image) - 1)).map(graph))
    assert set(mixed.values()) == {"direct", "expanded"}


def test_short_ram_takes_kernels_without_scratch() -> None:
    graph = GRAPHS["binary"]
    roomy, lean = mcu().map(graph), mcu(prefer="direct").map(graph)
    assert roomy.ram_bytes > lean.ram_bytes
    mapping = mcu(sram=float(lean.ram_bytes)).map(graph)
    assert mapping.ram_bytes == lean.ram_bytes
    assert {"gathered", "unpacked"}.isdisjoint(chosen(mapping).values())
    issues = mcu(sram=float(lean.ram_bytes - 1)).check(graph)
    assert len(issues) == 1
    assert "of SRAM" in issues[0].reason
