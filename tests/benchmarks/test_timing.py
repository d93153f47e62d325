"""The arithmetic of races on a clock that only the contenders move."""

from __future__ import annotations

import doctest
import gc
from collections.abc import Callable

import pytest

from benchmarks import requantise, timing
from benchmarks.timing import Clock, Samples, calibrate, race, ratio, timed


class Track:
    """A clock that stands still between calls, and a record of who was called."""

    def __init__(self) -> None:
        self.wall_s, self.cpu_s = 0.0, 0.0
        self.calls: list[str] = []

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.cpu_s, lambda: self.wall_s)

    def runner(self, name: str, *, wall_s: float, cpu_s: float) -> Callable[[], None]:
        def run() -> None:
            self.calls.append(name)
            self.wall_s += wall_s
            self.cpu_s += cpu_s

        return run


class Remote:
    """A contender that measures itself: each turn costs a second more per call than the last."""

    def __init__(self) -> None:
        self.turns: list[int] = []

    def __call__(self) -> None:
        raise AssertionError("it has turns of its own")

    def turn(self, repeats: int) -> tuple[float, float]:
        self.turns.append(repeats)
        per_call_s = float(len(self.turns))
        return repeats * per_call_s, 2 * repeats * per_call_s


def test_times_are_per_call_and_cpu_is_told_from_wall() -> None:
    track = Track()
    timings = race({"a": track.runner("a", wall_s=3, cpu_s=2)}, rounds=4, min_batch_s=30, clock=track.clock)
    assert timings["a"].cpu_s == Samples((2.0,) * 4)
    assert timings["a"].wall_s == Samples((3.0,) * 4)
    assert 3 * timings["a"].repeats >= 30


def test_contenders_take_turns() -> None:
    track = Track()
    runners = {name: track.runner(name, wall_s=5, cpu_s=5) for name in "abc"}
    timings = race(runners, rounds=3, min_batch_s=5, clock=track.clock)
    assert [timing.repeats for timing in timings.values()] == [1, 1, 1]
    assert "".join(track.calls[-9:]) == "abcabcabc"
    assert list(timings) == ["a", "b", "c"]


@pytest.mark.parametrize("wall_s", [0.5, 1.0, 7.0, 29.0, 31.0])
def test_a_turn_fills_its_batch_without_waste(wall_s: float) -> None:
    track = Track()
    timing = race({"a": track.runner("a", wall_s=wall_s, cpu_s=1)}, rounds=2, min_batch_s=30, clock=track.clock)["a"]
    assert 30 <= timing.repeats * wall_s <= max(wall_s, 1.25 * 30 + wall_s)


def test_a_call_too_short_for_the_clock_is_repeated_until_it_shows() -> None:
    class Coarse:
        """A clock of one tick per hundred calls."""

        def turn(self, repeats: int) -> tuple[float, float]:
            return float(repeats // 100), float(repeats // 100)

    assert calibrate(Coarse(), 10) >= 1000


def test_a_batch_starts_with_a_call_that_is_not_counted() -> None:
    track = Track()
    assert timed(track.runner("a", wall_s=3, cpu_s=2), 4, track.clock) == (8, 12)
    assert len(track.calls) == 5
    assert timed(track.runner("b", wall_s=3, cpu_s=2), 1, track.clock) == (2, 3)
    assert track.calls.count("b") == 1


def test_a_contender_may_measure_itself() -> None:
    track, remote = Track(), Remote()
    timings = race(
        {"here": track.runner("here", wall_s=1, cpu_s=1), "there": remote}, rounds=3, min_batch_s=1, clock=track.clock
    )
    assert timings["there"].cpu_s.values == (3.0, 4.0, 5.0)  # after the warm-up and the calibration
    assert timings["there"].wall_s.values == (6.0, 8.0, 10.0)


def test_statistics() -> None:
    samples = Samples((4.0, 1.0, 3.0, 2.0, 10.0))
    assert (samples.median, samples.minimum) == (3.0, 1.0)
    assert samples.spread == pytest.approx((4.0 - 2.0) / 3.0)
    assert Samples((5.0, 5.0)).spread == 0


def test_a_ratio_compares_within_rounds() -> None:
    """Rounds slowed down for both do not blur it, as a ratio of medians would be."""
    slow, fast = Samples((10.0, 40.0, 10.0, 20.0)), Samples((5.0, 20.0, 5.0, 5.0))
    assert ratio(slow, fast) == 2.0
    assert ratio(fast, slow) == 0.5
    with pytest.raises(ValueError, match="shorter"):
        ratio(slow, Samples((1.0,)))


def test_examples() -> None:
    assert all(doctest.testmod(module) == (0, examples) for module, examples in ((timing, 2), (requantise, 1)))


def test_too_few_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="a spread needs at least 2 rounds, not 1"):
        race({}, rounds=1)


def test_garbage_collection_rests_during_a_turn_only() -> None:
    seen: list[bool] = []
    timed(lambda: seen.append(gc.isenabled()), 2, Clock())
    assert seen == [False] * 3
    assert gc.isenabled()

    def fails() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        timed(fails, 2, Clock())
    assert gc.isenabled()
