"""`Work`: what an op asks of any machine, as additive counts without joules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from neurobin.ir.dtype import DType


@dataclass(frozen=True)
class WorkKey:
    """A kind of elementary operation and the element types it works on (`weight` is None where there is none)."""

    kind: str
    activation: DType
    weight: DType | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.activation}" + (f" x {self.weight}" if self.weight is not None else "")


@dataclass(frozen=True)
class Work:
    """Counts per inference: operations keyed by kind and operand types, and bits moved if nothing were cached.

    `mac` counts multiply-accumulates of logical elements (zeros and padding taps included, as on dense hardware).
    """

    counts: Mapping[WorkKey, int] = field(default_factory=dict)
    bits_read: int = 0
    bits_written: int = 0
    bits_weights: int = 0

    def __add__(self, other: Work) -> Work:
        counts = dict(self.counts)
        for key, count in other.counts.items():
            counts[key] = counts.get(key, 0) + count
        return Work(
            counts,
            self.bits_read + other.bits_read,
            self.bits_written + other.bits_written,
            self.bits_weights + other.bits_weights,
        )

    def total(self, kind: str) -> int:
        """Operations of one kind over all operand types."""
        return sum(count for key, count in self.counts.items() if key.kind == kind)
