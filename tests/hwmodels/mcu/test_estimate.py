"""Prices: closed form and event-driven run agree exactly, totals are group-bys, and the clock scales time only."""

from __future__ import annotations

import math

import pytest

from hwmodels.cost import CHIP
from hwmodels.mcu.charge import ACTIONS
from hwmodels.mcu.chip import CycleTable
from hwmodels.mcu.choose import Prefer
from hwmodels.mcu.estimate import kernel_cycles
from neurobin.exec.activity import Activity
from neurobin.ir import BIPOLAR, TERNARY, Constant, Graph, TensorType
from neurobin.ir.dtype import i, u
from tests.hwmodels.mcu.test_map import mcu
from tests.networks import Random, binary_convnet, residual_convnet

NONE = Activity(0, {})
CHIPS = ("stm32l4r5", "stm32h7a3", "stm32u575", "stm32f746")
GRAPHS = {
    "binary": binary_convnet(),
    "ternary": binary_convnet(dtype=TERNARY, channels=33 * 2),
    "residual": residual_convnet(),
}


@pytest.mark.parametrize("name", CHIPS)
@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_trace_and_closed_form_agree_exactly(name: str, graph: Graph) -> None:
    target = mcu(name)
    mapping = target.map(graph)
    report, trace = target.estimate(mapping, NONE), target.simulate(mapping, NONE)
    assert trace.latency_s == report.latency_s
    assert trace.periods == sum(row.count for row in report.rows if row.node != CHIP)
    assert trace.busy()["CPU", "run"] == trace.periods
    assert trace.nodes == mapping.steps
    assert (trace.start[1:] == trace.stop[:-1]).all()
    assert report.latency_low_s < report.latency_s < report.latency_high_s


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_energy_by_any_column_is_the_total(graph: Graph) -> None:
    target = mcu()
    report = target.estimate(target.map(graph), NONE)
    total = report.total
    assert 0 < total.energy_low_j < total.energy_j < total.energy_high_j
    for key in ("node", "component", "action", "resource", "constant"):
        groups = report.by(key)  # type: ignore[arg-type]
        assert math.isclose(math.fsum(g.energy_j for g in groups.values()), total.energy_j, rel_tol=1e-12)
    per_cycle = target.chip.energy_per_cycle
    assert per_cycle is not None
    cycles = sum(row.count for row in report.rows if row.node != CHIP)
    assert math.isclose(total.energy_j, cycles * per_cycle.value, rel_tol=1e-12)
    assert set(report.by("component")) >= {"compute", "weight memory", "activation memory"}


def test_clock_scales_latency_and_leaves_energy() -> None:
    slow, fast = mcu(), mcu(clock=240e6)
    a = slow.estimate(slow.map(GRAPHS["binary"]), NONE)
    b = fast.estimate(fast.map(GRAPHS["binary"]), NONE)
    assert a.latency_s == 2 * b.latency_s
    assert a.total == b.total


def test_supply_scales_energy_and_leaves_latency() -> None:
    low, high = mcu(), mcu(supply=3.6)
    a = low.estimate(low.map(GRAPHS["binary"]), NONE)
    b = high.estimate(high.map(GRAPHS["binary"]), NONE)
    assert b.total.energy_j == pytest.approx(2 * a.total.energy_j, rel=1e-12)
    assert a.latency_s == b.latency_s


def test_a_chip_without_current_has_no_joules() -> None:
    target = mcu("stm32f746")
    report = target.estimate(target.map(GRAPHS["binary"]), NONE)
    assert report.not_modelled == report.rows
    assert all(row.to_dict()["energy_j"] is None for row in report.rows)
    assert report.latency_s > 0
    assert any("no supply current" in note for note in report.notes)


def test_what_is_left_out_is_said() -> None:
    report = mcu().estimate(mcu().map(GRAPHS["binary"]), NONE)
    assert [row.action for row in report.not_modelled] == ["copy the input into SRAM", "sleep between inferences"]
    assert any("wait states" in note for note in report.notes)


def charges(graph: Graph, prefer: Prefer = "direct") -> dict[str, int]:
    """Events by action over the whole network."""
    found: dict[str, int] = {}
    for kernel in mcu(prefer=prefer).map(graph).kernels:
        for parts in kernel.charges().values():
            for charge in parts:
                found[charge.action] = found.get(charge.action, 0) + charge.events
    return found


