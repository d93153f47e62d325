"""Execution: kernels run one after the other on the bytes of the arena and of the flash image.

Each image has its own arena. A kernel computes its result tile by tile (a row, or 32 outputs of a vector), loading its
operands from the arena anew for every tile and storing the tile at once: a placement that lets a result overwrite
something still needed changes the answer, inside a kernel as well as between kernels. Hazards within one row are finer
than a tile; `schedule` rules them out by its condition for replacing a buffer.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hwmodels.mcu.kernels import ELEMENTWISE, Memory, Tile, tiles
from hwmodels.mcu.kernels.site import Constants
from hwmodels.mcu.map import McuMapping
from hwmodels.mcu.schedule import Kernel
from neurobin.exec.reference import as_input

BATCH = 256
_UNINITIALISED = 0xA5  # RAM is not zero when a program starts


def execute(mapping: McuMapping, x: np.ndarray) -> np.ndarray:
    """int64 outputs [N, ...] for inputs [N, ...]. Raises GraphError for inputs of another shape or type."""
    graph = mapping.graph
    values = as_input(x, graph.inputs[graph.input], graph.input)
    shape = graph.types[graph.output].shape
    blocks = [_run(mapping, values[start : start + BATCH]) for start in range(0, len(values), BATCH)]
    return np.concatenate(blocks).reshape(-1, *shape) if blocks else np.zeros((0, *shape), np.int64)


def _run(mapping: McuMapping, values: np.ndarray) -> np.ndarray:
    """One batch: fill the input buffer, run all kernels, read the output buffer."""
    graph = mapping.graph
    arena = np.full((len(values), mapping.ram_bytes), _UNINITIALISED, dtype=np.uint8)
    memory = Memory(arena, mapping.addresses, mapping.layouts)
    layout = mapping.layouts[graph.input]
    pixels = values.reshape(len(values), *layout.grid)
    for row in range(layout.grid[0]):
        memory.store(graph.input, Tile(row, 0, layout.channels), pixels[:, row])
    stored: dict[str, dict[str, np.ndarray]] = {}
    for section in mapping.sections:
        stored.setdefault(section.node, {})[section.field] = section.read(mapping.image)
    for kernel in mapping.kernels:
        _run_kernel(kernel, stored, memory)
    return memory.whole(graph.output)


def _run_kernel(kernel: Kernel, stored: Mapping[str, Constants], memory: Memory) -> None:
    """All tiles of one kernel, stored as they are made."""
    head, first = kernel.head, kernel.sites[0]
    prepared = head.prepare(first, stored.get(first.node.name, {})) if head is not None else {}
    for tile in tiles(kernel.result):
        registers: dict[str, np.ndarray] = {}
        if head is not None:
            registers[first.node.name] = head.compute(first, prepared, memory, tile)
        for site in kernel.chain:
            operands = [registers[n] if n in registers else _load(memory, n, tile) for n in site.node.inputs]
            entry = ELEMENTWISE[site.op.name]
            registers[site.node.name] = entry.compute(site, stored.get(site.node.name, {}), operands, tile)
        memory.store(kernel.output, tile, registers[kernel.output])


def _load(memory: Memory, tensor: str, tile: Tile) -> np.ndarray:
    """The operand's elements for a tile; an axis of size 1 stretches over the result's."""
    rows, _, channels = memory.layouts[tensor].grid
    values = memory.values(tensor, tile.row if rows > 1 else 0)
    return values if channels == 1 else values[..., tile.first : tile.stop]
