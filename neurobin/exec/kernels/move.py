"""Ops that only move elements: concatenation, slices, shuffles, flattening, explicit padding.

What moves where is derived from the op's own reference, run on the indices of its input. A table of runs of bytes is copied
for every pixel where each pixel moves alike, else for every image. Constants are moved too, from an image of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from neurobin.exec.kernels.emit import I64
from neurobin.exec.kernels.layout import Layout
from neurobin.exec.kernels.parts import Kernel
from neurobin.exec.kernels.slots import Slots


@dataclass(frozen=True)
class Origins:
    """Where each element of a result comes from: `index` int64 [H, W, C] counts through the elements of all operands, -1
    where it is the constant that `constants` holds there."""

    index: np.ndarray
    constants: np.ndarray


def origins(
    reference: Callable[..., np.ndarray], shapes: Sequence[tuple[int, ...]], result: tuple[int, int, int]
) -> Origins:
    """What an op's reference does to the operands' elements."""
    begin, operands = 0, []
    for shape in shapes:
        size = int(np.prod(shape))
        operands.append((begin + np.arange(size)).reshape(1, *shape))
        begin += size
    here, beyond = reference(*operands), reference(*(operand + begin for operand in operands))
    moved = (beyond - here).reshape(result) == begin  # a constant stays what it is
    made = here.reshape(result)
    return Origins(np.where(moved, made, -1), np.where(moved, 0, made))


@dataclass(frozen=True)
class Runs:
    """int64 [n, 3]: (from, to, length) in bytes within a piece; a piece is a pixel or a whole image."""

    table: np.ndarray
    per_pixel: bool


def runs(index: np.ndarray, source: Layout, target: Layout) -> Runs:
    """`index` int64 [OH, OW, OC]: the element of the source (channels fastest) that each result is, or -1 for none of it."""
    height, width, channels = source.shape
    if index.shape[:2] == (height, width):
        local = np.where(index >= 0, index - np.arange(height * width).reshape(height, width, 1) * channels, -1)
        if (local == local[0, 0]).all() and (local < channels).all():
            return Runs(_merged(local[:1, :1], source, target), True)
    return Runs(_merged(index, source, target), False)


def _merged(index: np.ndarray, source: Layout, target: Layout) -> np.ndarray:
    size = source.form.numpy.itemsize
    _, width, channels = source.shape
    oh, ow, oc = index.shape
    flat = index.reshape(-1)
    y, x, c = flat // (width * channels), flat // channels % width, flat % channels
    start = y * source.row + x * source.pixel + c * size
    grid = np.arange(oh)[:, None, None] * target.row + np.arange(ow)[:, None] * target.pixel + np.arange(oc) * size
    goal = grid.reshape(-1)
    kept = flat >= 0
    start, goal = start[kept], goal[kept]
    breaks = np.flatnonzero((np.diff(start) != size) | (np.diff(goal) != size)) + 1
    edges = np.concatenate([[0], breaks, [len(start)]])
    return np.stack([start[edges[:-1]], goal[edges[:-1]], np.diff(edges) * size], axis=1).astype(np.int64)


def move_kernel(slots: Slots, moved: Runs, source: tuple[str | np.ndarray, Layout], target: tuple[str, Layout]) -> str:
    """Copies every run of every piece; a source that is no tensor is one image of constants, the same for all."""
    (layout, result), k = (source[1], target[1]), Kernel(slots)
    f, goal = k.f, k.pixels(*target)
    base = k.pixels(source[0], layout) if isinstance(source[0], str) else k.constant(source[0])
    size = layout.form.numpy.itemsize
    height, width = (result.shape[0], result.shape[1]) if moved.per_pixel else (1, 1)
    table, count = k.constant(np.ascontiguousarray(moved.table, "<i8")), k.number(len(moved.table))
    rows, pixels = k.number(height), k.number(width)
    single = bool((moved.table[:, 2] == size).all())
    (image_bytes, row, pixel), (to_image, to_row, to_pixel) = k.strides(layout), k.strides(result)
    first, last = k.share(k.images * rows)
    with f.loop(first, last) as line:
        image, y = line // rows, line % rows
        from_row, goal_row = base.at(image * image_bytes).at(y * row), goal.at(image * to_image).at(y * to_row)
        with f.loop(0, pixels) as x:
            from_piece, to_piece = from_row.at(x * pixel), goal_row.at(x * to_pixel)
            with f.loop(0, count) as run:
                start, stop, length = (table.at(run * 24 + 8 * field).load(I64, 8) for field in range(3))
                if single:
                    to_piece.at(stop).store(from_piece.at(start).load(f"i{8 * size}"))
                else:
                    f.intrinsic(
                        "llvm.memmove.p0.p0.i64", "void", to_piece.at(stop), from_piece.at(start), length, "i1 false"
                    )
    return str(k.module)
