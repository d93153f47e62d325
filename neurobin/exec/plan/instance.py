"""A program in memory: one arena for its tensors, the slots of its kernels, and the tables the runner walks."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from neurobin.exec.kernels.jit import Compiler
from neurobin.exec.kernels.layout import Layout
from neurobin.exec.kernels.runner import runner
from neurobin.exec.kernels.slots import Slots
from neurobin.exec.plan.memory import LINE_BYTES, Lifetime, allocate, lined
from neurobin.exec.plan.program import Program
from neurobin.ir import IntTensor, Node

_RUNNER = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, *([ctypes.c_int64] * 4), ctypes.c_void_p)
SLACK = 1 << 16  # bytes that kernels may read, never use, behind any tensor


@dataclass(frozen=True)
class Segment:
    """Native steps in a row: (code, arguments) pairs."""

    table: np.ndarray

    @property
    def count(self) -> int:
        return len(self.table) // 2


class Shared:
    """Constants of a program in aligned memory, one copy for all its instances."""

    def __init__(self) -> None:
        self._copies: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def address(self, array: np.ndarray) -> int:
        if id(array) not in self._copies:
            copy = lined(array.nbytes + LINE_BYTES)
            copy[: array.nbytes] = np.ascontiguousarray(array).view(np.uint8).reshape(-1)
            self._copies[id(array)] = (array, copy)  # the original stays, or its id might be another's
        return int(self._copies[id(array)][1].ctypes.data)


def lifetimes(program: Program, chunk: int, keep: frozenset[str] = frozenset()) -> dict[str, Lifetime]:
    """When each tensor is needed, for `chunk` images; those in `keep` to the end."""
    last = len(program.calls)
    ends = {program.home(name) for name in (*program.graph.outputs, *keep)}
    found = {}
    for name, (per_image, fixed) in program.sizes.items():
        touched = program.touched.get(name, [])
        first = -1 if name == program.graph.input else min(touched, default=0)
        final = last if name in ends else max(touched, default=0)
        found[name] = Lifetime(first, final, per_image * chunk + fixed)
    return found


class Instance:
    """Runs up to `chunk` images at a time on `threads` threads that work together. The `Room` of the kernels' slots."""

    def __init__(
        self, program: Program, compiler: Compiler, shared: Shared, chunk: int, threads: int, keep: frozenset[str]
    ) -> None:
        self.program, self.chunk, self.threads = program, chunk, threads
        self._compiler, self._shared = compiler, shared
        self._owned: list[np.ndarray] = []
        self._cell_of = {name: k for k, name in enumerate(program.sizes)}
        self._cells = lined(8 * len(self._cell_of)).view(np.int64)
        offsets, size = allocate(lifetimes(program, chunk, keep))
        self._arena = lined(size + program.reach + SLACK)
        for name, offset in offsets.items():
            self._cells[self._cell_of[name]] = self._arena.ctypes.data + offset
        self._start = {name: self._arena.ctypes.data + offset for name, offset in offsets.items()}
        self.segments = list(self._segments())
        self._runner = _RUNNER(compiler.address(runner()))
        self.barrier = lined(LINE_BYTES).view(np.int64)

    def _segments(self) -> Iterator[Segment | Node]:
        run: list[int] = []
        for call in self.program.calls:
            if call.node is None:
                run += [self.code(call.text), self.filled(call.slots)]
                continue
            if run:
                yield Segment(np.array(run, np.int64))
                run = []
            yield call.node
        if run:
            yield Segment(np.array(run, np.int64))

    def filled(self, slots: Slots) -> int:
        table = np.array([filling.content(self) for filling in slots.fillings], np.int64)
        self._owned.append(table)
        return int(table.ctypes.data)

    def constant(self, array: np.ndarray) -> int:
        return self._shared.address(array)

    def code(self, text: str) -> int:
        return self._compiler.address(text)

    def scratch(self, size: int) -> int:
        memory = lined(self.threads * (size + LINE_BYTES))
        self._owned.append(memory)
        return int(memory.ctypes.data)

    def cell(self, tensor: str) -> int:
        return int(self._cells.ctypes.data + 8 * self._cell_of[tensor])

    @property
    def is_native(self) -> bool:
        graph, home = self.program.graph, self.program.home
        return len(self.segments) == 1 and isinstance(self.segments[0], Segment) and home(graph.output) != graph.input

    def ends(self, inputs: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """The runner's table of input and output, given the bytes of all images of each."""
        graph, home, layouts = self.program.graph, self.program.home, self.program.layouts
        rows = []
        for name, memory in ((graph.input, inputs), (graph.output, outputs)):
            rows += [self.cell(home(name)), memory.ctypes.data, layouts[name].image]
        return np.array(rows, np.int64)

    def load(self, x: np.ndarray) -> None:
        """Puts images [N, ...] where the first step reads them, with the border around them."""
        program, name, images = self.program, self.program.graph.input, len(x)
        start = self._start[name] - self._arena.ctypes.data
        self._arena[start : start + program.layouts[name].size(images)] = program.input_padding & 255
        view = self.view(name, images)
        np.copyto(view, x.reshape(view.shape), casting="unsafe")

    def bound(self, inputs: np.ndarray, outputs: np.ndarray, images: int, thread: int) -> Callable[[], None]:
        """One native call that runs all images in these bytes, as thread `thread` of those that work together."""
        segment, ends = self.segments[0], self.ends(inputs, outputs)
        assert isinstance(segment, Segment)
        run, keep = self._runner, (inputs, outputs, ends, self)
        table, count, barrier = segment.table.ctypes.data, segment.count, self.barrier.ctypes.data
        chunk, threads, address = self.chunk, self.threads, ends.ctypes.data

        def call(_kept: object = keep) -> None:
            run(table, count, address, images, chunk, thread, threads, barrier)

        return call

    def run_chunk(self, images: int) -> None:
        """What lies in the arena, step by step, with numpy where a node has no kernel. For one thread."""
        idle = np.zeros(2, np.int64)
        ends = np.array([idle.ctypes.data, 0, 0, idle.ctypes.data + 8, 0, 0], np.int64)
        for segment in self.segments:
            if isinstance(segment, Segment):
                self._runner(
                    segment.table.ctypes.data,
                    segment.count,
                    ends.ctypes.data,
                    images,
                    images,
                    0,
                    1,
                    self.barrier.ctypes.data,
                )
            else:
                self._compute(segment, images)

    def _compute(self, node: Node, images: int) -> None:
        types = self.program.graph.types
        operands = [IntTensor(self.value(name, images), types[name].dtype) for name in node.inputs]
        view = self.view(node.name, images)
        view[...] = node.op.packed(*operands).values().reshape(view.shape)

    def view(self, name: str, images: int) -> np.ndarray:
        """A tensor of integers in the arena: [N, H, W, C]."""
        layout = self.program.layouts[name]
        start = self._start[self.program.home(name)] - self._arena.ctypes.data + layout.origin
        return strided(self._arena, start, layout, images)

    def value(self, name: str, images: int) -> np.ndarray:
        """A tensor that is still in memory, [N, ...]."""
        return self.view(name, images).reshape(images, *self.program.graph.types[name].shape)


def strided(memory: np.ndarray, start: int, layout: Layout, images: int) -> np.ndarray:
    """The images [N, H, W, C] of a tensor in a layout, whose first pixel lies at byte `start`: a view."""
    kind = layout.form.numpy
    strides = (layout.image, layout.row, layout.pixel, kind.itemsize)
    return np.ndarray((images, *layout.shape), kind, memory.data, start, strides)
