"""The arena: no live buffers overlap, the peak is at least the lower bound, and the check itself sees overlaps."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.mcu.arena import ALIGNMENT, Buffer, lower_bound, overlaps, peak, plan


@st.composite
def schedules(draw: st.DrawFn) -> list[Buffer]:
    """Buffers made one per step; some replace a buffer that dies in the step that makes them."""
    buffers: list[Buffer] = []
    taken: set[str] = set()
    for step in range(draw(st.integers(1, 14))):
        dying = [b for b in buffers if b.last == step and b.name not in taken]
        partner = draw(st.sampled_from([None, *dying]))
        size = draw(st.integers(1, partner.size_bytes if partner else 300))
        name = partner.name if partner else None
        taken |= {name} if name else set()
        buffers.append(Buffer(f"t{step}", size, step, step + draw(st.integers(0, 6)), name))
    return buffers


@given(schedules())
@settings(max_examples=150, deadline=None)
def test_live_buffers_never_overlap(buffers: list[Buffer]) -> None:
    addresses = plan(buffers)
    assert overlaps(buffers, addresses) == []
    assert all(address % ALIGNMENT == 0 and address >= 0 for address in addresses.values())
    assert lower_bound(buffers) <= peak(buffers, addresses) <= sum(b.span_bytes for b in buffers)


@given(schedules())
@settings(max_examples=100, deadline=None)
def test_the_check_agrees_with_bytes_owned_step_by_step(buffers: list[Buffer]) -> None:
    """All buffers at address 0: exactly the pairs that are live together overlap, replaced ones aside."""
    addresses = dict.fromkeys((b.name for b in buffers), 0)
    found = set(overlaps(buffers, addresses))
    for k, a in enumerate(buffers):
        for b in buffers[k + 1 :]:
            steps = [s for s in range(30) if a.first <= s <= a.last and b.first <= s <= b.last]
            replaced = b.in_place == a.name and len(steps) == 1
            assert ((a.name, b.name) in found) == (bool(steps) and not replaced)


def test_ping_pong_reaches_the_lower_bound() -> None:
    chain = [Buffer(f"t{k}", size, k, k + 1) for k, size in enumerate((3072, 4096, 1024, 1024, 256, 512))]
    assert peak(chain, plan(chain)) == lower_bound(chain) == 7168


def test_a_replacing_buffer_starts_where_the_replaced_one_does() -> None:
    buffers = [Buffer("map", 400, 0, 2), Buffer("bits", 16, 1, 2), Buffer("sum", 400, 2, 3, in_place="map")]
    addresses = plan(buffers)
    assert addresses["sum"] == addresses["map"]
    assert peak(buffers, addresses) == 416
    assert ("map", "sum") in overlaps(buffers, addresses | {"sum": addresses["map"] + 4})
