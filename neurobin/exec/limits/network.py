"""A network timed on a back end: one image at a time, and many; the first result; the memory it takes.

Time is wall time, which is what a user waits for; several threads would add up in CPU time.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurobin.errors import MismatchError
from neurobin.exec.kernels.machine import NUMPY, Backend
from neurobin.exec.packed import numpy_steps
from neurobin.exec.plan.instance import SLACK, lifetimes
from neurobin.exec.plan.memory import allocate
from neurobin.exec.plan.plan import Bound, Plan
from neurobin.ir import Graph, Json

SPAN_S = 0.3  # of the runs of a mode, and of the longest run that is chosen here
BATCH = 64
_LEAST, _MOST = 3, 2000  # runs


@dataclass(frozen=True)
class Mode:
    """Runs of so many images at once: wall time of one, typical (the median) and best."""

    batch: int
    threads: int
    runs: int
    typical_s: float
    best_s: float

    @property
    def images_per_s(self) -> float:
        return self.batch / self.typical_s

    @property
    def image_s(self) -> float:
        """Seconds per image."""
        return self.typical_s / self.batch

    def to_dict(self) -> dict[str, Json]:
        return {"batch": self.batch, "threads": self.threads, "runs": self.runs, "image_s": self.image_s,
                "best_image_s": self.best_s / self.batch, "images_per_s": self.images_per_s, "unit": "image/s",
                "formula": "images / median wall time of a run"}  # fmt: skip


@dataclass(frozen=True)
class Memory:
    """Bytes of a plan: its tensors for one image, those for the `chunk` of images a thread computes at a time, and its
    constants (weights, thresholds, tables)."""

    arena_bytes: int
    chunk: int
    chunk_arena_bytes: int
    constant_bytes: int


@dataclass(frozen=True)
class Timing:
    """A network on a back end. The first result includes compiling `compiled` kernels and reading `loaded` from the cache;
    `in_numpy` names the nodes that have no kernel. numpy has no kernels at all, and no plan."""

    back_end: str
    first_s: float
    latency: Mode
    throughput: Mode
    compiled: int | None = None
    loaded: int | None = None
    memory: Memory | None = None
    in_numpy: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Json]:
        return {
            "backend": self.back_end, "equal_to_reference": True, "first_result_s": self.first_s,
            "kernels_compiled": self.compiled, "kernels_loaded": self.loaded, "latency": self.latency.to_dict(),
            "throughput": self.throughput.to_dict(), "in_numpy": list(self.in_numpy),
            "memory": None if self.memory is None else {"unit": "B", **vars(self.memory)},
        }  # fmt: skip


def timing(graph: Graph, back_end: Backend, x: np.ndarray, expected: np.ndarray, batch: int | None, threads: int) -> Timing:
    """The deployed `graph` on images `x` [N, ...]; a batch repeats them (None: as many as suit).

    Raises MismatchError where the outputs for `x` are not `expected`.
    """
    if back_end is NUMPY:
        return _in_numpy(graph, x, expected, batch)
    start_s = time.perf_counter()
    plan = Plan(graph, back_end)
    before = plan.compiler.compiled, plan.compiler.loaded
    alone = _bound(plan, x[:1], threads)
    alone.run()
    first_s = time.perf_counter() - start_s
    compiled, loaded = plan.compiler.compiled - before[0], plan.compiler.loaded - before[1]
    _compare(np.concatenate([_output(alone, image) for image in x]), expected, back_end)
    latency = _mode(alone.run, 1, threads)
    size = batch or _suitable(latency)
    many = _bound(plan, x, threads, size)
    many.run()
    _compare(many.output, np.resize(expected, (size, *expected.shape[1:])), back_end)
    numpy_nodes = tuple(call.node.name for call in plan.program.calls if call.node is not None)
    throughput = _mode(many.run, size, threads)
    return Timing(back_end.name, first_s, latency, throughput, compiled, loaded, _memory(plan), numpy_nodes)


def _in_numpy(graph: Graph, x: np.ndarray, expected: np.ndarray, batch: int | None) -> Timing:
    def run(images: np.ndarray) -> np.ndarray:
        return next(value for name, value in numpy_steps(graph, images) if name == graph.output).values()

    start_s = time.perf_counter()
    run(x[:1])
    first_s = time.perf_counter() - start_s
    _compare(run(x), expected, NUMPY)
    latency = _mode(lambda: run(x[:1]), 1, 1)
    size = batch or _suitable(latency)
    images = np.resize(x, (size, *x.shape[1:]))
    return Timing(NUMPY.name, first_s, latency, _mode(lambda: run(images), size, 1))


def _bound(plan: Plan, x: np.ndarray, threads: int, batch: int = 1) -> Bound:
    """A plan with memory for so many images, and these images in it."""
    made = plan.bind(batch, threads)
    made.input[...] = np.resize(x, (batch, *x.shape[1:]))
    return made


def _output(alone: Bound, image: np.ndarray) -> np.ndarray:
    alone.input[0] = image
    alone.run()
    return alone.output.copy()


def _suitable(latency: Mode) -> int:
    return max(1, min(BATCH, int(SPAN_S / latency.best_s)))


def _mode(run: Callable[[], object], batch: int, threads: int) -> Mode:
    run()
    taken_s: list[float] = []
    end_s = time.perf_counter() + SPAN_S
    while len(taken_s) < _LEAST or (len(taken_s) < _MOST and time.perf_counter() < end_s):
        start_s = time.perf_counter()
        run()
        taken_s.append(max(time.perf_counter() - start_s, 1e-9))
    return Mode(batch, threads, len(taken_s), statistics.median(taken_s), min(taken_s))


def _compare(outputs: np.ndarray, expected: np.ndarray, back_end: Backend) -> None:
    wrong = int((outputs != expected).reshape(len(expected), -1).any(1).sum())
    if wrong:
        what = f"{wrong} of {len(expected)} outputs differ from the reference"
        raise MismatchError(what, where=f"back end {back_end.name!r}")


def _memory(plan: Plan) -> Memory:
    program, behind = plan.program, plan.program.reach + SLACK
    one, chunk = (allocate(lifetimes(program, images, plan.keep))[1] + behind for images in (1, plan.best_chunk))
    constants = {id(array): array.nbytes for array in program.constants()}
    return Memory(one, plan.best_chunk, chunk, sum(constants.values()))
