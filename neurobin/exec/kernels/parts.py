"""What a plan's kernels have in common: their signature, what they read from their slots, and how threads share work."""

from __future__ import annotations

import numpy as np

from neurobin.exec.kernels.emit import I64, PTR, Module, Value
from neurobin.exec.kernels.jit import SYMBOL
from neurobin.exec.kernels.layout import Layout
from neurobin.exec.kernels.slots import Filling, Slots, Tensor

PARAMETERS = ((PTR, "args"), (I64, "images"), (I64, "thread"), (I64, "threads"))


class Kernel:
    """A kernel being written: `void kernel(ptr args, i64 images, i64 thread, i64 threads)`."""

    def __init__(self, slots: Slots) -> None:
        self.slots, self.module = slots, Module()
        self.f = self.module.function(SYMBOL, PARAMETERS)
        self.args, self.images, self.thread, self.threads = self.f.parameters

    def number(self, number: int) -> Value:
        """An i64 from a slot, so that kernels that differ in it share their code."""
        return self.slots.number(self.args, number)

    def constant(self, array: np.ndarray) -> Value:
        """The address of an array, which lies at a cache line."""
        return self.slots.constant(self.args, array)

    def pointer(self, filling: Filling) -> Value:
        return self.slots.load(self.args, filling)

    def pixels(self, name: str, layout: Layout) -> Value:
        """The address of pixel (0, 0) of a tensor's first image."""
        return self.pointer(Tensor(name)).at(self.number(layout.origin))

    def strides(self, layout: Layout) -> tuple[Value, Value, Value]:
        """Bytes between images, rows and pixels."""
        return self.number(layout.image), self.number(layout.row), self.number(layout.pixel)

    def share(self, count: Value) -> tuple[Value, Value]:
        """The part [first, last) of `count` pieces of work that falls to this thread."""
        return count * self.thread // self.threads, count * (self.thread + 1) // self.threads
