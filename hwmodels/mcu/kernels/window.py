"""Sliding windows row by row: which input row and columns each window position reads for one row of outputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hwmodels.mcu.layout import Layout
from neurobin.ops._window import Window


@dataclass(frozen=True)
class Tap:
    """Window position `index`: outputs `columns` read the columns `sources` of input row `row`; the others see padding.

    `row` is None where the whole row is padding.
    """

    index: int
    row: int | None
    columns: slice
    sources: slice


def taps(window: Window, source: Layout, result: Layout, row: int) -> Iterator[Tap]:
    """All positions of the window for output row `row`."""
    (kh, kw), (sh, sw), (dh, dw) = window.kernel, window.stride, window.dilation
    for ky in range(kh):
        y = row * sh - window.padding[0] + ky * dh
        inside = y if 0 <= y < source.grid[0] else None
        for kx in range(kw):
            shift = kx * dw - window.padding[1]  # output column x reads input column x * sw + shift
            low, high = _columns(shift, sw, source.grid[1], result.grid[1])
            if inside is None:
                low = high = 0
            start = low * sw + shift
            sources = slice(start, start + (high - low - 1) * sw + 1, sw) if high > low else slice(0, 0)
            yield Tap(ky * kw + kx, inside, slice(low, high), sources)


def reads(window: Window, source: Layout, result: Layout) -> int:
    """Pairs of output pixel and window position that fall inside the map: what a kernel that skips padding visits."""
    rows = [
        sum(0 <= y * window.stride[0] - window.padding[0] + k * window.dilation[0] < source.grid[0] for y in range(rows_out))
        for rows_out in (result.grid[0],)
        for k in range(window.kernel[0])
    ]
    columns = [
        high - low
        for k in range(window.kernel[1])
        for low, high in [
            _columns(k * window.dilation[1] - window.padding[1], window.stride[1], source.grid[1], result.grid[1])
        ]
    ]
    return sum(rows) * sum(columns)


def inside(window: Window, source: Layout, result: Layout) -> int:
    """Output pixels whose whole window lies in the map, so that no position sees padding."""
    counts = [
        sum(k * stride - before >= 0 and k * stride - before + (positions - 1) * dilation < size for k in range(outputs))
        for outputs, size, positions, stride, before, dilation in zip(
            result.grid[:2],
            source.grid[:2],
            window.kernel,
            window.stride,
            window.padding[:2],
            window.dilation,
            strict=True,
        )
    ]
    return counts[0] * counts[1]


def _columns(shift: int, stride: int, width: int, outputs: int) -> tuple[int, int]:
    """Outputs low ... high - 1 whose source x * stride + shift lies in 0 ... width - 1."""
    low = min(max(0, -(shift // stride)), outputs)  # ceil(-shift / stride)
    high = min(outputs, (width - 1 - shift) // stride + 1)
    return low, max(low, high)
