"""Element-wise logic of two single-bit maps: the shortcuts of boolean networks (BoolNet). True is the larger value, 1.

On -1 and +1, xnor is the product, or the maximum, and the minimum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.errors import GraphError
from neurobin.exec.kernels import Elementwise, Lane, Lanes
from neurobin.ir import BINARY, BIPOLAR, BitTensor, Op, Packed, TensorType, Work, pack_bits, tally

KINDS = ("xnor", "or", "and")


@dataclass(frozen=True)
class Logic(Op):
    """Two maps of one shape, both bipolar or both binary -> the same type. Packed, it works on whole words."""

    kind: str

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        if self.kind not in KINDS:
            raise GraphError(f"the kind of logic is one of {', '.join(KINDS)}, got {self.kind!r}")
        if a != b or a.dtype not in (BIPOLAR, BINARY):
            raise GraphError(f"expected two bipolar or two binary tensors of one shape, got {a} and {b}")
        return a

    def reference(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        if self.kind == "xnor":
            return np.where(a == b, 1, np.minimum(a, b))
        return np.maximum(a, b) if self.kind == "or" else np.minimum(a, b)

    def packed(self, a: Packed, b: Packed) -> Packed:
        left, right = a.bits().planes, b.bits().planes
        if self.kind == "xnor":
            words = ~(left ^ right) & pack_bits(np.ones(a.shape[-1], np.uint8))  # bits beyond the channels stay 0
        else:
            words = left | right if self.kind == "or" else left & right
        return BitTensor(words, None, a.shape, a.dtype)

    def native(self, a: TensorType, b: TensorType) -> Elementwise:
        return Elementwise(self._lanes)

    def _lanes(self, at: Lanes, a: Lane, b: Lane) -> Lane:
        if self.kind == "xnor":
            return a.compare("eq", b).choose(at.number(1), a.minimum(b))
        return a.maximum(b) if self.kind == "or" else a.minimum(b)

    def work(self, a: TensorType, b: TensorType) -> Work:
        return tally("logic", a.size, (a, b), self.infer(a, b))
