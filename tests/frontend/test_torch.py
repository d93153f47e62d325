"""torch modules and their graphs mean the same, and what has no meaning is named."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from neurobin.errors import UnsupportedError
from neurobin.exec import reference
from neurobin.frontend.torch import from_torch
from neurobin.ir import TensorType
from neurobin.ir.dtype import u

IMAGE = TensorType((8, 8, 3), u(8))


def randomise(module: nn.Module) -> nn.Module:
    """Batch norms with statistics of their own and gammas of either sign; everything in double precision."""
    torch.manual_seed(0)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            for tensor in (part.weight, part.bias, part.running_mean):
                if tensor is not None:
                    nn.init.normal_(tensor)
            nn.init.uniform_(part.running_var, 0.5, 2.0)
        if isinstance(part, nn.PReLU):
            nn.init.uniform_(part.weight, 0.0, 1.5)
    return module.double().eval()


def assert_same(module: nn.Module, image: TensorType = IMAGE) -> None:
    module = randomise(module)
    graph = from_torch(module, image)
    x = np.random.default_rng(0).integers(0, 256, (5, *image.shape))
    with torch.inference_mode():
        expected = module(torch.from_numpy(x.transpose(0, 3, 1, 2)).double()).numpy()
    actual = reference.run(graph, x)
    if expected.ndim == 4:
        expected = expected.transpose(0, 2, 3, 1)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv2d(3, 4, 3),
        nn.Conv2d(3, 6, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=3),
        nn.Conv2d(3, 4, 3, padding="same", dilation=2, bias=False),
        nn.Conv2d(3, 4, 3, padding="valid"),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(3, 2, 1)),
        nn.Sequential(nn.BatchNorm2d(3, affine=False), nn.PReLU(3), nn.AvgPool2d(2, padding=1)),
        nn.Sequential(nn.Hardtanh(-3.0, 50.0), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)),
        nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Dropout(), nn.Identity()),
        nn.Sequential(nn.Conv2d(3, 6, 1), nn.ChannelShuffle(3)),
    ],
    ids=lambda module: str(module).replace("\n", "")[:60],
)
def test_plain_modules(module):
    assert_same(module)


class Branches(nn.Module):
    """Functions and operators: sums, products, concatenation, numbers, a channels-first flatten before a matrix product."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)
        self.norm, self.last = nn.BatchNorm1d(512), nn.Linear(512, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x * (1 / 128) + (-1.0)
        a, b = torch.relu(self.a(x)), torch.abs(self.b(x))
        x = torch.cat([a + b, a * b], dim=1)
        return self.last(self.norm(torch.flatten(x, 1)))


class Lone(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(torch.fft.fft(x).real) + torch.sin(x)


def test_functions_and_operators():
    assert_same(Branches())


def test_everything_unknown_is_named_at_once():
    with pytest.raises(UnsupportedError) as caught:
        from_torch(Lone(), IMAGE)
    assert "fft" in str(caught.value)
    assert "sin" in str(caught.value)
    assert caught.value.exit_code == 3
    assert "from_exported" in caught.value.hint


class Asks(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1 if x.sum() > 0 else x


def test_a_module_that_cannot_be_traced_says_what_may():
    with pytest.raises(UnsupportedError, match=r"Asks: cannot be traced: .*from_exported"):
        from_torch(Asks(), IMAGE)


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"), "padding mode 'reflect'"),
        (nn.MaxPool2d(3, 2, ceil_mode=True), "ceil_mode"),
        (nn.AvgPool2d(2, padding=1, count_include_pad=False), "leaves padding out of the mean"),
        (nn.BatchNorm2d(3, track_running_stats=False), "without running statistics"),
        (nn.AdaptiveAvgPool2d(2), "only to 1"),
        (nn.GELU(), "no meaning for module GELU"),
        (nn.Flatten(0), "only 1 to -1"),
    ],
)
def test_variants_without_a_meaning_say_so(module, reason):
    with pytest.raises(UnsupportedError, match=reason):
        from_torch(nn.Sequential(module), IMAGE)


def test_nan_weights_are_refused_with_their_place():
    module = nn.Conv2d(3, 4, 3)
    with torch.no_grad():
        module.weight[1, 2, 0, 0] = float("nan")
    with pytest.raises(UnsupportedError, match=r"nan at index \(1, 0, 0, 2\)"):
        from_torch(nn.Sequential(module), IMAGE)
