"""`Plan`: a graph compiled for a back end, and `Bound`: a plan with memory for a number of images, run again and again.

With enough images every thread runs its own share in its own memory and they never meet (throughput); with few, all
threads share the work of every step and meet after each (latency).
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from itertools import pairwise

import numpy as np

from neurobin.exec.kernels.jit import compiler
from neurobin.exec.kernels.layout import Layout
from neurobin.exec.kernels.machine import Backend
from neurobin.exec.plan.build import build
from neurobin.exec.plan.instance import SLACK, Instance, Shared, lifetimes, strided
from neurobin.exec.plan.memory import allocate, lined
from neurobin.ir import Graph

_WORKING_SET = 1 << 20  # bytes of a chunk's tensors: they stay in the second-level cache
_MAX_CHUNK = 256
_ONE_TEAM = threading.Lock()  # two teams that wait for each other's members would wait for ever
_PLANS: weakref.WeakSet[Plan] = weakref.WeakSet()
_PARTS = 8  # a bound run that is asked for more images than this many chunks is cut into several


class Plan:
    """A compiled graph, with `keep` naming tensors that stay in memory to the end of a run."""

    def __init__(self, graph: Graph, backend: Backend, keep: frozenset[str] = frozenset()) -> None:
        self.graph, self.keep, self.backend = graph, keep, backend
        self.program = build(graph, backend.name, keep)
        self.compiler = compiler(backend)
        self.shared = Shared()
        self.best_chunk = self._best_chunk()
        self._forget()
        _PLANS.add(self)

    def _forget(self) -> None:
        """No memory for runs yet, and nobody who uses it."""
        self._bound: dict[tuple[int, int], Bound] = {}
        self._lock = threading.Lock()

    def _best_chunk(self) -> int:
        """As many images as the second-level cache holds the tensors of; more where weights, which come from further away
        for every chunk, are larger than that."""
        one, two = (allocate(lifetimes(self.program, chunk, self.keep))[1] for chunk in (1, 2))
        room = max(_WORKING_SET, 2 * max((array.nbytes for array in self.program.constants()), default=0))
        per_image = max(two - one, 1)
        return min(max((room - one) // per_image + 1, 1), _MAX_CHUNK)

    def instance(self, chunk: int, threads: int = 1) -> Instance:
        """The program in new memory for chunks of that many images."""
        return Instance(self.program, self.compiler, self.shared, chunk, threads, self.keep)

    def bind(self, images: int, threads: int = 1) -> Bound:
        """Memory for runs of so many images."""
        return Bound(self, images, threads)

    def run(self, x: np.ndarray, threads: int = 1) -> np.ndarray:
        """The output [N, ...], in its narrowest integers, for checked inputs [N, ...]. Memory is kept for the next call."""
        shape = self.graph.types[self.graph.output].shape
        made = np.zeros((len(x), *shape), self.program.layouts[self.graph.output].form.numpy)
        with self._lock:
            self._run(x, made, threads)
        return made

    def _run(self, x: np.ndarray, made: np.ndarray, threads: int) -> None:
        most = _PARTS * threads * self.best_chunk
        for start in range(0, len(x), most):
            part = x[start : start + most]
            key = (len(part), threads)
            if key not in self._bound:
                if len(self._bound) >= 4:  # a caller with ever new sizes
                    self._bound.clear()
                self._bound[key] = self.bind(*key)
            bound = self._bound[key]
            np.copyto(bound.input, part, casting="unsafe")
            bound.run()
            made[start : start + most] = bound.output

    def trace(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Every tensor of `keep`, by name, for a few images."""
        if not len(x):
            return {name: np.zeros((0, *self.graph.types[name].shape), np.int64) for name in self.keep}
        instance = self.instance(len(x))
        instance.load(x)
        instance.run_chunk(len(x))
        return {name: np.array(instance.value(name, len(x))) for name in self.keep}


class Bound:
    """A plan for a fixed number of images: write `input` [N, ...], call `run`, read `output` [N, ...] (views of its memory).

    Nothing is allocated by a run. Not for concurrent calls.
    """

    def __init__(self, plan: Plan, images: int, threads: int = 1) -> None:
        graph, layouts = plan.graph, plan.program.layouts
        kind, result = layouts[graph.input], layouts[graph.output]
        self._given = lined(images * kind.image + kind.origin + plan.program.reach + SLACK)
        self._given.fill(plan.program.input_padding & 255)  # its border; the rest is overwritten
        self._made = lined(images * result.image)
        self.input = self._view(self._given, kind, (images, *graph.types[graph.input].shape))
        self.output = self._view(self._made, result, (images, *graph.types[graph.output].shape))
        self._barrier: np.ndarray | None = None
        first = plan.instance(min(plan.best_chunk, -(-images // threads)) if images >= 2 * threads else 1, 1)
        self._calls = self._native(plan, first, images, threads) if first.is_native else [lambda: self._mixed(first)]

    @staticmethod
    def _view(memory: np.ndarray, layout: Layout, shape: tuple[int, ...]) -> np.ndarray:
        return strided(memory, layout.origin, layout, shape[0]).reshape(shape)

    def _native(self, plan: Plan, first: Instance, images: int, threads: int) -> list[Callable[[], None]]:
        """One call per thread: over its own images, or over its part of every step."""
        if threads > 1 and images < 2 * threads:
            together = plan.instance(1, threads)
            calls = [together.bound(self._given, self._made, images, thread) for thread in range(threads)]
            self._barrier = together.barrier
            return calls
        edges = [images * k // threads for k in range(threads + 1)]
        instances = [first, *(plan.instance(first.chunk) for _ in range(threads - 1))]
        layouts = plan.program.layouts
        steps = [layouts[name].image for name in (plan.graph.input, plan.graph.output)]
        return [
            each.bound(self._given[steps[0] * start :], self._made[steps[1] * start :], stop - start, 0)
            for each, (start, stop) in zip(instances, pairwise(edges), strict=True)
        ]

    def run(self) -> None:
        """From `input` to `output`."""
        calls = self._calls
        if len(calls) == 1:
            calls[0]()
            return
        with _ONE_TEAM:
            if self._barrier is not None:
                self._barrier.fill(0)
            others = [_pool(len(calls)).submit(call) for call in calls[1:]]
            try:
                calls[0]()
            finally:  # an interrupt leaves no thread at work on this memory
                wait(others)

    def _mixed(self, instance: Instance) -> None:
        """With numpy between native steps: chunk by chunk, in one thread."""
        graph = instance.program.graph
        for start in range(0, len(self.input), instance.chunk):
            part = self.input[start : start + instance.chunk]
            instance.load(part)
            instance.run_chunk(len(part))
            self.output[start : start + instance.chunk] = instance.value(graph.output, len(part))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads - 1, thread_name_prefix="neurobin")


def _begin_anew() -> None:
    """For a process that another thread's run was in the middle of when it was forked."""
    for plan in _PLANS:
        plan._forget()


if hasattr(os, "register_at_fork"):
    # a child has none of its parent's threads, and nobody who would release what they held
    os.register_at_fork(before=_ONE_TEAM.acquire, after_in_parent=_ONE_TEAM.release, after_in_child=_ONE_TEAM.release)
    os.register_at_fork(after_in_child=_pool.cache_clear)
    os.register_at_fork(after_in_child=_begin_anew)
