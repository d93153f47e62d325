"""Closed form of a product's latency: the max-plus recurrence of the three stages and four token queues, and path bounds.

The stages do nothing but wait for each other's tokens, so the time at which each finishes an instruction is the maximum of
a few earlier times plus constants. The recurrence over tile steps is exact for every shape. It is also periodic: once the
times of a step equal those of an earlier step plus a constant, all following steps repeat that pattern, so whole periods
are skipped and the work does not grow with the number of tiles.

"Nothing contends" means that no stage ever waits except for the very first stripe or the very last result: then the latency
is one path, and `path_bounds` gives it in a line. Each of its three paths is a lower bound for every shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hwmodels.bitserial.chip import Clocks
from hwmodels.bitserial.schedule import step_times
from hwmodels.bitserial.tiling import Gemm

_Step = Callable[["_State"], "_State"]


@dataclass(frozen=True)
class _State:
    """When each stage is ready for its next instruction, and when the waiting tokens appeared (oldest first)."""

    fetch: int
    execute: int
    result: int
    free: tuple[int, ...]
    drained: tuple[int, ...]

    def later(self, cycles: int) -> _State:
        return _State(
            self.fetch + cycles,
            self.execute + cycles,
            self.result + cycles,
            tuple(t + cycles for t in self.free),
            tuple(t + cycles for t in self.drained),
        )


def cycles(product: Gemm, clocks: Clocks, free_regions: int, result_buffers: int) -> int:
    """Exact cycles from the first instruction to the last acknowledged write."""
    times, sync = step_times(product, clocks), clocks.sync

    def receive(ready: int, token: int) -> int:
        """A receive dispatches and waits for its own stage (sync - 1 cycles), then takes the token in one cycle."""
        return max(ready + sync - 1, token) + 1

    def tile(s: _State) -> _State:
        fetched = receive(s.fetch, s.free[0]) + times.fetch_lhs + sync
        done = receive(receive(s.execute, fetched), s.drained[0]) + times.execute + sync
        written = receive(s.result, done) + times.result + sync
        return _State(fetched, done + sync, written, (*s.free[1:], done + sync), (*s.drained[1:], written))

    def column(s: _State) -> _State:
        fetched = receive(s.fetch, s.free[0]) + times.fetch_rhs + sync
        s = _State(fetched, receive(s.execute, fetched), s.result, s.free[1:], s.drained)
        s = _repeat(tile, s, product.tiles_m)
        return _State(s.fetch, s.execute + sync, s.result, (*s.free, s.execute + sync), s.drained)

    start = _State(0, 0, 0, (0,) * free_regions, (0,) * result_buffers)
    return _repeat(column, start, product.tiles_n).result + clocks.dram_latency


def _repeat(step: _Step, state: _State, count: int) -> _State:
    """`step` applied `count` times; whole periods are skipped as soon as a state recurs up to a constant shift.

    Max and plus commute with adding a constant to all times, so a recurring pattern recurs for ever.
    """
    seen: dict[_State, tuple[int, int]] = {}
    done = 0
    while done < count:
        pattern = state.later(-state.execute)
        if pattern in seen:
            index, base = seen[pattern]
            periods = (count - done) // (done - index)
            state = state.later(periods * (state.execute - base))
            done += periods * (done - index)
            seen.clear()
            if done == count:
                break
        seen[pattern] = (done, state.execute)
        state = step(state)
        done += 1
    return state


@dataclass(frozen=True)
class Bounds:
    """Three paths through a product's schedule, in cycles; the latency is at least the largest."""

    fetch: int
    execute: int
    result: int

    @property
    def cycles(self) -> int:
        return max(self.fetch, self.execute, self.result)

    @property
    def by(self) -> str:
        """The stage whose path is the longest."""
        return max(("fetch", "execute", "result"), key=lambda stage: getattr(self, stage))


def path_bounds(product: Gemm, clocks: Clocks) -> Bounds:
    """The latency if only one stage mattered: all its own work, the first operands before it, the last result after it."""
    t, s = step_times(product, clocks), clocks.sync
    tiles, columns = product.tiles_m * product.tiles_n, product.tiles_n
    first = (s + t.fetch_rhs + s) + (s + t.fetch_lhs + s)
    all_fetch = columns * (2 * s + t.fetch_rhs) + tiles * (2 * s + t.fetch_lhs)
    taken = 1 + s + t.execute + s  # the last cycle of receiving the LHS token, receiving a result buffer, run, send
    between = s + (s + s + t.execute + s)  # free the LHS, then the next step
    all_execute = taken + (tiles - 1) * between + (columns - 1) * 2 * s
    tail = 1 + t.result + s + clocks.dram_latency
    all_results = tiles * (t.result + s) + (tiles - 1) * s + 1 + clocks.dram_latency
    return Bounds(
        fetch=all_fetch + taken + tail,
        execute=first + all_execute + tail,
        result=first + taken + all_results,
    )
