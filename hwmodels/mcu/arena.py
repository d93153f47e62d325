"""The RAM arena: byte offsets for buffers from their lifetimes, and an independent check that no live buffers overlap.

Placing buffers with given lifetimes in the least memory is NP-hard; greedy best fit by falling size is what
TensorFlow Lite Micro ships (arXiv 2001.03288, "Efficient memory management for deep neural net inference"). Several
orders are tried and the best is kept; `lower_bound` says how far from optimal it can be at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

ALIGNMENT = 4


@dataclass(frozen=True)
class Buffer:
    """Live from step `first` to step `last`, inclusive. `in_place` names a buffer that it may start on.

    That buffer is read for the last time, element by element, by the very step that writes this one.
    """

    name: str
    size_bytes: int
    first: int
    last: int
    in_place: str | None = None

    @property
    def span_bytes(self) -> int:
        """The size rounded up to the alignment."""
        return -(-self.size_bytes // ALIGNMENT) * ALIGNMENT

    def meets(self, other: Buffer) -> bool:
        """True when both are live in some step."""
        return self.first <= other.last and other.first <= self.last

    def shares(self, other: Buffer) -> bool:
        """True when one may lie on the other's address."""
        return other.name == self.in_place or self.name == other.in_place


_ORDERS: tuple[Callable[[Buffer], tuple[int, int]], ...] = (
    lambda b: (-b.span_bytes, b.first),
    lambda b: (-b.span_bytes * (b.last - b.first + 1), b.first),
    lambda b: (b.first, -b.span_bytes),
    lambda b: (-b.last, -b.span_bytes),
)


def plan(buffers: Sequence[Buffer]) -> dict[str, int]:
    """Addresses by name, multiples of 4 from 0, with the smallest peak that the greedy orders reach."""
    plans = [_greedy(sorted(buffers, key=order)) for order in _ORDERS]
    return min(plans, key=lambda addresses: peak(buffers, addresses))


def peak(buffers: Sequence[Buffer], addresses: Mapping[str, int]) -> int:
    """Bytes of the arena."""
    return max((addresses[b.name] + b.span_bytes for b in buffers), default=0)


def live(buffers: Sequence[Buffer], step: int) -> list[Buffer]:
    """The buffers live in a step, largest first."""
    return sorted((b for b in buffers if b.first <= step <= b.last), key=lambda b: -b.size_bytes)


def live_bytes(buffers: Sequence[Buffer], step: int) -> int:
    """Bytes that must exist in a step: a buffer written in place does not count beside the one it replaces."""
    present = {b.name: b for b in live(buffers, step)}
    shared = sum(
        min(b.span_bytes, present[b.in_place].span_bytes) for b in present.values() if b.in_place and b.in_place in present
    )
    return sum(b.span_bytes for b in present.values()) - shared


def busiest_step(buffers: Sequence[Buffer]) -> int:
    """The first step with the most live bytes."""
    steps = range(max((b.last for b in buffers), default=0) + 1)
    return max(steps, key=lambda step: live_bytes(buffers, step))


def lower_bound(buffers: Sequence[Buffer]) -> int:
    """No placement needs less than the live bytes of the busiest step."""
    return live_bytes(buffers, busiest_step(buffers))


def overlaps(buffers: Sequence[Buffer], addresses: Mapping[str, int]) -> list[tuple[str, str]]:
    """Pairs of buffers that are live together and share bytes without leave. It does not look at how they were placed."""
    wrong = []
    for a, b in combinations(buffers, 2):
        start_a, start_b = addresses[a.name], addresses[b.name]
        together = set(range(a.first, a.last + 1)) & set(range(b.first, b.last + 1))
        common = min(start_a + a.size_bytes, start_b + b.size_bytes) - max(start_a, start_b)
        replaced = a.shares(b) and start_a == start_b and len(together) == 1
        if together and common > 0 and not replaced:
            wrong.append((a.name, b.name))
    return wrong


def _greedy(order: Sequence[Buffer]) -> dict[str, int]:
    """Place each buffer in turn: on the one it replaces if it can, else in the smallest gap that holds it, else on top."""
    addresses: dict[str, int] = {}
    placed: list[Buffer] = []
    for buffer in order:
        rivals = sorted((b for b in placed if b.meets(buffer)), key=lambda b: addresses[b.name])
        address = _replacing(buffer, rivals, addresses)
        addresses[buffer.name] = _best_gap(buffer, rivals, addresses) if address is None else address
        placed.append(buffer)
    return addresses


def _replacing(buffer: Buffer, rivals: Sequence[Buffer], addresses: Mapping[str, int]) -> int | None:
    """The address of a rival that this buffer may share, if no other rival is in the way."""
    for partner in rivals:
        if not partner.shares(buffer):
            continue
        start = addresses[partner.name]
        others = (b for b in rivals if b is not partner)
        if all(start + buffer.span_bytes <= addresses[b.name] or addresses[b.name] + b.span_bytes <= start for b in others):
            return start
    return None


def _best_gap(buffer: Buffer, rivals: Sequence[Buffer], addresses: Mapping[str, int]) -> int:
    """The start of the tightest gap between rivals (sorted by address), or the end of the last one."""
    best, tightest, end = None, None, 0
    for rival in rivals:
        gap = addresses[rival.name] - end
        if gap >= buffer.span_bytes and (tightest is None or gap < tightest):
            best, tightest = end, gap
        end = max(end, addresses[rival.name] + rival.span_bytes)
    return end if best is None else best
