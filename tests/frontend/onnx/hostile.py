"""Files that mean harm: each must be refused with its exit code and a message that says why, in little time and memory.

    python -m tests.frontend.onnx.hostile

prints the table (name, exit code, processor seconds, message) and the most memory it took; with names, of those files only.
"""

from __future__ import annotations

import io
import resource
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from neurobin.cli import main
from tests.frontend.onnx.hostile_graphs import GRAPHS
from tests.frontend.onnx.hostile_structures import STRUCTURES, Hostile

TABLE: dict[str, Hostile] = {case.name: case for case in (*STRUCTURES, *GRAPHS)}
MOST_BYTES = 2**30
MOST_SECONDS = 10


class Outcome(NamedTuple):
    code: int
    out: str
    err: str
    seconds: float

    @property
    def message(self) -> str:
        """What is said, without the path of the file."""
        return self.err.strip().rpartition("model.onnx: ")[2]


def command(*arguments: str) -> Outcome:
    """The `neurobin` command in this process."""
    out, err, begin = io.StringIO(), io.StringIO(), time.process_time()
    code = 0
    with mock.patch.object(sys, "argv", ["neurobin", *arguments]), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
    return Outcome(code, out.getvalue(), err.getvalue(), time.process_time() - begin)


def attempt(case: Hostile, folder: Path) -> Outcome:
    """What `neurobin lower` says to the file, which is made in a folder of its own."""
    inner = folder / "model"
    inner.mkdir()
    data = case.make(inner)
    (inner / "model.onnx").write_bytes(data) if isinstance(data, bytes) else None
    return command("lower", str(inner / "model.onnx"))


def report(names: Iterable[str]) -> None:
    """The table, and the memory of this process at its peak."""
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            outcome = attempt(TABLE[name], Path(folder))
        wrong = "" if (outcome.code, TABLE[name].words in outcome.err) == (TABLE[name].code, True) else "  UNEXPECTED"
        print(f"{name:44} {outcome.code}  {outcome.seconds:6.2f} s  {outcome.message[:200]}{wrong}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024} bytes")


if __name__ == "__main__":
    report(sys.argv[1:] or TABLE)
