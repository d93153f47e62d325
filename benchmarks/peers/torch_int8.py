"""torch.ao.nn.quantized's kernels with engine onednn and prepacked weights: the hard peer, it uses AMX where the CPU has it.

Activations are unsigned 8-bit (+-1 as 0 and 2 with zero point 1, so that the padding is a true zero), weights signed 8-bit,
outputs unsigned 8-bit: see Requantisation for what they must be.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from benchmarks.contender import Contender, Peer
from benchmarks.peers import _torch
from benchmarks.requantise import requantisation
from benchmarks.workloads import ConvSpec, GemmSpec

ENGINE = "onednn"


class TorchInt8(Peer):
    name = "torch int8"

    def missing(self) -> str:
        if ENGINE in torch.backends.quantized.supported_engines:
            return ""
        return (
            f"torch {torch.__version__} has no quantized engine {ENGINE} here: pip install torch (for x86-64 or ARM64 Linux)"
        )

    def conv(self, spec: ConvSpec, x: np.ndarray, w: np.ndarray) -> Contender:
        with onednn():
            packed = torch.ops.quantized.conv2d_prepack(_signed(_torch.filters(w)), None, [1, 1], [1, 1], [1, 1], 1)
            pixels = _unsigned(_torch.images(x))
        return self._contender(torch.ops.quantized.conv2d, pixels, packed, spec)

    def gemm(self, spec: GemmSpec, a: np.ndarray, b: np.ndarray) -> Contender:
        with onednn():
            packed = torch.ops.quantized.linear_prepack(_signed(torch.from_numpy(b.astype(np.float32))), None)
            rows = _unsigned(torch.from_numpy(a.astype(np.float32)))
        return self._contender(torch.ops.quantized.linear, rows, packed, spec)

    def _contender(self, op: Callable[..., Tensor], x: Tensor, packed: object, spec: ConvSpec | GemmSpec) -> Contender:
        to_uint8 = requantisation(spec.terms)
        run = _torch.on_threads(lambda: op(x, packed, to_uint8.scale, to_uint8.zero_point), self.threads)
        what = f"quantized::{op.__name__}, engine {ENGINE}, prepacked, u8 x s8 -> u8, AMX where the CPU has it"
        return Contender(
            self.name,
            _torch.description(what, self.threads),
            run,
            lambda: _torch.integers(run().int_repr()),
            to_uint8,
        )


@contextmanager
def onednn() -> Iterator[None]:
    """Pack for the engine onednn, then leave the process as it was."""
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = ENGINE
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "torch.quantize_per_tensor", UserWarning)  # deprecated, and still the way in
            yield
    finally:
        torch.backends.quantized.engine = before


def _signed(values: Tensor) -> Tensor:
    return torch.quantize_per_tensor(values, 1.0, 0, torch.qint8)


def _unsigned(values: Tensor) -> Tensor:
    return torch.quantize_per_tensor(values, 1.0, 1, torch.quint8)
