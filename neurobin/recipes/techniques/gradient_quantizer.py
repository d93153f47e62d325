"""DoReFa-Net's k-bit gradients (Zhou et al. 2016, arXiv 1606.06160, eq. 12).

    f(d) = 2 m [ q_k( d / (2 m) + 1/2 + N ) - 1/2 ],    m = max |d| over each image,    N uniform in +-0.5 / (2^k - 1)

d is the gradient with respect to a quantized layer's output, q_k(x) = round((2^k - 1) x) / (2^k - 1) for x in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.nn.channels import per_filter
from neurobin.recipes.techniques.technique import Context, Technique, latent_layers


@dataclass(frozen=True)
class GradientQuantizer(Technique):
    """Gradients of `bits` bits at the outputs of all layers with quantized weights, as they pass backward."""

    bits: int

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 16:
            raise UsageError(f"gradients have 1 to 16 bits here, got {self.bits}")

    def before_step(self, context: Context, progress: float) -> None:
        context.store[repr(self)] = [layer.register_forward_hook(self._watch) for layer in latent_layers(context.module)]

    def after_step(self, context: Context, progress: float) -> None:
        handles = context.store[repr(self)]
        assert isinstance(handles, list)
        for handle in handles:
            handle.remove()

    def _watch(self, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if output.requires_grad:
            output.register_hook(self.quantized)  # type: ignore[no-untyped-call]

    def quantized(self, gradient: Tensor) -> Tensor:
        """f(d) for gradients [N, ...]; the noise is drawn from torch's generator."""
        steps = 2**self.bits - 1
        values = gradient.float()
        widest = per_filter(values.abs().flatten(1).amax(1), values)
        noise = (torch.rand_like(values) - 0.5) / steps
        unit = torch.clamp(values / (2 * widest).clamp(min=torch.finfo(values.dtype).tiny) + 0.5 + noise, 0, 1)
        return (2 * widest * (torch.round(steps * unit) / steps - 0.5)).to(gradient.dtype)
