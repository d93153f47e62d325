"""Prices: counts from rates equal counts from execution, closed form equals simulation, and every joule has a source."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwmodels.cost import CHIP
from hwmodels.truenorth.census import predicted
from neurobin.errors import GraphError, UsageError
from neurobin.exec.activity import Activity, measure
from neurobin.ir import BINARY, BIPOLAR, Constant, Graph, TensorType
from neurobin.ir.dtype import i
from tests.hwmodels.truenorth.nets import bits, target, wired
from tests.networks import Random, binary_convnet

GRAPHS = {
    "bipolar": lambda: binary_convnet(3),
    "binary": lambda: binary_convnet(4, dtype=BINARY, pad_value=1),
    "wired": lambda: wired(2),
    "wired binary": lambda: wired(5, BINARY),
}


@pytest.fixture(params=GRAPHS)
def graph(request: pytest.FixtureRequest) -> Graph:
    return GRAPHS[request.param]()


def test_predicted_census_equals_the_executed_one(graph: Graph) -> None:
    machine = target()
    mapping, x = machine.map(graph), bits(graph, 37)
    closed, counted = predicted(mapping, measure(graph, x)), machine.census(mapping, x)
    for expected, found in zip(counted.layers, closed.layers, strict=True):
        assert (found.node, found.output) == (expected.node, expected.output)
        for name in ("synaptic_events", "spikes", "hops"):
            assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-9), name
    assert closed.packets_in == pytest.approx(counted.packets_in, rel=1e-9)
    assert closed.packets_out == pytest.approx(counted.packets_out, rel=1e-9)


def test_the_census_of_one_neuron_by_hand() -> None:
    """Three inputs with weights 1, -1, 0 and a neuron that also fires without input; its bit leaves the chip."""
    b = Random(0, TensorType((3,), BINARY))
    x = b.op("bit_dense", "image", weight=Constant(i(2), [[1, -1, 0]]))
    graph = b.graph(b.op("multi_threshold", x, thresholds=Constant(i(8), [[0]]), dtype=BINARY))
    machine = target()
    x_bits = np.array([[0, 0, 0], [1, 1, 1], [0, 1, 1]])
    census = machine.census(machine.map(graph), x_bits)
    (layer,) = census.layers
    assert layer.synaptic_events * 3 == 0 + 2 + 1  # a spike on the axon of the missing weight meets no connection
    assert layer.spikes * 3 == 1 + 1 + 0
    assert census.packets_in * 3 == 2 * (0 + 3 + 2)  # each input enters on a pair of axons
    assert census.packets_out * 3 == 2


def test_silence_is_not_free() -> None:
    """With all-zero images the events are those of neurons that fire without input: counted, not assumed away."""
    graph = wired(5, BINARY)
    machine = target()
    mapping = machine.map(graph)
    x = np.full((2, *graph.inputs[graph.input].shape), -128)
    census = machine.census(mapping, x)
    assert census.packets_in == predicted(mapping, measure(graph, x)).packets_in
    assert census.spikes > 0


def test_report_counts_times_constants(graph: Graph) -> None:
    machine = target()
    mapping, x = machine.map(graph), bits(graph, 8)
    report = machine.estimate(mapping, measure(graph, x))
    census = machine.census(mapping, x)
    compute = [row for row in report.rows if row.component == "compute"]
    assert math.fsum(row.count for row in compute) == pytest.approx(census.synaptic_events, rel=1e-9)
    energy = machine.chip.energy
    assert {row.unit for row in compute} == {energy.event_energy}  # 0.8 V is the reference: unscaled
    (static,) = (row for row in report.rows if row.component == "static")
    assert static.node == CHIP
    assert static.energy_j == pytest.approx(energy.static_power.value * 1e-3)
    total = report.total.energy_j
    for key in ("node", "component", "resource"):
        assert math.fsum(e.energy_j for e in report.by(key).values()) == pytest.approx(total, rel=1e-12)  # type: ignore[arg-type]
    assert report.total.energy_low_j < total < report.total.energy_high_j


def test_host_work_is_named_and_not_priced() -> None:
    graph = binary_convnet(3)
    machine = target()
    report = machine.estimate(machine.map(graph), measure(graph, bits(graph, 4)))
    rows = {(row.node, row.action): row for row in report.not_modelled}
    assert rows["int_conv2d1", "mac i8 x i8"].count == 8 * 8 * 16 * 9
    assert all(row.component == "host" and row.to_dict()["energy_j"] is None for row in rows.values())
    assert any("int_conv2d1" in note for note in report.notes)


def test_static_power_per_used_core() -> None:
    graph = binary_convnet(3)
    machine = target("truenorth_1v0")
    mapping = machine.map(graph)
    report = machine.estimate(mapping, measure(graph, bits(graph, 4)))
    rows = [row for row in report.rows if row.component == "static"]
    assert sum(row.count for row in rows) == mapping.core_count
    per_core_w = rows[0].unit.value / machine.chip.timing.tick.value  # type: ignore[union-attr]
    assert per_core_w == pytest.approx(32.2e-6, rel=2e-3)  # 15.7 uW at 0.8 V times 1.25^3.2
    assert any("per used core" in note for note in report.notes)
    assert {row.node for row in rows} == {part.layer.node for part in mapping.layers}


@pytest.mark.parametrize("chip", ["truenorth", "truenorth_1v0"])
def test_simulated_latency_equals_the_closed_form(graph: Graph, chip: str) -> None:
    machine = target(chip)
    mapping = machine.map(graph)
    activity = measure(graph, bits(graph, 4))
    report, trace = machine.estimate(mapping, activity), machine.simulate(mapping, activity)
    assert trace.latency_s == report.latency_s
    assert trace.periods == 1 + mapping.ticks
    starts = dict(zip((trace.nodes[n] for n in trace.node), trace.start.tolist(), strict=True))
    assert all(starts[part.layer.output] == part.layer.depth for part in mapping.layers)


def test_missing_activity_and_no_images() -> None:
    graph = binary_convnet(3)
    machine = target()
    mapping = machine.map(graph)
    with pytest.raises(GraphError, match="no activity was measured"):
        machine.estimate(mapping, Activity(1, {}))
    with pytest.raises(UsageError, match="at least one image"):
        machine.census(mapping, bits(graph, 0))


def test_a_busy_core_and_a_short_tick_are_warned_about() -> None:
    from hwmodels.target import load_target

    b = Random(0, TensorType((128,), BIPOLAR))
    graph = b.graph(b.sign(b.op("bit_dense", "image", weight=b.weight(BIPOLAR, 256, 128))))
    machine = load_target("truenorth", {"timing.tick": 4e-5})
    report = machine.estimate(machine.map(graph), measure(graph, bits(graph, 4)))
    assert any("demonstrated" in note for note in report.notes)
    assert any("may not fit the tick" in note for note in report.notes)
