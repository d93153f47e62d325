"""Files that mean harm: each must be refused with its exit code and a message that says why, in little time and memory.

    python -m tests.frontend.onnx.hostile

prints the table (name, exit code, processor seconds, peak memory of the process, message); with names, of those files only.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing import TimeoutError, get_context
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from neurobin.cli import main
from tests.frontend.onnx.hostile_graphs import GRAPHS
from tests.frontend.onnx.hostile_structures import STRUCTURES, Hostile
from tests.frontend.onnx.hostile_types import TYPES

TABLE: dict[str, Hostile] = {case.name: case for case in (*STRUCTURES, *TYPES, *GRAPHS)}
MOST_BYTES = 2**30
MOST_SECONDS = 10
LATE = ["neurobin.cli.lower", "neurobin.passes", "neurobin.frontend.onnx.convert"]  # what the command imports when it runs
PATIENCE = 60  # of the clock, before a file counts as one that hangs
LONGEST = 2000  # letters of a message


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


def measured(name: str) -> tuple[Outcome, int]:
    """(what is said to the file of that name, the most bytes this process has held).

    `getrusage` would tell the parent's peak where that is higher: a process inherits it, even through `exec`.
    """
    with tempfile.TemporaryDirectory() as folder:
        outcome = attempt(TABLE[name], Path(folder))
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak is not None
    return outcome, int(peak[1]) * 1024


def measure(names: Iterable[str]) -> Iterator[tuple[str, Outcome, int]]:
    """Each file in a fresh process, so that the peak is its own; one that hangs is stopped, and says so.

    They are forks of a small server, not of this process, which may have grown large. Linux only.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.frontend.onnx.hostile_graphs", *LATE])
    with context.Pool(1, maxtasksperchild=1) as pool:
        for name in names:
            try:
                outcome, peak = pool.apply_async(measured, (name,)).get(PATIENCE)
            except TimeoutError:
                yield name, Outcome(-1, "", f"model.onnx: nothing is said within {PATIENCE} s", PATIENCE), 0
                return  # the pool ends it
            yield name, outcome, peak


def as_expected(name: str, outcome: Outcome) -> bool:
    """True for the exit code and the words that the table asks for, in one line and without anything beside."""
    case, said = TABLE[name], outcome.err
    whole = said.endswith("\n") and said.count("\n") == 1 and len(said) < LONGEST and not outcome.out
    return whole and outcome.code == case.code and case.words in said and "internal error" not in said


def report(names: Iterable[str]) -> None:
    """The table, and its worst figures."""
    rows = []
    for name, outcome, peak in measure(names):
        note = "" if as_expected(name, outcome) else "  UNEXPECTED"
        print(f"{name:44} {outcome.code:2} {outcome.seconds:6.2f} s {peak >> 20:5} MiB  {outcome.message[:160]}{note}")
        rows.append((outcome.seconds, peak, bool(note)))
    seconds, peaks, wrong = zip(*rows, strict=True)
    print(f"{len(rows)} files, {sum(wrong)} unexpected; at most {max(seconds):.2f} s, {max(peaks) >> 20} MiB")


if __name__ == "__main__":
    report(sys.argv[1:] or TABLE)
