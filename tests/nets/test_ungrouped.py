"""The common network without groups."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurobin.errors import UsageError
from neurobin.nets import Task
from neurobin.nets.ends import quant_conv, real_conv, relu
from neurobin.nets.ungrouped import Ungrouped
from neurobin.nets.vgg import Vgg
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.weights.sign import SignWeights

SMALL = Task(8, 8, 1, 10, 17)
LARGE = Task(28, 28, 1, 10, 256)


def test_every_filter_sees_all_channels() -> None:
    net = Vgg(hidden=quant_conv(SignWeights()), activation=relu)
    module = Ungrouped(net)(SMALL)
    convs = [layer for layer in module.modules() if isinstance(layer, QuantConv2d)]
    assert [conv.weight.shape[1] for conv in convs] == [1, 32, 64, 64, 128]
    assert not any(isinstance(layer, nn.ChannelShuffle) for layer in module.modules())
    assert any(isinstance(layer, nn.ChannelShuffle) for layer in net(SMALL).modules())
    assert module.eval()(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


def test_large_images_have_the_same_network_as_without() -> None:
    net = Vgg(hidden=quant_conv(SignWeights()), activation=relu)
    assert str(Ungrouped(net)(LARGE)) == str(net(LARGE))


def test_a_convolution_of_its_own_for_every_place() -> None:
    binary = quant_conv(SignWeights())
    module = Ungrouped(Vgg(hidden=(binary, real_conv, binary, real_conv), activation=relu))(SMALL)
    kinds = [isinstance(module.get_submodule(f"conv{number}"), QuantConv2d) for number in (2, 3, 4, 5)]
    assert kinds == [True, False, True, False]


def test_cores_are_refused() -> None:
    net = Vgg(hidden=real_conv, activation=relu)
    with pytest.raises(UsageError, match="no core carries this network: its filters see all channels"):
        Ungrouped(net)(Task(8, 8, 1, 10, 17, core=True))
