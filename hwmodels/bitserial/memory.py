"""DRAM over the schedule: who is live when, and where it lies. Packed weights stay for good below everything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hwmodels.target import Span

MEMORY = "DRAM"


@dataclass(frozen=True)
class Buffer:
    """Something that lies in DRAM from step `first` to step `last`."""

    name: str
    size_bytes: int
    first: int
    last: int


def place(buffers: Sequence[Buffer], base: int = 0) -> tuple[Span, ...]:
    """An address for every buffer, above `base`: the largest first, each at the lowest free address of its lifetime."""
    placed: list[Span] = []
    for buffer in sorted(buffers, key=lambda b: (-b.size_bytes, b.first, b.name)):
        address = base
        for other in sorted(placed, key=lambda s: s.address):
            together = other.first <= buffer.last and buffer.first <= other.last
            if together and address + buffer.size_bytes > other.address:
                address = max(address, other.address + other.size_bytes)
        placed.append(Span(buffer.name, MEMORY, address, buffer.size_bytes, buffer.first, buffer.last))
    return tuple(sorted(placed, key=lambda s: (s.first, s.address)))


def top(spans: Sequence[Span], base: int = 0) -> int:
    """The first byte above everything."""
    return max((s.address + s.size_bytes for s in spans), default=base)
