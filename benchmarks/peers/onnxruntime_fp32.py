"""ONNX Runtime in float32: its own blocked convolutions and matrix products (MLAS) of +-1.0."""

from __future__ import annotations

import numpy as np

from benchmarks.bireal18 import CLASSES, Parameters
from benchmarks.contender import Contender, Peer
from benchmarks.peers import _onnx_bireal18, _onnx_session
from benchmarks.peers._onnx_session import Workload, integers, node, pixels, planes
from benchmarks.workloads import ConvSpec, GemmSpec


class OnnxRuntimeFp32(Peer):
    name = "onnxruntime fp32"

    def missing(self) -> str:
        return _onnx_session.missing()

    def conv(self, spec: ConvSpec, x: np.ndarray, w: np.ndarray) -> Contender:
        conv = node("Conv", "x", "w", kernel_shape=[3, 3], pads=[1] * 4)
        work = Workload([conv], {"w": planes(w)}, planes(x), planes(x).shape)
        return work.contender(self.name, "Conv in float32, NCHW in and out", self.threads, pixels)

    def gemm(self, spec: GemmSpec, a: np.ndarray, b: np.ndarray) -> Contender:
        weights = np.ascontiguousarray(b.T, np.float32)
        work = Workload([node("MatMul", "x", "w")], {"w": weights}, a.astype(np.float32), (spec.m, spec.n))
        return work.contender(self.name, "MatMul in float32", self.threads, integers)

    def network(self, parameters: Parameters, image: np.ndarray) -> Contender:
        work = Workload(_onnx_bireal18.nodes(), parameters, planes(image), (1, CLASSES))
        what = "Bi-Real Net 18 in float32, signs as floats"
        return work.contender(self.name, what, self.threads, lambda logits: logits[0].copy())
