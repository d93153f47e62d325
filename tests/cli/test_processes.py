"""Several processes give what one gives, in order; what goes wrong in one of them is told here."""

import os
import time

import pytest

from neurobin.cli import _processes
from neurobin.cli._processes import map_in_processes

LARGE = 1 << 20  # more than a pipe holds


def _length(argument: bytes) -> int:
    time.sleep(0.2 if argument[:1] == b"s" else 0)  # some are overtaken
    return len(argument)


def _fail(argument: int) -> int:
    if argument == 1:
        raise ValueError("one is refused")
    return argument


def _die(argument: int) -> int:
    os._exit(argument)


@pytest.mark.parametrize("count", [1, 2, 9])
def test_the_answers_come_in_the_order_of_the_arguments(count: int):
    arguments = [b"s" * LARGE, b"q", b"s" * 3, b"q" * LARGE, b"q" * 5]
    assert list(map_in_processes(_length, arguments, count)) == [LARGE, 1, 3, LARGE, 5]


def test_nothing_to_do():
    assert list(map_in_processes(_length, [], 2)) == []


def test_an_error_arrives_with_the_traceback_of_its_process():
    with pytest.raises(ValueError, match="one is refused") as caught:
        list(map_in_processes(_fail, [0, 1, 2, 3], 2))
    assert any("in _fail" in note for note in caught.value.__notes__)


def test_a_process_that_ends_is_reported_not_waited_for():
    with pytest.raises(RuntimeError, match="ended before its work was done"):
        list(map_in_processes(_die, [3, 4], 2))


def test_processes_are_started_only_where_they_pay(monkeypatch):
    monkeypatch.setattr(_processes.os, "cpu_count", lambda: 4)
    assert [_processes.process_count(None, n) for n in (1, 5, 6, 55)] == [1, 1, 2, 2]
    assert [_processes.process_count(3, n) for n in (0, 2, 55)] == [1, 2, 3]
    monkeypatch.setattr(_processes.os, "cpu_count", lambda: 1)
    assert _processes.process_count(None, 55) == 1
