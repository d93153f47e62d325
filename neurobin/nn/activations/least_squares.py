"""Least-squares activations (Pouransari et al. 2020, arXiv 2001.02786, secs. 3 and 4): two planes with the best scales.

x is clamped to [-3, 3] and y = v_1 s_1 + v_2 s_2 with s_1 = sign(x), s_2 = sign(x - v_1 s_1). The rules for v:
- ls2: the two values of |x|, v_1 - v_2 and v_1 + v_2, are the means of its best two clusters
- lsT: v_1 = v_2 = v, the values -2v, 0, +2v, a ternary code
- greedy: v_1 = mean |x|, v_2 = mean of | |x| - v_1 |

While training, every image has its own v, constant in the backward pass, found from about SAMPLES of its values, taken in
steps that share no factor with the map, so that every row and column is met. A running mean with momentum 0.99 serves at
progress 1 and in evaluation, which the paper offers as an option: its released networks compute v for every image at
inference too, which no threshold can absorb.
v_2 / v_1 is kept on a grid of 1/64 (see `levels`).

Gradient: through the clamp and both signs, each with the estimator at its own input, x and x - v_1 s_1.
"""

from __future__ import annotations

from math import gcd, prod

import numpy as np
import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.ir import TERNARY, Builder, Encoding
from neurobin.nn.activations.levels import GRID, LEAST, plane_type, write
from neurobin.nn.bases import best_kept, two_clusters
from neurobin.nn.channels import per_filter
from neurobin.nn.estimators import CLIPPED, Estimator, substitute
from neurobin.nn.steps import sign

LIMIT = 3.0
SAMPLES = 2048
MOMENTUM = 0.99
# the optimum for a standard normal x, where the running mean starts
NORMAL = {"ls2": (0.9816, 0.5288), "lsT": (0.6120, 0.6120), "greedy": (0.7979, 0.4827)}


class LeastSquaresActivation(nn.Module):
    """[N, C, ...] -> 4 values, or 3 with rule "lsT". Raises UsageError for another rule."""

    progress = 1.0
    average: Tensor

    def __init__(self, channels: int, rule: str = "ls2", estimator: Estimator = CLIPPED) -> None:
        super().__init__()
        if rule not in NORMAL:
            raise UsageError(f"unknown least-squares rule {rule!r}", hint=", ".join(NORMAL))
        self.rule = rule
        self.estimator = estimator
        self.register_buffer("average", torch.tensor(NORMAL[rule]))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.clamp(x, -LIMIT, LIMIT)
        scales = self.average
        if self.training and self.progress < 1:
            scales = self._fitted(x.detach())
            self.average.mul_(MOMENTUM).add_(scales.mean(0), alpha=1 - MOMENTUM)
        first, second = (per_filter(v.to(x.dtype), x) for v in self._on_grid(scales))
        plane = first * substitute(x, sign(x), self.estimator, self.progress)
        rest = x - plane
        return plane + second * substitute(rest, sign(rest), self.estimator, self.progress)

    def _fitted(self, x: Tensor) -> Tensor:
        """The scales of every sample, [N, 2]."""
        values = x.flatten(1).to(self.average.dtype).abs()
        values = values[:, :: _stride(values.shape[1], prod(x.shape[2:]))]
        if self.rule == "lsT":
            v = best_kept(values) / 2
            return torch.stack([v, v], 1)
        if self.rule == "ls2":
            low, high = two_clusters(values)
            return torch.stack([low + high, high - low], 1) / 2
        mean = values.mean(1)
        return torch.stack([mean, (values - mean[:, None]).abs().mean(1)], 1)

    def _on_grid(self, scales: Tensor) -> tuple[Tensor, Tensor]:
        """v_1 and v_2 of scales [..., 2]; v_2 below v_1 by whole steps, so that the four values ascend as the codes do."""
        first = scales[..., 0].clamp(min=LEAST)
        return first, first if self.rule == "lsT" else first / GRID * self._ratio(scales)

    def _ratio(self, scales: Tensor) -> Tensor:
        return torch.round(GRID * scales[..., 1] / scales[..., 0].clamp(min=LEAST)).clamp(1, GRID - 1)

    def emit(self, b: Builder, *inputs: str) -> str:
        v = self._on_grid(self.average)[0].item()
        if self.rule == "lsT":
            return write(b, inputs, thresholds=np.array([-v, v]), dtype=TERNARY, scale=2 * v)
        dtype, common = plane_type(Encoding.BIPOLAR, (GRID, int(self._ratio(self.average))))
        return write(b, inputs, thresholds=np.array([-v, 0.0, v]), dtype=dtype, scale=common * v / GRID)

    def extra_repr(self) -> str:
        return f"rule={self.rule}, estimator={self.estimator}"


def _stride(values: int, places: int) -> int:
    """The step through [C, H, W] values that leaves about SAMPLES of them and passes all `places` H W alike."""
    step = max(round(values / SAMPLES), 1)
    while gcd(step, places) > 1:
        step += 1
    return step
