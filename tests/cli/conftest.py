"""Runs the command in this process: exit code, stdout, stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from neurobin.cli import main


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def neurobin(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    def call(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["neurobin", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return Result(int(stop.value.code or 0), captured.out, captured.err)

    return call
