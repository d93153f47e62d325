"""Real first, quantized later: the stages that papers train activations in, within one run.

y = f_i(x) in the stage i of the training, f_i a real function, and y = q(x) behind the last stage and at inference. ReActNet
and Real-to-Binary begin with real activations; Bi-Real Net (arXiv 1808.00278, README of its code) goes from ReLU to a leaky
clip and a clip before it binarizes.

Gradient: that of the function which acts, and the quantizer's own behind the last stage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.ir import Builder
from neurobin.nn.emit import Emits
from neurobin.nn.printed import name_of

Function = Callable[[Tensor], Tensor]


def leaky_clip(x: Tensor) -> Tensor:
    """x within [-1, 1], and a tenth of the slope outside."""
    inside = torch.clamp(x, -1, 1)
    return inside + 0.1 * (x - inside)


class StagedActivation(nn.Module):
    """`stages` are pairs (until, function): while progress < until, training applies that real function to [N, C, ...].

    Afterwards, and always in evaluation, the quantizer made by `quantizer(channels)` acts.
    Raises UsageError unless the limits ascend within (0, 1] and every function has a name of its own.
    """

    progress = 1.0

    def __init__(self, channels: int, quantizer: Callable[[int], Emits], stages: Sequence[tuple[float, Function]]) -> None:
        super().__init__()
        limits = [until for until, _ in stages]
        if any(low >= high for low, high in zip([0.0, *limits], [*limits, 2.0], strict=True)) or max(limits, default=0) > 1:
            raise UsageError(f"stages end at ascending shares of the training within (0, 1], got {limits}")
        self.stages = tuple(stages)
        self.names = tuple(f"{name_of(function)} until {until}" for until, function in stages)
        self.quantizer = quantizer(channels)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            for until, function in self.stages:
                if self.progress < until:
                    return function(x)
        return self.quantizer(x)

    def emit(self, b: Builder, *inputs: str) -> str:
        return self.quantizer.emit(b, *inputs)

    def extra_repr(self) -> str:
        return ", ".join(self.names)
