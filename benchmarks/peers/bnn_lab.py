"""bnn-lab: a C kernel of xor and popcount with scalar, AVX2, AVX-512 and NEON paths, for matrix products only."""

from __future__ import annotations

import numpy as np

from benchmarks.contender import Contender
from benchmarks.environments import BNN_LAB
from benchmarks.peers._elsewhere import Elsewhere
from benchmarks.workloads import GemmSpec


class BnnLab(Elsewhere):
    name = "bnn-lab"
    environment = BNN_LAB
    module = "benchmarks.servers.bnn_lab"

    def gemm(self, spec: GemmSpec, a: np.ndarray, b: np.ndarray) -> Contender:
        return self.worker.build(self.name, "gemm", {"a": a, "b": b})
