"""`Plan`: a graph compiled for a back end. It runs any number of images, alone or on several threads.

With enough images every thread runs its own share in its own memory and they never meet (throughput); with few, all
threads share the work of every step and meet after each (latency).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from neurobin.exec.kernels.jit import compiler
from neurobin.exec.kernels.layout import Form
from neurobin.exec.kernels.machine import Backend
from neurobin.exec.plan.build import build
from neurobin.exec.plan.instance import SLACK, Instance, Shared, lifetimes, lined, strided
from neurobin.exec.plan.memory import allocate
from neurobin.ir import Graph

_WORKING_SET = 1 << 20  # bytes of a chunk's tensors: they stay in the second-level cache
_MAX_CHUNK = 64


class Plan:
    """A compiled graph. Not for concurrent calls: its memory is one run's."""

    def __init__(self, graph: Graph, backend: Backend, keep: frozenset[str] = frozenset()) -> None:
        self.graph, self.keep, self.backend = graph, keep, backend
        self.program = build(graph, backend.name, keep)
        self.compiler = compiler(backend)
        self._shared = Shared()
        self._instances: dict[tuple[int, int, int], Instance] = {}
        _, size = allocate(lifetimes(self.program, 1, keep))
        self._best_chunk = min(max(_WORKING_SET // max(size, 1), 1), _MAX_CHUNK)

    def instance(self, chunk: int, threads: int = 1, which: int = 0) -> Instance:
        """The program in memory for chunks of that many images; `which` tells instances of one kind apart."""
        key = (chunk, threads, which)
        if key not in self._instances:
            self._instances[key] = Instance(self.program, self.compiler, self._shared, chunk, threads, self.keep)
        return self._instances[key]

    def run(self, x: np.ndarray, threads: int = 1) -> np.ndarray:
        """The output [N, ...], in its narrowest integers, for checked inputs [N, ...]."""
        images = len(x)
        if not images:
            return np.zeros((0, *self.graph.types[self.graph.output].shape), np.int64)
        layout, result = self.program.layouts[self.graph.input], self.program.layouts[self.graph.output]
        given = lined(images * layout.image + SLACK)[: images * layout.image].reshape(images, layout.image)
        target = given.view(layout.form.numpy)
        np.copyto(target, x.reshape(images, -1), casting="unsafe")
        made = lined(images * result.image).reshape(images, result.image)
        if self.instance(1).is_native:
            self._run_native(given, made, threads)
        else:
            self._run_mixed(given, made)
        shape = (images, *result.shape)
        values = strided(made.reshape(-1), 0, result.form.numpy, shape, result)
        return values.reshape(images, *self.graph.types[self.graph.output].shape)

    def _run_native(self, given: np.ndarray, made: np.ndarray, threads: int) -> None:
        images = len(given)
        if threads > 1 and images < 2 * threads:
            together = self.instance(1, threads)
            together.barrier[:] = 0
            ends = together.ends(given, made)
            _share(threads, lambda thread: together.run_all(ends, images, thread))
            return
        chunk = min(self._best_chunk, max(1, images // threads))
        edges = [images * k // threads for k in range(threads + 1)]
        instances = [self.instance(chunk, 1, k) for k in range(threads)]

        def part(thread: int) -> None:
            own = slice(edges[thread], edges[thread + 1])
            instances[thread].run_all(instances[thread].ends(given[own], made[own]), edges[thread + 1] - edges[thread], 0)

        _share(threads, part)

    def _run_mixed(self, given: np.ndarray, made: np.ndarray) -> None:
        """With numpy between native steps: chunk by chunk, in one thread."""
        instance = self.instance(min(self._best_chunk, max(1, len(given))))
        for start in range(0, len(given), instance.chunk):
            part = slice(start, start + instance.chunk)
            images = len(given[part])
            self.load(instance, given[part])
            instance.run_chunk(images)
            result = self.program.layouts[self.graph.output]
            view = strided(made[part].reshape(-1), 0, result.form.numpy, (images, *result.shape), result)
            view[...] = instance.view(self.graph.output, images)

    def load(self, instance: Instance, given: np.ndarray) -> None:
        """Puts images (uint8 [N, bytes]) where the first step reads them."""
        view = instance.view(self.graph.input, len(given))
        form = self.program.layouts[self.graph.input].form
        view[...] = np.ascontiguousarray(given).view(form.numpy).reshape(view.shape)

    def trace(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Every tensor of `keep`, by name, for a few images."""
        if not len(x):
            return {name: np.zeros((0, *self.graph.types[name].shape), np.int64) for name in self.keep}
        instance = self.instance(max(1, len(x)))
        layout = self.program.layouts[self.graph.input]
        self.load(instance, x.reshape(len(x), -1).astype(layout.form.numpy).view(np.uint8))
        instance.run_chunk(len(x))
        return {name: self._kept(instance, name, len(x)) for name in self.keep}

    def _kept(self, instance: Instance, name: str, images: int) -> np.ndarray:
        assert self.program.layouts[name].form is not Form.BITS
        return np.array(instance.value(name, images))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads - 1, thread_name_prefix="neurobin")


def _share(threads: int, work) -> None:  # type: ignore[no-untyped-def]
    """work(0) here and work(1) ... in the pool's threads, which stay between calls."""
    if threads == 1:
        work(0)
        return
    others = [_pool(threads).submit(work, k) for k in range(1, threads)]
    work(0)
    for other in others:
        other.result()