def test_counts_of_a_binary_convolution() -> None:
    """3x3, 10x10x64 valid, 64 outputs: 2.36 M one-bit products in 73728 words, the published closed form's loop counts."""
    b = Random(0, TensorType((10, 10, 64), BIPOLAR))
    graph = b.graph(b.sign(b.op("bit_conv2d", "image", weight=b.weight(BIPOLAR, 64, 3, 3, 64))))
    found = charges(graph)
    pixels, outputs, words = 64, 64 * 64, 64 * 64 * 9 * 2
    assert (found["call"], found["row"], found["pixel"], found["output"]) == (1, 8, pixels, outputs)
    assert found["window position"] == outputs * 9
    assert found["popcount"] == found["word logic"] == found["loop"] == words == 73728
    assert found["load activation words"] == found["load weight words"] == words
    assert found["store activations"] == pixels * 2
    table = mcu().chip.cycles
    cycles = sum(kernel_cycles(mcu().chip, kernel) for kernel in mcu(prefer="direct").map(graph).kernels)
    assert 14.7 * words < cycles < 1.45 * 17 * words  # the word loop and no more than 45 % around it
    assert table.popcount.value * words < cycles


@pytest.mark.parametrize(
    ("activation", "weight", "popcounts", "logic"),
    [
        (BIPOLAR, BIPOLAR, 1, 1),
        (BIPOLAR, TERNARY, 2, 2),
        (TERNARY, TERNARY, 2, 3),
        (u(2), BIPOLAR, 2, 2),
        (TERNARY, BIPOLAR, 1, 2),
    ],
    ids=str,
)
def test_counts_of_planes(activation: object, weight: object, popcounts: int, logic: int) -> None:
    """Two planes cost what their word rules say (plus, for codes, one shared count per word and plane)."""
    b = Random(0, TensorType((64,), activation))  # type: ignore[arg-type]
    found = charges(b.graph(b.op("bit_dense", "image", weight=b.weight(weight, 40, 64))))  # type: ignore[arg-type]
    shared = {u(2): 2 * 2, TERNARY: 2 if weight == BIPOLAR else 0}.get(activation, 0)  # type: ignore[call-overload]
    combine = 2 * 40 if activation == u(2) else 0
    assert found["popcount"] == 40 * 2 * popcounts + shared
    assert found["word logic"] == 40 * 2 * logic + combine


def test_padding_is_skipped_not_computed() -> None:
    b = Random(0, TensorType((4, 4, 8), i(8)))
    found = charges(b.graph(b.op("int_conv2d", "image", weight=b.weight(i(8), 5, 3, 3, 8), padding=(1, 1, 1, 1))))
    inside = (4 * 3 - 2) ** 2
    assert found["multiply-accumulate 8-bit"] == inside * 5 * 8


def test_every_action_is_priced_by_a_constant_of_the_table() -> None:
    assert {constant for _, constant in ACTIONS.values()} == set(CycleTable.model_fields)


def test_counts_are_whole_cycles() -> None:
    report = mcu().estimate(mcu().map(GRAPHS["residual"]), NONE)
    assert all(float(row.count).is_integer() for row in report.rows)


def test_tables_factors_and_logic_by_hand() -> None:
    """A table: address and load per element. A factor: one multiplication per element, one load per pixel. Logic: words."""
    b = Random(0, TensorType((4, 3, 40), i(8)))
    x = b.op("position_scale", "image", factor=b.weight(i(8), 4, 3))
    graph = b.graph(b.op("requantise", x, multiplier=Constant(i(2), [1]), bias=Constant(i(2), [0]), shift=8, dtype=i(8)))
    (kernel,) = mcu().map(graph).kernels
    charges = {charge.action: charge for charge in kernel.charges()[x]}
    assert charges["element"].events == 4 * 3 * 40
    assert (charges["load parameters"].events, charges["load parameters"].bits) == (4 * 3, 8 * 4 * 3)

    b = Random(0, TensorType((4, 3, 40), i(8)))
    graph = b.graph(b.op("lookup", "image", table=b.weight(u(16), 1, 256), low=-128))
    (kernel,) = mcu().map(graph).kernels
    charges = {charge.action: charge for charge in kernel.charges()[graph.output]}
    assert (charges["load parameters"].events, charges["load parameters"].bits) == (4 * 3 * 40, 16 * 4 * 3 * 40)
    assert charges["element"].events == 4 * 3 * 40

    for kind, steps in (("xnor", 2), ("or", 1), ("and", 1)):
        b = Random(0, TensorType((4, 3, 40), BIPOLAR))
        graph = b.graph(b.op("logic", "image", "image", kind=kind))
        (kernel,) = mcu().map(graph).kernels
        charges = {charge.action: charge for charge in kernel.charges()[graph.output]}
        words = 4 * 3 * 2
        assert charges["word logic"].events == steps * words
        assert charges["load activation words"].events == 2 * words
        assert charges["store activations"].events == words
        assert "element" not in charges
