"""Memory over the schedule: which buffers are live at each step, and who is alive at the peak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyses.table import Cell, Column, Table, table
from hwmodels.target import Resource, Span
from neurobin.errors import FormatError


@dataclass(frozen=True)
class Peak:
    """The step of one memory with most live bytes. `high_water_bytes` is the arena's extent, gaps included."""

    memory: str
    step: int
    step_name: str
    live_bytes: int
    high_water_bytes: int
    tensors: tuple[tuple[str, int], ...]  # (name, size_bytes), largest first


def memories(spans: Sequence[Span]) -> tuple[str, ...]:
    """The memories in order of first appearance."""
    return tuple(dict.fromkeys(span.memory for span in spans))


def live(spans: Sequence[Span], memory: str, step: int) -> tuple[Span, ...]:
    """The spans of one memory that are live at a step, by address."""
    found = [span for span in spans if span.memory == memory and span.first <= step <= span.last]
    return tuple(sorted(found, key=lambda span: (span.address, span.tensor)))


def timeline(steps: Sequence[str], spans: Sequence[Span], memory: str) -> Table:
    """A row per step: live bytes, and the tensors alive with their sizes. Raises FormatError for a span outside."""
    for span in spans:
        if not 0 <= span.first <= span.last < len(steps):
            raise FormatError(f"lives from step {span.first} to {span.last} of {len(steps)} steps", where=span.tensor)
    rows: list[dict[str, Cell]] = []
    for index, name in enumerate(steps):
        alive = live(spans, memory, index)
        rows.append(
            {
                "step": index,
                "name": name,
                "live_bytes": sum(span.size_bytes for span in alive),
                "tensors": len(alive),
                "alive": ", ".join(span.tensor for span in alive) or None,
            }
        )
    columns = (
        Column("step", "step", "1"),
        Column("name", "runs"),
        Column("live_bytes", "live", "B"),
        Column("tensors", "tensors", "1"),
        Column("alive", "alive"),
    )
    return table(f"Live bytes of {memory}", columns, rows)


def layout(spans: Sequence[Span], memory: str) -> Table:
    """A row per buffer of one memory: its place and its life, in order of first use."""
    chosen = sorted((s for s in spans if s.memory == memory), key=lambda s: (s.first, s.address, s.tensor))
    columns = (
        Column("tensor", "tensor"),
        Column("address", "address", "1"),
        Column("size_bytes", "size", "B"),
        Column("first", "first step", "1"),
        Column("last", "last step", "1"),
    )
    names = [column.name for column in columns]
    return table(f"Buffers of {memory}", columns, ({n: getattr(span, n) for n in names} for span in chosen))


def peak(steps: Sequence[str], spans: Sequence[Span], memory: str) -> Peak | None:
    """The first step with most live bytes; None when the memory holds nothing."""
    usage = [int(value) for value in timeline(steps, spans, memory).numbers("live_bytes")]
    if not usage or max(usage) == 0:
        return None
    step = usage.index(max(usage))
    alive = sorted(live(spans, memory, step), key=lambda span: (-span.size_bytes, span.tensor))
    low = min(span.address for span in spans if span.memory == memory)
    high = max(span.address + span.size_bytes for span in spans if span.memory == memory)
    return Peak(memory, step, steps[step], usage[step], high - low, tuple((s.tensor, s.size_bytes) for s in alive))


def capacity(resources: Sequence[Resource], memory: str) -> Resource | None:
    """The byte-counted resource that bounds a memory, by name; None when the mapping states none."""
    exact = [r for r in resources if r.unit == "B" and r.name.casefold() == memory.casefold()]
    partial = [r for r in resources if r.unit == "B" and memory.casefold() in r.name.casefold()]
    return next(iter(exact + partial), None)
