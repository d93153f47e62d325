"""Binary convolutions and matrix products to time: shapes, random +-1 operands, and their exact int32 sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def signs(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Random +-1, int8."""
    return (2 * rng.integers(0, 2, shape) - 1).astype(np.int8)


@dataclass(frozen=True)
class ConvSpec:
    """3x3, stride 1, zero padding 1, as many filters as channels, on maps of size x size."""

    channels: int
    size: int
    batch: int = 1

    @property
    def name(self) -> str:
        return f"conv {self.channels}@{self.size}" + (f" batch {self.batch}" if self.batch > 1 else "")

    @property
    def terms(self) -> int:
        """Products in one sum."""
        return 9 * self.channels

    @property
    def macs(self) -> int:
        """Multiply-accumulates, those on the padding included, as is usual."""
        return self.batch * self.size**2 * self.channels * self.terms

    def operands(self, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """x [N, H, W, C] and w [O, 3, 3, C], +-1 in int8."""
        rng = np.random.default_rng(seed)
        x = signs(rng, (self.batch, self.size, self.size, self.channels))
        return x, signs(rng, (self.channels, 3, 3, self.channels))


@dataclass(frozen=True)
class GemmSpec:
    """[m, k] times [n, k] transposed."""

    m: int
    n: int
    k: int

    @property
    def name(self) -> str:
        return f"gemm {self.m}x{self.n}x{self.k}"

    @property
    def terms(self) -> int:
        """Products in one sum."""
        return self.k

    @property
    def macs(self) -> int:
        return self.m * self.n * self.k

    def operands(self, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """a [m, k] and b [n, k], +-1 in int8."""
        rng = np.random.default_rng(seed)
        return signs(rng, (self.m, self.k)), signs(rng, (self.n, self.k))


STAGES = (ConvSpec(64, 56), ConvSpec(128, 28), ConvSpec(256, 14), ConvSpec(512, 7))  # of a ResNet-18 at 224x224
GEMM = GemmSpec(4096, 4096, 4096)


def gemm_sums(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """int32 [m, n]; float32 holds every integer up to 2**24, more than any k here."""
    return (a.astype(np.float32) @ b.astype(np.float32).T).astype(np.int32)


def conv_sums(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """int32 [N, H, W, O]: one matrix product per tap of the filter."""
    batch, height, width, _ = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    sums = np.zeros((batch * height * width, len(w)), np.int32)
    for row in range(3):
        for column in range(3):
            window = padded[:, row : row + height, column : column + width]
            sums += gemm_sums(window.reshape(len(sums), -1), w[:, row, column])
    return sums.reshape(batch, height, width, len(w))
