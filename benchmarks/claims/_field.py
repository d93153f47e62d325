"""The starting field: our back ends and all peers on a number of threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.contender import Peer
from benchmarks.ours import Neurobin
from benchmarks.peers import PEERS
from neurobin.exec.kernels.machine import BACKENDS, NUMPY, available

OURS = tuple(f"neurobin {b.name}" for b in BACKENDS if b is not NUMPY)


@contextmanager
def field_of(threads: int, ours: Sequence[str] | None = None, peers: Sequence[str] | None = None) -> Iterator[list[Peer]]:
    """Our back ends (all that this machine has, or those named) and the peers (all, or those named)."""
    mine = [Neurobin(threads, b.name) for b in available() if b is not NUMPY and (ours is None or b.name in ours)]
    others = [peer(threads) for peer in PEERS if peers is None or peer.name in peers]
    try:
        yield [*mine, *others]
    finally:
        for peer in others:
            peer.close()
