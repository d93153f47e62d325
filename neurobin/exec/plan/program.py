"""What a plan runs: calls in order, and the tensors between them, with their layouts and the calls that touch them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from neurobin.exec.kernels.layout import Layout
from neurobin.exec.kernels.slots import Slots
from neurobin.ir import Graph, Node


@dataclass(frozen=True)
class Call:
    """One entry of a plan: a kernel with its slots, or a node that numpy computes."""

    text: str
    slots: Slots
    node: Node | None = None


@dataclass
class Program:
    """Calls in order; for each tensor in memory its layout, its bytes per image and besides, and the calls that touch it."""

    graph: Graph
    calls: list[Call] = field(default_factory=list)
    layouts: dict[str, Layout] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)  # bytes per image, bytes besides
    alias: dict[str, str] = field(default_factory=dict)
    touched: dict[str, list[int]] = field(default_factory=dict)
    reach: int = 0  # bytes that may be read behind a tensor
    input_padding: int = 0  # what the border of the input holds, if it has one

    def call(self, text: str, slots: Slots, *tensors: str, node: Node | None = None) -> None:
        for name in tensors:
            self.touched.setdefault(self.home(name), []).append(len(self.calls))
        self.calls.append(Call(text, slots, node))

    def constants(self) -> Iterator[np.ndarray]:
        """The arrays that its kernels read."""
        for call in self.calls:
            yield from call.slots.constants()

    def home(self, name: str) -> str:
        """The tensor whose bytes `name` shares."""
        while name in self.alias:
            name = self.alias[name]
        return name

    def place(self, name: str, layout: Layout) -> None:
        self.layouts[name] = layout
        self.sizes[name] = (layout.image, layout.origin)
