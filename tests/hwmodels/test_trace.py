"""Traces: sorted columns, busy time, and a file that Perfetto reads."""

from __future__ import annotations

import json

from hwmodels.trace import TraceBuilder


def test_events_are_sorted_and_counted():
    b = TraceBuilder(("fetch", "execute"), ("conv", "pool"))
    b.add("execute", "conv", "run", 5, 9)
    b.add("fetch", "conv", "run", 0, 5)
    b.add("execute", "pool", "stall", 9, 9)  # empty: dropped
    b.add("execute", "pool", "stall", 9, 12)
    trace = b.build(2e-9)
    assert trace.start.tolist() == [0, 5, 9]
    assert trace.periods == 12
    assert trace.latency_s == 12 * 2e-9
    assert trace.busy()["execute", "run"] == 4
    assert trace.busy()["execute", "stall"] == 3
    assert trace.busy()["fetch", "send"] == 0


def test_an_empty_trace_has_no_length():
    trace = TraceBuilder(("cpu",), ("a",)).build(1.0)
    assert trace.periods == 0
    assert trace.latency_s == 0


def test_perfetto_file():
    b = TraceBuilder(("cpu",), ("a",))
    b.add("cpu", "a", "run", 1, 3)
    written = json.loads(json.dumps(b.build(1e-6).to_perfetto()))
    assert written["traceEvents"][0]["args"]["name"] == "cpu"
    event = written["traceEvents"][1]
    assert (event["ph"], event["name"], event["ts"], event["dur"], event["cat"]) == ("X", "a", 1.0, 2.0, "run")
