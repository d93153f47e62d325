"""What each resource did over a simulated inference, and a drawable number of its events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analyses.table import Cell, Column, Table, table
from hwmodels.trace import STATES, Trace
from neurobin.units import format_si


def busiest(trace: Trace, count: int) -> tuple[str, ...]:
    """The `count` resources with most recorded time (all, if there are fewer), in the trace's order."""
    time = _periods(trace).sum(axis=1)
    chosen = sorted(np.argsort(-time, kind="stable")[:count].tolist())
    return tuple(trace.resources[k] for k in chosen)


def utilisation(trace: Trace, resources: Sequence[str] | None = None) -> Table:
    """Periods and share of the whole run by resource and state; the rest is idle. States without time are left out."""
    whole = trace.periods
    periods = _periods(trace)
    rows: list[dict[str, Cell]] = []
    for k, resource in enumerate(trace.resources):
        if resources is not None and resource not in resources:
            continue
        counts = dict(zip(STATES, periods[k].tolist(), strict=True))
        for state, count in (counts | {"idle": whole - sum(counts.values())}).items():
            if count:
                rows.append(
                    {
                        "resource": resource,
                        "state": state,
                        "periods": count,
                        "time_s": count * trace.period_s,
                        "share": count / whole,
                    }
                )
    columns = (
        Column("resource", "resource"),
        Column("state", "state"),
        Column("periods", "periods", "1"),
        Column("time_s", "time", "s"),
        Column("share", "share of the run", "share"),
    )
    return table("Utilisation by resource and state", columns, rows)


@dataclass(frozen=True)
class Sample:
    """The events to draw and, in words, how they stand for all of them."""

    events: Table
    note: str


_EVENTS = (
    Column("resource", "resource"),
    Column("node", "node"),
    Column("state", "state"),
    Column("start", "start", "1"),
    Column("stop", "stop", "1"),
)


def sample(trace: Trace, limit: int = 500, resources: Sequence[str] | None = None) -> Sample:
    """At most about `limit` bars that keep every state's time exactly, of these resources (None: of all).

    Neighbours of one resource, layer and state without a gap are joined. If more than `limit` bars remain, the run is
    cut into equal windows: in each window every resource has one bar per state, as long as the state took in it, packed
    from the window's start, named after the layer that took most of it.
    """
    wanted = [k for k, name in enumerate(trace.resources) if resources is None or name in resources]
    bars = _join(trace, wanted)
    note = f"{len(trace.start)} events in {trace.periods} periods of {format_si(trace.period_s, 's')}"
    if len(wanted) < len(trace.resources):
        note += f", of which those of {len(wanted)} of {len(trace.resources)} resources are shown"
    if len(bars) > limit:
        kinds = int(np.count_nonzero(_periods(trace)[wanted]))
        windows = min(max(limit // max(kinds, 1), 1), trace.periods)
        bars = _windows(trace, wanted, windows)
        note += (
            f"; sampled: {windows} windows of about {trace.periods / windows:.4g} periods, in each of them every state is "
            "one bar of its exact total time, packed from the window's start"
        )
    elif len(bars) < np.isin(trace.resource, wanted).sum():
        note += f"; drawn as {len(bars)} bars, neighbours of the same layer and state joined"
    rows: list[dict[str, Cell]] = [
        {
            "resource": trace.resources[r],
            "node": trace.nodes[n],
            "state": STATES[s],
            "start": start,
            "stop": stop,
        }
        for r, n, s, start, stop in sorted(bars, key=lambda bar: (bar[3], bar[0], bar[2]))
    ]
    return Sample(table("Events", _EVENTS, rows), note + ".")


Bar = tuple[int, int, int, int, int]  # resource, node, state, start, stop


def _join(trace: Trace, wanted: list[int]) -> list[Bar]:
    bars: list[Bar] = []
    for resource in wanted:
        index = np.flatnonzero(trace.resource == resource)
        index = index[np.argsort(trace.start[index], kind="stable")]
        if not len(index):
            continue
        node, state, start, stop = (column[index] for column in (trace.node, trace.state, trace.start, trace.stop))
        split = (node[1:] != node[:-1]) | (state[1:] != state[:-1]) | (start[1:] != stop[:-1])
        first = np.concatenate(([0], np.flatnonzero(split) + 1))
        last = np.concatenate((first[1:], [len(index)])) - 1
        bars += [
            (resource, int(node[a]), int(state[a]), int(start[a]), int(stop[b])) for a, b in zip(first, last, strict=True)
        ]
    return bars


def _windows(trace: Trace, wanted: list[int], windows: int) -> list[Bar]:
    edges = np.arange(windows + 1) * trace.periods // windows
    bars: list[Bar] = []
    for resource in wanted:
        offset = np.zeros(windows, dtype=np.int64)
        for state in range(len(STATES)):
            chosen = np.flatnonzero((trace.resource == resource) & (trace.state == state))
            if not len(chosen):
                continue
            layers = np.unique(trace.node[chosen])
            time = np.stack([_busy(trace, chosen[trace.node[chosen] == layer], edges) for layer in layers])
            total, most = time.sum(axis=0), layers[time.argmax(axis=0)]
            for w in np.flatnonzero(total):
                start = int(edges[w] + offset[w])
                bars.append((resource, int(most[w]), state, start, start + int(total[w])))
            offset += total
    return bars


def _periods(trace: Trace) -> np.ndarray:
    """Recorded periods as int64 [resources, states]."""
    totals = np.zeros((len(trace.resources), len(STATES)), dtype=np.int64)
    np.add.at(totals, (trace.resource, trace.state), trace.stop - trace.start)
    return totals


def _busy(trace: Trace, chosen: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Periods that the chosen events (which do not overlap) take in each window [edges[k], edges[k + 1])."""
    order = chosen[np.argsort(trace.start[chosen], kind="stable")]
    start, stop = trace.start[order], trace.stop[order]
    done = np.concatenate(([0], np.cumsum(stop - start)))
    before = np.searchsorted(start, edges, side="right")  # events that began by the edge
    over = np.where(before > 0, np.maximum(stop[np.maximum(before - 1, 0)] - edges, 0), 0)  # what the last has left
    return np.diff(done[before] - over)
