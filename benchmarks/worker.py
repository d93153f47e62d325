"""Contenders in the Python of another environment: a process that waits on a pipe, and measures its own turns."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from benchmarks.contender import Contender, unchanged
from benchmarks.environments import ROOT
from neurobin.errors import NeurobinError

LAST_WORDS = 2000  # characters of its standard error that a message quotes


class Worker:
    """`python -m module` of another environment, answering requests as in benchmarks.servers.serving."""

    def __init__(self, python: Path, module: str, threads: int) -> None:
        self.module, self.threads = module, threads
        self._folder = tempfile.TemporaryDirectory()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed by close
        self._process = subprocess.Popen(
            [str(python), "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        )

    def build(
        self,
        name: str,
        workload: str,
        arrays: dict[str, np.ndarray],
        options: dict[str, bool] | None = None,
        expected: Callable[[np.ndarray], np.ndarray] = unchanged,
    ) -> Contender:
        """Have the process prepare a workload from arrays and options, on the worker's threads."""
        self._pipes()
        path = self.path("arrays.npz")
        np.savez(path, **arrays)  # type: ignore[arg-type]
        request = {"do": "build", "workload": workload, "arrays": path, "threads": self.threads} | (options or {})
        answer = self.ask(request)
        call = RemoteCall(self, int(str(answer["handle"])))
        return Contender(name, str(answer["description"]), call, call.output, expected)

    def path(self, name: str) -> str:
        return str(Path(self._folder.name) / name)

    def ask(self, request: dict[str, object]) -> dict[str, object]:
        """Send one request and wait for its answer. Raises NeurobinError if it failed or the process ended."""
        stdin, stdout = self._pipes()
        try:
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
            line = stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise NeurobinError(f"ended with code {self._process.wait()}: {self._said()}", where=self.module)
        answer: dict[str, object] = json.loads(line)
        if "error" in answer:
            raise NeurobinError(f"{request['do']} failed: {answer['error']}", where=self.module)
        return answer

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None or stdin.closed:
            raise NeurobinError("was closed", where=self.module)
        return stdin, stdout

    def _said(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")[-LAST_WORDS:]

    def close(self) -> None:
        """End the process: it stops when its standard input ends."""
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):  # it ended before, with a request unread
                if pipe is not None:
                    pipe.close()
        self._process.wait()
        self._errors.close()
        self._folder.cleanup()


@dataclass(frozen=True)
class RemoteCall:
    """A prepared workload of a worker: callable like any other, and measured where it runs (timing.Turns)."""

    worker: Worker
    handle: int

    def __call__(self) -> None:
        self.turn(1)

    def turn(self, repeats: int) -> tuple[float, float]:
        answer = self.worker.ask({"do": "turn", "handle": self.handle, "repeats": repeats})
        return float(str(answer["cpu_s"])), float(str(answer["wall_s"]))

    def output(self) -> np.ndarray:
        path = self.worker.path("output.npy")
        self.worker.ask({"do": "output", "handle": self.handle, "path": path})
        values: np.ndarray = np.load(path)
        return values
