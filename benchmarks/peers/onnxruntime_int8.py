"""ONNX Runtime on 8-bit integers: unsigned activations (+-1 as 0 and 2 with zero point 1), signed weights.

QLinearConv and QLinearMatMul write unsigned 8-bit outputs (see Requantisation), MatMulInteger the exact sums.
"""

from __future__ import annotations

import numpy as np

from benchmarks.contender import Contender, Peer, fastest
from benchmarks.peers import _onnx_session
from benchmarks.peers._onnx_session import DOMAIN, Workload, integers, node, pixels, planes
from benchmarks.requantise import Requantisation, requantisation
from benchmarks.workloads import ConvSpec, GemmSpec

QUANTIZED = ("x", "x_scale", "x_zero", "w", "w_scale", "w_zero", "y_scale", "y_zero")
X_ZERO = np.asarray(1, np.uint8)


class OnnxRuntimeInt8(Peer):
    name = "onnxruntime int8"

    def missing(self) -> str:
        return _onnx_session.missing()

    def conv(self, spec: ConvSpec, x: np.ndarray, w: np.ndarray) -> Contender:
        to_uint8 = requantisation(spec.terms)
        constants = _constants(planes(w, np.int8), to_uint8)
        nhwc = (x + 1).astype(np.uint8)
        nchw = planes(nhwc, np.uint8)
        standard = node("QLinearConv", *QUANTIZED, kernel_shape=[3, 3], pads=[1] * 4)
        own = node("QLinearConv", *QUANTIZED, kernel_shape=[3, 3], pads=[1] * 4, domain=DOMAIN, channels_last=1)
        first = Workload([standard], constants, nchw, nchw.shape, np.uint8)
        last = Workload([own], constants, nhwc, nhwc.shape, np.uint8)
        variants = {
            "NCHW": first.contender("", "", self.threads, pixels, to_uint8),
            "NHWC": last.contender("", "", self.threads, integers, to_uint8),
        }
        return fastest(self.name, _onnx_session.description("QLinearConv u8 x s8 -> u8", self.threads), variants)

    def gemm(self, spec: GemmSpec, a: np.ndarray, b: np.ndarray) -> Contender:
        to_uint8 = requantisation(spec.terms)
        weights, rows, shape = np.ascontiguousarray(b.T), (a + 1).astype(np.uint8), (spec.m, spec.n)
        linear = Workload([node("QLinearMatMul", *QUANTIZED)], _constants(weights, to_uint8), rows, shape, np.uint8)
        exact = Workload(
            [node("MatMulInteger", "x", "w", "x_zero")], {"w": weights, "x_zero": X_ZERO}, rows, shape, np.int32
        )
        variants = {
            "QLinearMatMul -> u8": linear.contender("", "", self.threads, integers, to_uint8),
            "MatMulInteger -> int32": exact.contender("", "", self.threads, integers),
        }
        return fastest(self.name, _onnx_session.description("u8 x s8", self.threads), variants)


def _constants(w: np.ndarray, to_uint8: Requantisation) -> dict[str, np.ndarray]:
    one = np.asarray(1, np.float32)
    return {
        "w": w,
        "x_scale": one,
        "x_zero": X_ZERO,
        "w_scale": one,
        "w_zero": np.asarray(0, np.int8),
        "y_scale": np.asarray(to_uint8.scale, np.float32),
        "y_zero": np.asarray(to_uint8.zero_point, np.uint8),
    }
