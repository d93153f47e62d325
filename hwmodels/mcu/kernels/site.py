"""Where a kernel works: the node with its layouts, the tile of the result it computes, and the memory it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwmodels.mcu.charge import Charge
from hwmodels.mcu.layout import WORD_BITS, Layout, layout_of, read_values, read_words, write_values
from neurobin.ir import Node, TensorType


@dataclass(frozen=True)
class Site:
    """A node and the layouts of what it reads and makes."""

    node: Node
    inputs: tuple[Layout, ...]
    output: Layout

    @staticmethod
    def of(node: Node, types: Mapping[str, TensorType]) -> Site:
        return Site(node, tuple(layout_of(types[name]) for name in node.inputs), layout_of(types[node.name]))

    @property
    def op(self) -> Any:
        """The node's op; each kernel knows which one it serves."""
        return self.node.op


@dataclass(frozen=True)
class Tile:
    """What one turn of a kernel's outer loop makes: a row with all channels, or 32 channels of a single pixel."""

    row: int
    first: int
    stop: int

    def of(self, constant: np.ndarray) -> np.ndarray:
        """The part of a per-channel constant [C or 1, ...] that belongs to the tile."""
        return constant if len(constant) == 1 else constant[self.first : self.stop]


def tiles(layout: Layout) -> Iterator[Tile]:
    """The tiles of a result in the order in which the kernel stores them."""
    rows, columns, channels = layout.grid
    if rows * columns > 1:
        yield from (Tile(row, 0, channels) for row in range(rows))
    else:
        yield from (Tile(0, k, min(k + WORD_BITS, channels)) for k in range(0, channels, WORD_BITS))


@dataclass(frozen=True, eq=False)
class Memory:
    """The RAM of every image of a batch, uint8 [N, bytes], and where each tensor and each kernel's scratch lies in it."""

    arena: np.ndarray
    addresses: Mapping[str, int]
    layouts: Mapping[str, Layout]

    def words(self, tensor: str, row: int) -> np.ndarray:
        """uint32 [P, N, columns, W]."""
        return read_words(self.arena, self.addresses[tensor], self.layouts[tensor], row)

    def values(self, tensor: str, row: int) -> np.ndarray:
        """int64 [N, columns, channels]."""
        return read_values(self.arena, self.addresses[tensor], self.layouts[tensor], row)

    def exchange(self, buffer: str, words: np.ndarray) -> np.ndarray:
        """Write words uint32 [P, N, W] into a kernel's scratch and read them back from there."""
        start, (planes, count, width) = self.addresses[buffer], words.shape
        octets = np.ascontiguousarray(words.transpose(1, 0, 2)).view(np.uint8).reshape(count, -1)
        self.arena[:, start : start + octets.shape[1]] = octets
        found = np.ascontiguousarray(self.arena[:, start : start + octets.shape[1]])
        return found.view("<u4").reshape(count, planes, width).transpose(1, 0, 2)

    def whole(self, tensor: str) -> np.ndarray:
        """int64 [N, rows, columns, channels]."""
        return np.stack([self.values(tensor, row) for row in range(self.layouts[tensor].grid[0])], axis=1)

    def store(self, tensor: str, tile: Tile, values: np.ndarray) -> None:
        write_values(self.arena, self.addresses[tensor], self.layouts[tensor], tile.row, values, tile.first)


def scratch_name(node: Node) -> str:
    """What a kernel's own buffer is called in the arena."""
    return f"{node.name} (window)"


Constants = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Head:
    """A kernel's own part: flash constants, values of a tile (int64 [N, columns, channels] in registers), and its price.

    `prepare` brings the stored constants into the form that `compute` indexes, once per run. `refuse` says in a sentence
    why the kernel cannot compute this node, or nothing. `in_words`: the result is made as whole words, ready to store.
    `name` tells several kernels of one op apart; `scratch_bytes` of RAM are the kernel's own while it runs.
    """

    compute: Callable[[Site, Constants, Memory, Tile], np.ndarray]
    charge: Callable[[Site], list[Charge]]
    constants: Callable[[Site], dict[str, np.ndarray]] = lambda _: {}
    prepare: Callable[[Site, Constants], Constants] = lambda _, stored: stored
    refuse: Callable[[Site], str] = lambda _: ""
    in_words: Callable[[Site], bool] = lambda _: False
    name: str = "direct"
    scratch_bytes: Callable[[Site], int] = lambda _: 0


def frame(output: Layout) -> list[Charge]:
    """The loops over rows and pixels around a kernel, and its call."""
    return [Charge("call", 1), Charge("row", output.grid[0]), Charge("pixel", output.pixels)]
