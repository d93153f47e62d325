"""ResNetE, BinaryDenseNet, MeliusNet, QuickNet, MoBiNet and their forerunner: trained a little, lowered, run."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurobin.errors import UsageError
from neurobin.exec import packed, reference
from neurobin.frontend.torch import from_torch
from neurobin.ir import BIPOLAR, TensorType
from neurobin.ir.dtype import u
from neurobin.methods import load_method
from neurobin.nets import Task
from neurobin.nets.ends import quant_conv
from neurobin.nets.mobile import MobileGroupBlocks
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.weights.sign import SignWeights
from neurobin.passes import lower

NAMES = ["resnete", "scratch", "binary_densenet", "meliusnet", "quicknet", "mobinet"]
DIGITS, FASHION = Task(8, 8, 1, 10, 17), Task(28, 28, 1, 10, 256)


@pytest.mark.parametrize("task", [DIGITS, FASHION], ids=["8x8", "28x28"])
@pytest.mark.parametrize("name", NAMES)
def test_lowers_to_integers_that_the_packed_engine_computes(name: str, task: Task) -> None:
    torch.manual_seed(0)
    images = np.random.default_rng(0).integers(0, task.levels, (6, task.height, task.width, task.channels))
    module = load_method(name).build(task).train()
    maps = torch.from_numpy(images.transpose(0, 3, 1, 2)).float()
    module(maps).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters() if p.requires_grad)
    graph = from_torch(module.eval(), TensorType(images.shape[1:], u((task.levels - 1).bit_length())))
    deployed = lower(graph, images)
    assert np.array_equal(packed.run(deployed, images), reference.run(deployed, images))
    assert sum(node.op.name == "bit_conv2d" for node in deployed.nodes) >= 4
    bits = [node for node in deployed.nodes if node.op.name == "bit_conv2d"]
    assert all(deployed.types[node.inputs[0]].dtype == BIPOLAR for node in bits)


def test_limits_are_the_papers() -> None:
    limits = {"resnete": 1.25, "scratch": 1.0, "binary_densenet": 1.3, "meliusnet": 1.3, "quicknet": 1.25}
    for name, limit in limits.items():
        module = load_method(name).build(DIGITS)
        convs = [
            part for part in module.modules() if isinstance(part, QuantConv2d) and isinstance(part.quantizer, SignWeights)
        ]
        assert {conv.quantizer.estimator.name for conv in convs} == {f"clip_{limit:g}"}, name


def test_quicknet_pads_with_ones() -> None:
    module = load_method("quicknet").build(DIGITS)
    padded = {
        part.pad_value
        for part in module.modules()
        if isinstance(part, QuantConv2d) and isinstance(part.quantizer, SignWeights)
    }
    assert padded == {1}


def test_every_output_of_a_mobile_block_depends_on_8_channels() -> None:
    block = MobileGroupBlocks(quant_conv(SignWeights()), SignActivation, depends=8)
    made = block(32, 64, 2)
    shapes = [tuple(part.weight.shape) for part in made.modules() if isinstance(part, QuantConv2d)]
    assert shapes == [(32, 8, 3, 3), (64, 32, 1, 1)]
    assert made(torch.randn(2, 32, 8, 8)).shape == (2, 64, 4, 4)
    for inputs, outputs in ((32, 48), (12, 12)):
        with pytest.raises(UsageError, match="keeps or doubles its channels, a multiple of 8"):
            block(inputs, outputs, 1)
