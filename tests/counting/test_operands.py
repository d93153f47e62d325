"""What a product multiplies: codes behind the scales that were pulled out of them, and the image as a real number."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from neurobin.counting.operands import is_narrow, is_quantized, linear_nodes, operand, weight
from neurobin.frontend.torch import from_torch
from neurobin.ir import BIPOLAR, TERNARY, DType, Encoding, TensorType
from neurobin.ir.dtype import i, u
from neurobin.nn.activations.dorefa import DorefaActivation
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.layers.input_norm import InputNorm
from neurobin.nn.weights.fixed_point import FixedPointWeights
from neurobin.nn.weights.ternary import TernaryWeights

IMAGE = TensorType((8, 8, 3), u(8))
TWO_BITS = partial(DorefaActivation, bits=2)


def last(*modules: nn.Module, image: TensorType = IMAGE) -> tuple[DType, DType]:
    """(activation type, weight type) of the last linear layer."""
    graph = from_torch(nn.Sequential(*modules).eval(), image)
    node = linear_nodes(graph)[-1]
    return operand(graph, node), weight(node)


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        ([SignActivation(4)], BIPOLAR),
        ([TWO_BITS(4)], u(2)),
        ([TWO_BITS(4), nn.MaxPool2d(2)], u(2)),
        ([TWO_BITS(4), nn.ChannelShuffle(2)], u(2)),
        ([SignActivation(4), nn.Identity(), nn.Dropout()], BIPOLAR),
    ],
    ids=["sign", "2 bits", "2 bits pooled", "2 bits shuffled", "nothing between"],
)
def test_codes_are_seen_through_their_scale(between: list[nn.Module], expected: DType) -> None:
    assert last(nn.Conv2d(3, 4, 3), *between, QuantConv2d(4, 4, 3))[0] == expected


@pytest.mark.parametrize("between", [[nn.ReLU()], [SignActivation(4), nn.BatchNorm2d(4)], [TWO_BITS(4), nn.AvgPool2d(2)]])
def test_what_changes_values_makes_them_real(between: list[nn.Module]) -> None:
    activations, weights = last(nn.Conv2d(3, 4, 3), *between, QuantConv2d(4, 4, 3))
    assert activations.is_float
    assert weights == BIPOLAR


def test_the_image_is_real_however_few_levels_it_has() -> None:
    """8-bit pixels and the digits' 17 levels alike; a sign of pixels is not the image any more."""
    for image in (IMAGE, TensorType((8, 8, 3), u(5))):
        assert last(InputNorm(8), QuantConv2d(3, 4, 3), image=image)[0].is_float
    assert last(InputNorm(128), SignActivation(3), QuantConv2d(3, 4, 3))[0] == BIPOLAR


def test_narrow() -> None:
    assert all(map(is_narrow, (BIPOLAR, TERNARY, u(4), DType(Encoding.BIPOLAR, 3))))
    assert not any(map(is_narrow, (u(8), i(8), i(16), DType(Encoding.FLOAT, 32))))


def test_quantized_networks() -> None:
    torch.manual_seed(0)
    real = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3))
    eight = nn.Sequential(QuantConv2d(3, 4, 3, weights=FixedPointWeights(8)))
    ternary = nn.Sequential(QuantConv2d(3, 4, 3, weights=TernaryWeights()))
    assert [is_quantized(from_torch(module, IMAGE)) for module in (real, eight, ternary)] == [False, False, True]
