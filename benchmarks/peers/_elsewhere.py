"""A peer whose library lives in another environment: the worker starts with the first workload."""

from __future__ import annotations

from typing import ClassVar

from benchmarks.contender import Peer
from benchmarks.environments import Environment
from benchmarks.worker import Worker


class Elsewhere(Peer):
    """`module` serves the workloads under `environment`."""

    environment: ClassVar[Environment]
    module: ClassVar[str]

    def __init__(self, threads: int = 1) -> None:
        super().__init__(threads)
        self._worker: Worker | None = None

    def missing(self) -> str:
        return self.environment.missing()

    @property
    def worker(self) -> Worker:
        if self._worker is None:
            self._worker = Worker(self.environment.python(), self.module, self.threads)
        return self._worker

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None
