"""Errors say what, where and what to try, carry their exit code, and travel between processes."""

from __future__ import annotations

import inspect
import pickle

import pytest

from neurobin import errors
from neurobin.errors import DoesNotFitError, NeurobinError, UsageError

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, NeurobinError)]


def test_one_line_with_where_and_hint() -> None:
    error = UsageError("no such chip 'x'", where="--target", hint="neurobin targets")
    assert str(error) == "--target: no such chip 'x' (try: neurobin targets)"
    assert (error.what, error.where, error.hint) == ("no such chip 'x'", "--target", "neurobin targets")
    assert str(NeurobinError("plain")) == "plain"


def test_every_reason_is_listed() -> None:
    error = DoesNotFitError("truenorth", ["fan-in 300 at conv1", "no int8"])
    assert str(error) == "truenorth: does not fit: fan-in 300 at conv1; no int8"
    assert error.reasons == ["fan-in 300 at conv1", "no int8"]


def test_exit_codes() -> None:
    codes = {kind.__name__: kind.exit_code for kind in KINDS}
    assert codes == {
        "NeurobinError": 1,
        "FormatError": 1,
        "GraphError": 1,
        "UsageError": 2,
        "UnsupportedError": 3,
        "DoesNotFitError": 4,
        "MismatchError": 5,
        "LimitError": 6,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_errors_come_back_from_a_worker_process(kind: type[NeurobinError]) -> None:
    error = kind("chip", ["a", "b"]) if issubclass(kind, DoesNotFitError) else kind("what", where="here", hint="there")
    found = pickle.loads(pickle.dumps(error))
    assert type(found) is kind
    assert str(found) == str(error)
    assert vars(found) == vars(error)
