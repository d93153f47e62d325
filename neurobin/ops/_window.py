"""Geometry of sliding windows over [H, W, C] maps: output sizes and patches, for convolutions and pools alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.errors import GraphError

MAX_REACH = 2**20  # of kernel, stride, padding and dilation; larger ones are a damaged file


@dataclass(frozen=True)
class Window:
    """Kernel (kh, kw), stride, padding (top, left, bottom, right) and dilation of a sliding window."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]

    def output(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """(OH, OW) for a map of `shape` (H, W, C). Raises GraphError when nothing remains."""
        if len(shape) != 3:
            raise GraphError(f"expected a map (H, W, C), got shape {shape}")
        if min(*self.kernel, *self.stride, *self.dilation) < 1 or min(self.padding) < 0:
            raise GraphError(f"kernel, stride and dilation are at least 1 and padding at least 0, got {self}")
        if max(*self.kernel, *self.stride, *self.dilation, *self.padding) > MAX_REACH:
            raise GraphError(f"kernel, stride, padding and dilation are at most {MAX_REACH}, got {self}")
        top, left, bottom, right = self.padding
        reach = [d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]
        height = (shape[0] + top + bottom - reach[0]) // self.stride[0] + 1
        width = (shape[1] + left + right - reach[1]) // self.stride[1] + 1
        if height < 1 or width < 1:
            raise GraphError(f"window of reach {reach[0]}x{reach[1]} is larger than the padded map of {shape}")
        return height, width

    def patches(self, maps: np.ndarray, fill: int | float | np.ndarray) -> np.ndarray:
        """View [N, OH, OW, KH, KW, C] of `maps` [N, H, W, C], padded with `fill` (a scalar or [C])."""
        top, left, bottom, right = self.padding
        n, h, w, c = maps.shape
        if any(self.padding):
            padded = np.empty((n, h + top + bottom, w + left + right, c), dtype=maps.dtype)
            padded[...] = fill
            padded[:, top : top + h, left : left + w] = maps
            maps = padded
        (kh, kw), (sh, sw), (dh, dw) = self.kernel, self.stride, self.dilation
        reach = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
        windows = np.lib.stride_tricks.sliding_window_view(maps, reach, axis=(1, 2))  # [N, OH', OW', C, KH', KW']
        return windows[:, ::sh, ::sw, :, ::dh, ::dw].transpose(0, 1, 2, 4, 5, 3)

    def misses(self, shape: tuple[int, ...]) -> bool:
        """True when some window reads padding only on a map of `shape` (H, W, C)."""
        counts = self.output(shape)
        return any(
            # a window from p < 0 on reads p, p + d, ...: its first tap at or beyond 0 is p mod d; one from 0 on reads p
            any(p % d >= size or p + d * (k - 1) < p % d for p in range(-before, min(0, (count - 1) * s - before + 1), s))
            or (count - 1) * s - before >= size
            for size, k, s, d, before, count in zip(
                shape, self.kernel, self.stride, self.dilation, self.padding, counts, strict=False
            )
        )

    @property
    def taps(self) -> int:
        return self.kernel[0] * self.kernel[1]
