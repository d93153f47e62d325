"""Random networks in plain torch: layers, quantizers of every make, shortcuts, in shapes and with values likely to trip.

An exact network computes with short binary fractions only: torch rounds nowhere, and a graph must say the same in every
number, ties included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tests.frontend.torch_export.cases import Does

F = nn.functional


class Choices:
    """A generator, and what exact networks may draw of it."""

    def __init__(self, seed: int, exact: bool) -> None:
        self.rng, self.exact = np.random.default_rng(seed), exact

    def one_of(self, *choices: Any) -> Any:
        return choices[self.rng.integers(len(choices))]

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def reals(self, *shape: int, spread: float = 0.5) -> Tensor:
        drawn = self.rng.normal(0, spread, shape)
        return torch.tensor(np.rint(8 * drawn) / 8 if self.exact else drawn, dtype=torch.float32)

    def scale(self) -> float:
        return float(2.0 ** self.rng.integers(-3, 1)) if self.exact else float(self.rng.uniform(0.05, 1.0))


class Quantizer(nn.Module):
    """A monotone function with few results, in one of the ways they are written."""

    def __init__(self, k: Choices) -> None:
        super().__init__()
        self.way: str = k.one_of(*WAYS)
        self.scale = k.scale()
        self.estimator = k.chance(0.3)
        self.register_buffer("threshold", k.reals().abs() + 0.125)

    def forward(self, x: Tensor) -> Tensor:
        y = WAYS[self.way](x, self.scale, self.threshold)
        return x + (y - x).detach() if self.estimator else y


WAYS: dict[str, Callable[[Tensor, float, Tensor], Tensor]] = {
    "where": lambda x, s, t: torch.where(x >= 0, s, -s),
    "greater": lambda x, s, t: (x > t).to(x.dtype) * 2 - 1,
    "sign": lambda x, s, t: torch.sign(x) * s,
    "signs": lambda x, s, t: torch.sign(torch.sign(x) + 0.125),
    "difference": lambda x, s, t: s * ((x > t).float() - (x < -t).float()),
    "choice": lambda x, s, t: torch.where(x >= t, s, torch.where(x <= -t, -s, 0.0)),
    "round": lambda x, s, t: torch.round(torch.clamp(x / s, -4, 3)) * s,
    "clamp": lambda x, s, t: torch.clamp(torch.round(x / s + 0.5), 0, 7) * s,
    "floor": lambda x, s, t: torch.floor(F.hardtanh(x, 0.0, 0.75) * 4) / 4,
    "ceil": lambda x, s, t: F.relu(torch.ceil(x / s)).clamp(max=3) - 1,
    "fake": lambda x, s, t: torch.fake_quantize_per_tensor_affine(x, s, 2, 0, 15),
    "steps": lambda x, s, t: sum(((x >= t * i).float() for i in range(-1, 3)), torch.zeros_like(x)) * s,
    "extremes": lambda x, s, t: torch.maximum(torch.minimum(torch.round(x / s), torch.tensor(3.0)), torch.tensor(-3.0)),
}


class Weighed(nn.Module):
    """A convolution or matrix product with any kind of weights."""

    def __init__(self, k: Choices, *shape: int, **options: Any) -> None:
        super().__init__()
        self.weight = nn.Parameter(k.reals(*shape))
        self.bias = nn.Parameter(k.reals(shape[0])) if k.chance(0.4) else None
        self.quantizer = Quantizer(k) if k.chance(0.7) else nn.Identity()
        self.options = options

    def forward(self, x: Tensor) -> Tensor:
        weight = self.quantizer(self.weight)
        return F.linear(x, weight, self.bias) if weight.ndim == 2 else F.conv2d(x, weight, self.bias, **self.options)


def norm(k: Choices, kind: type[nn.Module], channels: int) -> nn.Module:
    """With gammas of either sign, and in an exact network with a standard deviation that is a power of two."""
    made: Any = kind(channels, eps=0.0 if k.exact else 1e-3, affine=k.chance(0.8))
    with torch.no_grad():
        made.running_mean.copy_(k.reals(channels))
        made.running_var.copy_(torch.tensor(4.0 ** k.rng.integers(-1, 2, channels)) if k.exact else k.reals(channels).abs())
        if made.affine:
            made.weight.copy_(k.reals(channels))
            made.bias.copy_(k.reals(channels))
    return made


class Shortcut(nn.Module):
    """Beside a layer that keeps the shape: its input added to its result, or the channels of both."""

    def __init__(self, inner: nn.Module, joins: bool) -> None:
        super().__init__()
        self.inner, self.joins = inner, joins

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.inner(x)], 1) if self.joins else self.inner(x) + x


def rectifier(k: Choices, channels: int) -> nn.Module:
    made = k.one_of(nn.ReLU(), nn.Hardtanh(), nn.LeakyReLU(0.25), nn.PReLU(channels), nn.Identity())
    if isinstance(made, nn.PReLU):
        made.weight.data = k.reals(channels).abs()
    return made


def extra(k: Choices, channels: int) -> nn.Module:
    """What programs do between layers, with its arguments; maps may grow or shrink by it."""
    number, several = float(k.reals()), k.reals(channels, 1, 1)
    sides, size = tuple(k.rng.integers(0, 3, 4).tolist()), (int(k.rng.integers(1, 4)), int(k.rng.integers(1, 4)))
    below = tuple(side // 2 for side in size)
    ways: list[Callable[[Tensor], Tensor]] = [
        lambda x: torch.sub(x, F.relu(x), alpha=0.5),
        lambda x: torch.add(F.relu(x), x, alpha=-2),
        lambda x: torch.rsub(x, number, alpha=2),
        lambda x: torch.rsub(x, F.relu(x)),
        lambda x: torch.clamp(x, max=number),
        lambda x: torch.clamp(x, -torch.inf, number),
        lambda x: torch.clamp(torch.clamp_min(x, number), torch.tensor(-1.0), torch.tensor(1.0)),
        lambda x: F.hardtanh(x, min(number, 0.25), 0.25),
        lambda x: x * several - several,
        lambda x: several / 4 - x / 2,
        lambda x: torch.where(x > several, number, several),
        lambda x: torch.where(x >= 0, x, several * x),
        lambda x: (x > number).int() - (x < several).int() + 1.0,
        lambda x: (torch.round(x * 4).clamp(-3, 3).to(torch.int32) + 1) / 2,
        lambda x: torch.cat(torch.chunk(x, 2, -3)[::-1], -3),
        lambda x: torch.cat([x[:, -1:], x], 1),
        lambda x: F.pad(x, sides, value=number),
        lambda x: F.max_pool2d(x, size, 1, below),
        lambda x: F.max_pool2d(x, 2, 2, 1, ceil_mode=True),
        lambda x: F.max_pool2d(x, (2, 1), 1, dilation=2),
        lambda x: F.avg_pool2d(x, 2, 1, divisor_override=8),
        lambda x: F.avg_pool2d(x, 2, 2, padding=1),
    ]
    return Does(ways[k.rng.integers(len(ways))])


def network(seed: int, exact: bool) -> tuple[nn.Module, tuple[int, ...]]:
    """A module in evaluation mode, and the shape of its images."""
    k = Choices(seed, exact)
    if k.chance(0.3):
        inputs = int(k.one_of(1, 7, 31, 33, 64, 65))
        return nn.Sequential(*vectors(k, inputs)).eval(), (inputs,)
    shape = (int(k.rng.integers(1, 5)), int(k.rng.integers(5, 9)), int(k.rng.integers(5, 9)))
    layers, (c, h, w) = maps(k, shape)
    if k.chance(0.7):
        if k.chance(0.4):
            layers, h, w = [*layers, nn.AdaptiveMaxPool2d(1)], 1, 1
        layers = [*layers, nn.Flatten(), *vectors(k, c * h * w, 1)]
    return nn.Sequential(*layers).eval(), shape


def vectors(k: Choices, inputs: int, most: int = 3) -> Sequence[nn.Module]:
    layers: list[nn.Module] = [Quantizer(k)] if k.chance(0.5) else []
    for _ in range(int(k.rng.integers(1, most + 1))):
        outputs = int(k.rng.integers(1, 12))
        layers += [Weighed(k, outputs, inputs), norm(k, nn.BatchNorm1d, outputs), Quantizer(k)]
        inputs = outputs
    return layers[: len(layers) - int(k.rng.integers(0, 3))]


def maps(k: Choices, shape: tuple[int, ...]) -> tuple[list[nn.Module], tuple[int, ...]]:
    layers: list[nn.Module] = [Quantizer(k)] if k.chance(0.5) else []
    c, h, w = shape
    for _ in range(int(k.rng.integers(1, 3))):
        keeps = k.chance(0.4)
        groups = int(k.one_of(1, 1, c))
        filters = c if keeps else groups * int(k.rng.integers(1, 4))
        size, stride = (3, 1) if keeps else (int(k.rng.integers(1, min(4, h + 1, w + 1))), int(k.one_of(1, 1, 2)))
        padding = 1 if keeps or size == 3 else 0
        options: dict[str, Any] = {"stride": stride, "padding": padding, "groups": groups}
        if stride == 1 and padding and k.chance(0.4):
            options |= {"padding": "same", "dilation": int(k.one_of(1, 2))}
        conv = Weighed(k, filters, c // groups, size, size, **options)
        block = nn.Sequential(conv, norm(k, nn.BatchNorm2d, filters), rectifier(k, filters))
        if keeps:
            joins = k.chance(0.4)
            layers, c = [*layers, Shortcut(block, joins)], 2 * c if joins else c
        else:
            layers, c = [*layers, block], filters
        h, w = ((n + 2 * padding - size) // stride + 1 for n in (h, w))
        if min(h, w) >= 3 and k.chance(0.4):
            layers.append(k.one_of(nn.MaxPool2d(2), nn.AvgPool2d(2)))
            h, w = h // 2, w // 2
        if min(h, w) >= 3 and k.chance(0.6):
            layers.append(extra(k, c))
            c, h, w = layers[-1](torch.zeros(1, c, h, w)).shape[1:]
        layers.append(Quantizer(k))
    return layers, (c, h, w)
