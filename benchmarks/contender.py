"""What can be timed: a Contender is one workload prepared by one library, a Peer is a library that prepares them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from benchmarks.bireal18 import Parameters
from benchmarks.timing import race
from benchmarks.workloads import ConvSpec, GemmSpec
from neurobin.errors import MismatchError, UnsupportedError


def unchanged(sums: np.ndarray) -> np.ndarray:
    return sums


@dataclass(frozen=True)
class Contender:
    """A workload, ready to run: weights are packed, buffers exist, `run` does the work and nothing else.

    `output` is int32 [N, H, W, C] for a convolution and [m, n] for a GEMM, float32 [classes] for a network; `expected` says
    what it must be, given the exact int32 sums: they themselves, or what the library's 8-bit output makes of them.
    `run` may have `turn(repeats)` (timing.Turns) to measure itself in another process.
    """

    name: str
    description: str  # versions, threads, what the path really is
    run: Callable[[], object]
    output: Callable[[], np.ndarray]
    expected: Callable[[np.ndarray], np.ndarray] = unchanged


class Peer:
    """A library on `threads` threads; it prepares the workloads that it can do, the others raise UnsupportedError."""

    name: ClassVar[str]

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads

    def missing(self) -> str:
        """Why it cannot run here and the command that installs it; empty when it can."""
        return ""

    def conv(self, spec: ConvSpec, x: np.ndarray, w: np.ndarray) -> Contender:
        """3x3, stride 1, zero padding 1; x [N, H, W, C] and w [O, 3, 3, C] are +-1 in int8."""
        raise UnsupportedError(f"has no convolution ({spec.name})", where=self.name)

    def gemm(self, spec: GemmSpec, a: np.ndarray, b: np.ndarray) -> Contender:
        """a [m, k] times b [n, k] transposed, both +-1 in int8; b is constant."""
        raise UnsupportedError(f"has no matrix product ({spec.name})", where=self.name)

    def network(self, parameters: Parameters, image: np.ndarray) -> Contender:
        """Bi-Real Net 18 on one image, float32 [1, 224, 224, 3]."""
        raise UnsupportedError("does not run whole networks", where=self.name)

    def close(self) -> None:
        """End the processes that it started."""


@dataclass(frozen=True)
class Entries:
    """Contenders for one workload by name, and why the other peers do not run it."""

    contenders: Mapping[str, Contender]
    absent: Mapping[str, str]


def enter(peers: Iterable[Peer], prepare: Callable[[Peer], Contender]) -> Entries:
    """Prepare one workload with every peer: `enter(peers, lambda peer: peer.conv(spec, x, w))`."""
    contenders: dict[str, Contender] = {}
    absent: dict[str, str] = {}
    for peer in peers:
        if reason := peer.missing():
            absent[peer.name] = reason
            continue
        try:
            contenders[peer.name] = prepare(peer)
        except UnsupportedError as error:
            absent[peer.name] = error.what
    return Entries(contenders, absent)


def fastest(name: str, description: str, variants: Mapping[str, Contender]) -> Contender:
    """The quickest of several ways that a library offers for the same work; its description names the choice."""
    timings = race({key: variant.run for key, variant in variants.items()}, rounds=3, min_batch_s=0.01)
    best = min(variants, key=lambda key: timings[key].wall_s.minimum)
    return replace(variants[best], name=name, description=f"{description}; {best}, the fastest of: {', '.join(variants)}")


def check(contender: Contender, sums: np.ndarray) -> None:
    """Raise MismatchError unless the contender computes what the exact int32 sums say."""
    got, wanted = contender.output(), contender.expected(sums)
    if got.shape != wanted.shape:
        raise MismatchError(f"shape {got.shape}, expected {wanted.shape}", where=contender.name)
    if wrong := int((got != wanted).sum()):
        raise MismatchError(f"{wrong} of {wanted.size} integers differ from the exact sums", where=contender.name)
