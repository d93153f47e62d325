"""Larq Compute Engine, the field's own engine, once as its interpreter comes and once with its options turned on.

Away from ARM64 both run portable C++: a plain triple loop by default (bgemm/kernels.h, kStandardCpp), tiles of 4x2 sums with
the indirect BGEMM (indirect_bgemm/kernel_4x2_portable.h), which is several times as fast on one thread and has no threads
(indirect_bgemm/kernel.h, Dispatch). Whoever names a ratio to this engine says which of the two it is.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from benchmarks.bireal18 import Parameters
from benchmarks.contender import Contender
from benchmarks.environments import LARQ
from benchmarks.peers._elsewhere import Elsewhere
from benchmarks.workloads import ConvSpec, GemmSpec


class Larq(Elsewhere):
    """With the indirect BGEMM, and XNNPACK for real layers."""

    name = "larq tuned"
    tuned: ClassVar[bool] = True
    environment = LARQ
    module = "benchmarks.servers.larq"

    def conv(self, spec: ConvSpec, x: np.ndarray, w: np.ndarray) -> Contender:
        return self._build("conv", {"x": x, "w": w})

    def gemm(self, spec: GemmSpec, a: np.ndarray, b: np.ndarray) -> Contender:
        return self._build("gemm", {"a": a, "b": b})

    def network(self, parameters: Parameters, image: np.ndarray) -> Contender:
        """Its zoo's own Bi-Real Net 18: TensorFlow pads otherwise, so these parameters would mean another network."""
        return self._build("network", {"image": image})

    def _build(self, workload: str, arrays: dict[str, np.ndarray]) -> Contender:
        return self.worker.build(self.name, workload, arrays, {"tuned": self.tuned})


class LarqDefault(Larq):
    """As the interpreter comes."""

    name = "larq default"
    tuned = False
