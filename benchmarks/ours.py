"""Our executor as a contender: the same operands as the peers', as a graph of one layer, or Bi-Real Net 18 in integers."""

from __future__ import annotations

import numpy as np

from benchmarks.bireal18 import Parameters
from benchmarks.bireal18_graph import network, pixels
from benchmarks.contender import Contender, Peer
from benchmarks.workloads import ConvSpec, GemmSpec
from neurobin.errors import UnsupportedError
from neurobin.exec.kernels.machine import backend
from neurobin.exec.plan.plan import Plan
from neurobin.ir import BIPOLAR, Builder, Constant, Graph, TensorType
from neurobin.ops.bit_conv2d import BitConv2d
from neurobin.ops.bit_dense import BitDense


def conv_graph(x: np.ndarray, w: np.ndarray) -> Graph:
    """A 3x3 convolution of stride 1 and padding 1 of maps like `x` [N, H, W, C] with `w` [O, 3, 3, C], +-1."""
    b = Builder({"x": TensorType(x.shape[1:], BIPOLAR)})
    return b.graph(b.add(BitConv2d(Constant(BIPOLAR, w), padding=(1, 1, 1, 1)), "x"))


def gemm_graph(w: np.ndarray) -> Graph:
    """Rows of +-1 times `w` [n, k], transposed."""
    b = Builder({"x": TensorType(w.shape[1:], BIPOLAR)})
    return b.graph(b.add(BitDense(Constant(BIPOLAR, w)), "x"))


class Neurobin(Peer):
    """One back end. Inputs are bytes in memory, as the peers' are; outputs are the exact sums in 16 bits."""

    def __init__(self, threads: int = 1, back_end: str = "") -> None:
        super().__init__(threads)
        try:
            self.back_end = backend(back_end or None)
            self._missing = ""
        except UnsupportedError as error:
            self._missing = error.what
        self.name = f"neurobin {back_end or self.back_end.name}"  # type: ignore[misc]

    def missing(self) -> str:
        return self._missing

    def conv(self, spec: ConvSpec, x: np.ndarray, w: np.ndarray) -> Contender:
        return self._contender(conv_graph(x, w), x)

    def gemm(self, spec: GemmSpec, a: np.ndarray, b: np.ndarray) -> Contender:
        return self._contender(gemm_graph(b), a)

    def network(self, parameters: Parameters, image: np.ndarray) -> Contender:
        return self._contender(
            network(), pixels(image), "deployed integers: 8-bit stem and shortcuts' convolutions, 16-bit maps; "
        )

    def _contender(self, graph: Graph, x: np.ndarray, what: str = "") -> Contender:
        bound = Plan(graph, self.back_end).bind(len(x), self.threads)
        bound.input[...] = x

        def output() -> np.ndarray:
            bound.run()
            return bound.output.astype(np.int32)

        threads = f"{self.threads} thread" + "s" * (self.threads > 1)
        return Contender(self.name, f"{what}back end {self.back_end.name}, {threads}", bound.run, output)
