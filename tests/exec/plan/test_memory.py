"""Tensors that live at the same time never share a byte, and sharing never costs memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from neurobin.exec.plan.memory import LINE_BYTES, Lifetime, allocate

LINE = 64


@st.composite
def lifetimes(draw: st.DrawFn) -> dict[str, Lifetime]:
    found = {}
    for number in range(draw(st.integers(1, 12))):
        first = draw(st.integers(-1, 8))
        last = draw(st.integers(first, 9))
        size = draw(st.sampled_from([1, 63, 64, 65, 4096]) | st.integers(1, 1000))
        found[f"t{number}"] = Lifetime(first, last, size)
    return found


def rounded(size: int) -> int:
    return -(-size // LINE) * LINE


@given(lifetimes())
def test_two_live_tensors_never_overlap(lives: dict[str, Lifetime]) -> None:
    """Nor do the cache lines that they lie in: a step may write whole lines."""
    offsets, total = allocate(lives)
    assert offsets.keys() == lives.keys()
    spans = [(offsets[name], offsets[name] + rounded(life.size), life) for name, life in lives.items()]
    for k, (start, end, life) in enumerate(spans):
        assert start % LINE == 0
        assert 0 <= start < end <= total
        for other_start, other_end, other in spans[:k]:
            together = life.first <= other.last and other.first <= life.last
            assert not together or end <= other_start or other_end <= start


@given(lifetimes())
def test_the_whole_is_between_the_busiest_moment_and_the_sum(lives: dict[str, Lifetime]) -> None:
    _, total = allocate(lives)
    moments = [sum(rounded(t.size) for t in lives.values() if t.first <= k <= t.last) for k in range(-1, 10)]
    assert max(moments) <= total <= sum(rounded(t.size) for t in lives.values())


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=9))
def test_tensors_after_each_other_take_as_much_as_the_largest(sizes: list[int]) -> None:
    lives = {f"t{k}": Lifetime(k, k, size) for k, size in enumerate(sizes)}
    offsets, total = allocate(lives)
    assert total == rounded(max(sizes))
    assert set(offsets.values()) == {0}


@given(lifetimes())
def test_the_order_of_tensors_does_not_matter(lives: dict[str, Lifetime]) -> None:
    assert allocate(lives) == allocate(dict(reversed(lives.items())))


def test_nothing_needs_nothing() -> None:
    assert allocate({}) == ({}, 0)
    assert LINE_BYTES == LINE
