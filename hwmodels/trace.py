"""`Trace`: what an event-driven simulation saw, as columns of events in whole clock cycles or ticks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.ir import Json

STATES = ("run", "send", "receive", "stall")  # stall: wanted to run and could not; idle time is simply not recorded


@dataclass(frozen=True, eq=False)
class Trace:
    """Events sorted by start. `resource`, `node` and `state` index the name tables; `start`, `stop` are whole periods.

    Events of one resource never overlap. `period_s` turns periods into seconds.
    """

    resources: tuple[str, ...]
    nodes: tuple[str, ...]
    resource: np.ndarray
    node: np.ndarray
    state: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    period_s: float

    @property
    def periods(self) -> int:
        """The end of the last event."""
        return int(self.stop.max(initial=0))

    @property
    def latency_s(self) -> float:
        return self.periods * self.period_s

    def busy(self) -> dict[tuple[str, str], int]:
        """Periods by (resource, state)."""
        totals: dict[tuple[str, str], int] = {}
        for r, name in enumerate(self.resources):
            for s, state in enumerate(STATES):
                chosen = (self.resource == r) & (self.state == s)
                totals[name, state] = int((self.stop[chosen] - self.start[chosen]).sum())
        return totals

    def to_perfetto(self) -> dict[str, Json]:
        """Chrome trace JSON for ui.perfetto.dev: one track per resource, times in microseconds."""
        names: list[Json] = [
            {"ph": "M", "pid": 0, "tid": r, "name": "thread_name", "args": {"name": name}}
            for r, name in enumerate(self.resources)
        ]
        scale = self.period_s * 1e6
        events: list[Json] = [
            {
                "ph": "X",
                "pid": 0,
                "tid": int(r),
                "name": self.nodes[n],
                "cat": STATES[s],
                "ts": float(start * scale),
                "dur": float((stop - start) * scale),
            }
            for r, n, s, start, stop in zip(self.resource, self.node, self.state, self.start, self.stop, strict=True)
        ]
        return {"displayTimeUnit": "ns", "traceEvents": names + events}


class TraceBuilder:
    """Collects events during a simulation; `build` sorts and freezes them."""

    def __init__(self, resources: tuple[str, ...], nodes: tuple[str, ...]) -> None:
        self._resources = {name: k for k, name in enumerate(resources)}
        self._nodes = {name: k for k, name in enumerate(nodes)}
        self._events: list[tuple[int, int, int, int, int]] = []

    def add(self, resource: str, node: str, state: str, start: int, stop: int) -> None:
        """Record [start, stop); empty events are dropped."""
        if stop > start:
            self._events.append((start, self._resources[resource], self._nodes[node], STATES.index(state), stop))

    def build(self, period_s: float) -> Trace:
        columns = np.array(sorted(self._events), dtype=np.int64).reshape(-1, 5)
        return Trace(
            tuple(self._resources),
            tuple(self._nodes),
            resource=columns[:, 1],
            node=columns[:, 2],
            state=columns[:, 3],
            start=columns[:, 0],
            stop=columns[:, 4],
            period_s=period_s,
        )
