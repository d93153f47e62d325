"""torch in float32: oneDNN convolutions and MKL or OpenBLAS products of +-1.0, the peer that everybody has."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.bireal18 import Parameters
from benchmarks.contender import Contender, Peer, fastest
from benchmarks.peers import _torch, _torch_bireal18
from benchmarks.workloads import ConvSpec, GemmSpec


class TorchFp32(Peer):
    name = "torch fp32"

    def conv(self, spec: ConvSpec, x: np.ndarray, w: np.ndarray) -> Contender:
        last, weights = _torch.images(x), _torch.filters(w)
        last_weights, first = weights.contiguous(memory_format=torch.channels_last), last.contiguous()
        calls: dict[str, Callable[[], Tensor]] = {
            "channels_last": lambda: functional.conv2d(last, last_weights, padding=1),
            "contiguous": lambda: functional.conv2d(first, weights, padding=1),
        }
        if torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
            calls["channels_last with weights reordered beforehand"] = reordered(last, weights)
        return self._fastest("conv2d", calls)

    def gemm(self, spec: GemmSpec, a: np.ndarray, b: np.ndarray) -> Contender:
        left, right = (torch.from_numpy(matrix.astype(np.float32)) for matrix in (a, b))
        transposed, product = right.T.contiguous(), torch.empty(spec.m, spec.n)
        calls: dict[str, Callable[[], Tensor]] = {
            "b as [n, k]": lambda: torch.mm(left, right.T, out=product),
            "b as [k, n]": lambda: torch.mm(left, transposed, out=product),
        }
        return self._fastest("matrix product", calls)

    def network(self, parameters: Parameters, image: np.ndarray) -> Contender:
        first = _torch_bireal18.network(parameters)
        last = _torch_bireal18.network(parameters).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        pixels = _torch.images(image)
        planes = pixels.contiguous()
        calls = {"channels_last": lambda: last(pixels), "contiguous": lambda: first(planes)}
        return self._fastest("Bi-Real Net 18, eager, signs as floats", calls, lambda logits: logits[0].numpy())

    def _fastest(
        self,
        what: str,
        calls: dict[str, Callable[[], Tensor]],
        convert: Callable[[Tensor], np.ndarray] = _torch.integers,
    ) -> Contender:
        variants = {}
        for key, call in calls.items():
            run = _torch.on_threads(call, self.threads)
            variants[key] = Contender(key, "", run, lambda run=run: convert(run()))  # type: ignore[misc]
        return fastest(self.name, _torch.description(f"{what} in float32", self.threads), variants)


def reordered(x: Tensor, w: Tensor) -> Callable[[], Tensor]:
    """A convolution whose weights are in oneDNN's own layout before the clock starts, as torch.compile does."""
    geometry = ([1, 1], [1, 1], [1, 1], 1)  # padding, stride, dilation, groups
    weights = torch.ops.mkldnn._reorder_convolution_weight(w, *geometry, list(x.shape))
    return lambda: torch.ops.mkldnn._convolution_pointwise(x, weights, None, *geometry, "none", [], "")
