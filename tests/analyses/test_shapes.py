"""Memory, work, traces and placements."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyses.memory import capacity, layout, live, memories, peak, timeline
from analyses.placement import by_layer, core_map
from analyses.table import Cell
from analyses.utilisation import busiest, sample, utilisation
from analyses.work import parameter_counts, work_table
from hwmodels.target import Resource, Span
from hwmodels.trace import STATES, Trace, TraceBuilder
from neurobin.errors import FormatError
from tests.networks import binary_convnet, residual_convnet

STEPS = ("a", "b", "c")
SPANS = (Span("x", "sram", 0, 100, 0, 1), Span("y", "sram", 128, 50, 1, 2), Span("z", "sram", 0, 60, 2, 2),
         Span("w", "flash", 0, 7, 0, 2))  # fmt: skip


def test_live_bytes_and_the_peak_with_its_tensors() -> None:
    assert memories(SPANS) == ("sram", "flash")
    assert timeline(STEPS, SPANS, "sram").column("live_bytes") == [100, 150, 110]
    assert timeline(STEPS, SPANS, "sram").column("alive") == ["x", "x, y", "z, y"]
    top = peak(STEPS, SPANS, "sram")
    assert top is not None
    assert (top.step, top.step_name, top.live_bytes, top.high_water_bytes) == (1, "b", 150, 178)
    assert top.tensors == (("x", 100), ("y", 50))
    assert len(layout(SPANS, "sram")) == 3
    assert peak(STEPS, (), "sram") is None


spans = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 99)).map(
        lambda v: Span(f"t{v}", "sram", v[2], v[2], min(v[0], v[1]), max(v[0], v[1]))
    ),
    max_size=8,
)


@given(spans)
def test_timeline_counts_every_byte_for_its_whole_life(found: list[Span]) -> None:
    steps = tuple("abcdef")
    usage = timeline(steps, found, "sram").numbers("live_bytes")
    assert sum(usage) == sum(span.size_bytes * (span.last - span.first + 1) for span in found)
    assert all(len(live(found, "sram", k)) == sum(s.first <= k <= s.last for s in found) for k in range(6))


def test_spans_outside_the_schedule_are_refused() -> None:
    with pytest.raises(FormatError, match="step 2 to 3 of 3 steps"):
        timeline(STEPS, (Span("x", "sram", 0, 1, 2, 3),), "sram")


def test_capacity_is_the_byte_resource_of_that_name() -> None:
    found = (Resource("cores", 1, 2, "cores"), Resource("SRAM1 arena", 1, 64, "B"), Resource("sram", 1, 96, "B"))
    assert capacity(found, "sram") == found[2]
    assert capacity(found[:2], "sram") == found[1]
    assert capacity(found[:1], "sram") is None


@pytest.mark.parametrize("graph", [binary_convnet(), residual_convnet()])
def test_work_table_sums_to_the_graph(graph) -> None:  # type: ignore[no-untyped-def]
    table = work_table(graph)
    rows = list(table)
    assert [row["layer"] for row in rows] == [*(node.name for node in graph.nodes), "total"]
    macs = [column.name for column in table.columns if column.name.startswith("mac_")]
    assert sum(int(str(rows[-1][name])) for name in macs) == graph.total_work().total("mac")
    for name in [*macs, "other_ops", "parameters"]:
        assert sum(int(v) for v in table.numbers(name)[:-1]) == table.numbers(name)[-1]
    assert rows[-1]["parameters"] == sum(parameter_counts(graph).values())
    binary = next(row for row in rows if row["op"] == "bit_conv2d")
    assert binary["weight_bits"] == 1


events = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 3), st.integers(0, 9), st.integers(1, 30)), max_size=60
)


def made(drawn: list[tuple[int, int, int, int, int]]) -> Trace:
    """Events without overlap on a resource: each starts a gap after the last one of its resource."""
    names = ("fetch", "execute", "result")
    builder, now = TraceBuilder(names, ("a", "b", "c", "d")), [0, 0, 0]
    for resource, node, state, gap, length in drawn:
        start = now[resource] + gap
        builder.add(names[resource], "abcd"[node], STATES[state], start, start + length)
        now[resource] = start + length
    return builder.build(1e-9)


@given(events, st.integers(1, 80))
def test_sampling_keeps_every_states_time_and_never_overlaps(
    drawn: list[tuple[int, int, int, int, int]], limit: int
) -> None:
    trace = made(drawn)
    taken = sample(trace, limit)
    busy = dict.fromkeys(trace.busy(), 0)
    ends: dict[str, int] = {}
    for row in taken.events:
        resource, start, stop = str(row["resource"]), int(str(row["start"])), int(str(row["stop"]))
        busy[resource, str(row["state"])] += stop - start
        assert start >= ends.get(resource, 0)
        ends[resource] = stop
    assert busy == trace.busy()
    kinds = len(set(zip(trace.resource.tolist(), trace.state.tolist(), strict=True)))
    assert len(taken.events) <= max(limit, kinds)
    assert f"{len(trace.start)} events" in taken.note


def test_sampling_is_said() -> None:
    trace = made([(k % 2, k % 4, k % 3, 1, 5) for k in range(60)])
    assert "sampled" not in sample(trace, 100).note
    assert "sampled: " in sample(trace, 20).note


def test_utilisation_fills_the_run() -> None:
    trace = made([(k % 3, k % 4, k % 4, k % 5, 7) for k in range(40)])
    table = utilisation(trace)
    for resource in trace.resources:
        rows = [row for row in table if row["resource"] == resource]
        assert sum(int(str(row["periods"])) for row in rows) == trace.periods
        assert math.isclose(sum(float(str(row["share"])) for row in rows), 1)
    assert len(utilisation(TraceBuilder(("r",), ()).build(1.0))) == 0
    assert not np.isnan(table.numbers("time_s")).any()


def test_busiest_resources_keep_the_runs_length() -> None:
    trace = made([(0, 0, 0, 0, 50), (1, 0, 0, 0, 5), (2, 0, 1, 0, 20)])
    assert busiest(trace, 2) == ("fetch", "result")
    taken = sample(trace, 9, ("fetch", "result"))
    assert set(taken.events.column("resource")) == {"fetch", "result"}
    assert "2 of 3 resources" in taken.note
    rows = list(utilisation(trace, ("result",)))
    assert [(row["state"], row["periods"]) for row in rows] == [("send", 20), ("idle", 30)]


def test_core_map_is_sorted_and_refuses_two_on_one_core() -> None:
    rows: list[dict[str, Cell]] = [
        {"x": 1, "y": 0, "node": "b", "core": 1, "neurons": 3, "energy_j": 1e-9, "kind": "text"},
        {"x": 0, "y": 0, "node": "a", "core": 0, "neurons": 4, "energy_j": None, "kind": "text"},
    ]
    table = core_map(rows)
    assert [column.name for column in table.columns] == ["x", "y", "node", "neurons", "energy_j"]
    assert table.column("node") == ["a", "b"]
    assert by_layer(table).column("neurons") == [4.0, 3.0]
    assert core_map([{"x": 0, "y": 0, "layer": "a"}]).rows == ((0, 0, "a"),)
    with pytest.raises(FormatError, match="placed twice"):
        core_map([*rows, rows[0]])
    with pytest.raises(FormatError, match="whole x, y"):
        core_map([{"x": 1.5, "y": 0, "node": "a"}])
