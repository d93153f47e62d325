"""An ensemble adds the scores of its members; squeezed blocks lose inner channels."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from neurobin.errors import UsageError
from neurobin.exec import packed, reference
from neurobin.frontend.torch import from_torch
from neurobin.ir import TensorType
from neurobin.ir.dtype import u
from neurobin.methods import load_method
from neurobin.nets import Task
from neurobin.passes import lower

DIGITS = Task(8, 8, 1, 10, 17)


def trained(name: str) -> tuple[nn.Module, np.ndarray]:
    """The method's network after some batches of noise, in evaluation mode, and raw images."""
    torch.manual_seed(0)
    images = np.random.default_rng(0).integers(0, 17, (16, 8, 8, 1))
    module = load_method(name).build(DIGITS)
    for _ in range(3):
        module.train()(torch.from_numpy(images.transpose(0, 3, 1, 2)).float())
    return module.eval(), images


def test_scores_are_the_members_sum() -> None:
    module, images = trained("benn")
    x = torch.from_numpy(images.transpose(0, 3, 1, 2)).float()
    first, second, third = module.members
    assert torch.allclose(module(x), first(x) + second(x) + third(x))
    assert not torch.allclose(first(x), second(x))
    deployed = lower(from_torch(module, TensorType((8, 8, 1), u(5))), images)
    assert np.array_equal(packed.run(deployed, images), reference.run(deployed, images))
    with pytest.raises(UsageError, match="no core carries this network"):
        load_method("benn").build(Task(8, 8, 1, 10, 17, core=True))


def test_squeezed_networks_deploy_as_narrow_as_they_are() -> None:
    module, images = trained("widen_squeeze")
    gates = OrderedDict((name, layer) for name, layer in module.named_modules() if name.endswith("gate"))
    rng = np.random.default_rng(1)
    for layer in gates.values():
        closed = rng.permutation(len(layer.gate))[: len(layer.gate) // 2]
        layer.open[torch.from_numpy(closed)] = 0
    with torch.no_grad():
        expected = module(torch.from_numpy(images.transpose(0, 3, 1, 2)).float()).numpy()
    graph = from_torch(module, TensorType((8, 8, 1), u(5)))
    assert np.allclose(reference.run(graph, images), expected, atol=1e-4)
    deployed = lower(graph, images)
    assert np.array_equal(packed.run(deployed, images), reference.run(deployed, images))
    shapes = [node.op.weight.shape for node in deployed.nodes if node.op.name == "bit_conv2d"]
    assert [(shape[0], shape[-1]) for shape in shapes] == [(64, 64), (64, 64), (128, 64), (128, 128)]
