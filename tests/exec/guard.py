"""Plans whose memory is watched: marked bytes around every tensor and buffer, which no step may write.

Tensors get bytes of their own, and these begin as marks too, as if another tensor had lain there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch

import numpy as np

from neurobin.exec.plan import instance, plan
from neurobin.exec.plan.memory import LINE_BYTES, Lifetime

GAP = 1 << 13  # bytes around everything
MARK = 0xA5


@dataclass
class Watch:
    """Memory that nothing may have written."""

    forbidden: list[np.ndarray] = field(default_factory=list)
    between: list[tuple[int, int]] = field(default_factory=list)  # gaps of the arena that is made next

    def broken(self) -> int:
        """Bytes written that belong to no tensor and to no buffer."""
        return sum(int((part != MARK).sum()) for part in self.forbidden)

    def lined(self, size: int) -> np.ndarray:
        """`lined`, with marks before and behind."""
        whole = _lined(2 * GAP + size)
        for part in (whole[:GAP], whole[GAP + size :]):
            part[:] = MARK
            self.forbidden.append(part)
        return whole[GAP : GAP + size]

    def allocate(self, lifetimes: Mapping[str, Lifetime]) -> tuple[dict[str, int], int]:
        """`allocate`, in which no tensors share bytes and none are neighbours."""
        offsets, end = {}, 0
        self.between = []
        for name, life in sorted(lifetimes.items()):
            offsets[name] = end + GAP
            self.between.append((end, end + GAP))
            end += GAP + -(-life.size // LINE_BYTES) * LINE_BYTES
        self.between.append((end, end + GAP))
        return offsets, end + GAP


_lined, _Instance = instance.lined, instance.Instance


@contextmanager
def watched() -> Iterator[Watch]:
    """Plans made in this block are watched."""
    watch = Watch()

    class Watched(_Instance):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)  # type: ignore[arg-type]
            self._arena[:] = MARK
            watch.forbidden += [self._arena[start:stop] for start, stop in watch.between]

    with (
        patch.object(instance, "lined", watch.lined),
        patch.object(plan, "lined", watch.lined),
        patch.object(instance, "allocate", watch.allocate),
        patch.object(plan, "Instance", Watched),
    ):
        yield watch
