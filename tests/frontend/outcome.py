"""What became of a damaged file."""

from __future__ import annotations

from collections.abc import Callable

from neurobin.errors import NeurobinError


def outcome(read: Callable[[], object]) -> str:
    """ "graph", or the error of ours that refuses it, in a message of sane length. Every other exception is let through."""
    try:
        read()
    except NeurobinError as error:
        kind, said = type(error).__name__, str(error)
    else:
        return "graph"
    assert len(said) < 2000 + 400 * said.count(";"), said  # one complaint, or a list of them
    return kind
