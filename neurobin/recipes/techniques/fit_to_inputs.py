"""Weights fitted to what their layers see, layer after layer from the input on (BWNH, arXiv 1802.02733; TSQ, CVPR 2018).

Layer number i of L is fitted at progress start + (stop - start) i / L, just before its forward pass, on the inputs of that
very training step: they have passed the layers fitted before, whose errors they show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurobin.errors import UsageError
from neurobin.nn.input_fit import Fitted
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.layers.linear import QuantLinear
from neurobin.recipes.techniques.technique import Context, Technique, latent_layers

Layer = QuantConv2d | QuantLinear


@dataclass(frozen=True)
class FitToInputs(Technique):
    """Fits every layer whose quantizer has `fit`, between `start` and `stop` of the training.

    At most `images` of the batch count. `ridge`, as a share of the mean input power, is added to the moment's diagonal, so
    that weights of inputs that were silent in the batch are held to their values.
    """

    start: float = 0.4
    stop: float = 0.6
    images: int = 64
    ridge: float = 1e-3

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.stop < 1:
            raise UsageError(f"expected 0 <= start <= stop < 1, got {self.start} and {self.stop}")

    def prepare(self, context: Context) -> None:
        layers = [layer for layer in latent_layers(context.module) if isinstance(layer.quantizer, Fitted)]
        for number, layer in enumerate(layers):
            _Fitting(self, layer, self.start + (self.stop - self.start) * number / len(layers))

    def fit(self, layer: Layer, x: Tensor) -> None:
        """Fit the layer's quantizer to inputs x [N, ...], as they come to its forward pass."""
        moment = second_moment(layer, x.detach()[: self.images])
        power = moment.diagonal(dim1=1, dim2=2).mean()
        least = torch.finfo(moment.dtype).tiny
        moment += (self.ridge * power).clamp(min=least) * torch.eye(
            moment.shape[1], dtype=moment.dtype, device=moment.device
        )
        cast(Fitted, layer.quantizer).fit(layer.weight, moment)


class _Fitting:
    """Waits before a layer's forward pass until progress `due`, fits it, and is gone; gone too once the training is over."""

    def __init__(self, technique: FitToInputs, layer: Layer, due: float) -> None:
        self.technique, self.due = technique, due
        self.handle = layer.register_forward_pre_hook(self)

    def __call__(self, layer: Layer, inputs: tuple[Tensor, ...]) -> None:
        quantizer = cast(Fitted, layer.quantizer)
        if layer.training and self.due <= layer.progress < 1 and not quantizer.fitted:
            self.technique.fit(layer, inputs[0])
        if quantizer.fitted or layer.progress >= 1:
            self.handle.remove()


def second_moment(layer: nn.Module, x: Tensor) -> Tensor:
    """S [G, n, n] = the mean of p p^T over the patches p of n values that the layer's filters meet in x, group by group."""
    if isinstance(layer, QuantConv2d):
        wide = functional.pad(x.double(), (layer.padding,) * 4, value=layer.pad_value)
        patches = functional.unfold(wide, layer.kernel, dilation=layer.dilation, stride=layer.stride)
        grouped = patches.transpose(0, 1).reshape(layer.groups, -1, patches.shape[0] * patches.shape[2])
    else:
        grouped = x.double().T[None]
    return grouped @ grouped.transpose(1, 2) / grouped.shape[2]
