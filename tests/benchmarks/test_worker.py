"""A contender in another process takes part as any other one does, and its failures reach this process as text."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.timing import Turns, race
from benchmarks.worker import Worker
from neurobin.errors import NeurobinError

X = np.arange(6, dtype=np.int32).reshape(2, 3)


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker(Path(sys.executable), "tests.benchmarks.server", threads=2)
    yield made
    made.close()


def test_builds_runs_and_answers(worker: Worker) -> None:
    contender = worker.build("remote", "double", {"x": X}, {"loud": True})
    other = worker.build("other", "double", {"x": X[0]}, {"loud": False})
    assert contender.description == "doubles on 2 threads"
    np.testing.assert_array_equal(contender.output(), 2 * X)
    np.testing.assert_array_equal(other.output(), 2 * X[0])
    contender.run()


def test_races_with_contenders_of_this_process(worker: Worker) -> None:
    contender = worker.build("remote", "double", {"x": X}, {"loud": False})
    assert isinstance(contender.run, Turns)
    timings = race({"remote": contender.run, "here": lambda: X + X}, rounds=3, min_batch_s=1e-3)
    assert all(timing.cpu_s.minimum > 0 for timing in timings.values())
    assert timings["remote"].repeats > 1


def test_errors_are_reported_and_survived(worker: Worker) -> None:
    with pytest.raises(NeurobinError, match=r"(?s)build failed: .*unexpected keyword argument"):
        worker.build("remote", "double", {"y": X}, {"loud": False})
    np.testing.assert_array_equal(worker.build("remote", "double", {"x": X}, {"loud": False}).output(), 2 * X)


def test_a_process_that_ends_is_reported_with_its_last_words(worker: Worker) -> None:
    with pytest.raises(NeurobinError, match="server: ended with code 3: out of luck"):
        worker.build("remote", "crash", {})
    worker.close()
    with pytest.raises(NeurobinError, match="was closed"):
        worker.build("remote", "double", {"x": X})
