"""Fused layers, the gates of the published energy model for one layer by hand, and NeuroBench's metrics against torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from neurobin.counting.fused import fused_layers
from neurobin.counting.neurobench import neurobench
from neurobin.counting.tnet import tnet, tnet_layers
from neurobin.frontend.torch import from_torch
from neurobin.ir import BIPOLAR, Graph, TensorType
from neurobin.ir.dtype import u
from neurobin.nets.ends import quant_conv
from neurobin.nets.shortcut import ShortcutBlocks
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.layers.linear import QuantLinear
from neurobin.nn.weights.sign import SignWeights
from neurobin.nn.weights.ternary import TernaryWeights

IMAGE = TensorType((8, 8, 3), u(8))


def graph(*modules: nn.Module) -> Graph:
    torch.manual_seed(0)
    return from_torch(nn.Sequential(*modules).eval(), IMAGE)


def test_a_plain_network_stores_bits_and_fuses_its_pools() -> None:
    first, second = fused_layers(
        graph(nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(4), SignActivation(4), QuantConv2d(4, 6, 3))
    )
    assert (first.outputs, first.written, first.stored) == (256, 64, BIPOLAR)
    assert [(pool.is_max, pool.taps, pool.inputs, pool.outputs) for pool in first.pools] == [(True, 4, 256, 64)]
    assert (second.inputs, second.read, second.operand, second.fan_in) == (64, BIPOLAR, BIPOLAR, 36)


def test_a_shared_map_is_stored_as_it_is() -> None:
    """The block's input feeds the sign and the shortcut: real in memory, one bit as operand."""
    block = ShortcutBlocks(quant_conv(SignWeights()), SignActivation)
    stem, conv = fused_layers(graph(nn.Conv2d(3, 4, 1), block(4, 4, 1)))
    assert stem.stored.is_float
    assert conv.read.is_float
    assert conv.operand == BIPOLAR


def test_a_pool_on_a_shortcut_is_free() -> None:
    block = ShortcutBlocks(quant_conv(SignWeights()), SignActivation)
    layers = fused_layers(graph(nn.Conv2d(3, 4, 1), block(4, 8, 2)))
    assert [len(layer.pools) for layer in layers] == [0, 0, 0]
    assert [layer.written for layer in layers] == [256, 128, 128]


def test_gates_of_one_binary_layer_by_hand() -> None:
    """4 -> 6, 3x3 without padding on 8x8: n = 36, d = 6, no = 6 * 36, b1 = b2 = 1, k = 4."""
    name, counts = tnet_layers(graph(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), SignActivation(4), QuantConv2d(4, 6, 3)))[-1]
    n, d, outputs = 36, 6, 216
    assert name
    assert counts.adder_gates == outputs * (n * 3 + (1 + 1 + d))
    assert counts.register_bits == outputs * (2 ** (d - 4) * (1 + 2 + 4) + (1 + 1 + d))
    assert counts.affine_gates == outputs * 80
    assert counts.requantize_gates == outputs * (8 + 16)  # log2(2 * 2 * 36) = 7.2
    assert counts.weight_bits_read == 6 * 36 + 16 * 6
    assert counts.map_bits_read == 256
    assert counts.map_bits_written == 8 * outputs


def test_layers_add_up() -> None:
    made = graph(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(4, 5, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    total, layers = tnet(made), [counts for _, counts in tnet_layers(made)]
    assert total.adder_gates == sum(counts.adder_gates for counts in layers)
    assert total.compute == sum(counts.compute for counts in layers)
    assert total.map_bits_read == 32 * (192 + 36)  # a real network: 32 bits everywhere, the image included


def harness(module: nn.Module, images: np.ndarray) -> dict[str, float]:
    """NeuroBench's counts from the definition: layers with all non-zero weights and activations 1, biases 0."""
    found = {"Effective_MACs": 0.0, "Effective_ACs": 0.0, "Dense": 0.0}

    def hook(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        x = inputs[0]
        quantizer = getattr(layer, "quantizer", None)
        weight = layer.weight if quantizer is None else quantizer.terms(layer.weight)[0].codes
        spiking = bool(((x == 0) | (x == 1) | (x == -1)).all())

        def apply(maps: torch.Tensor, filters: torch.Tensor) -> float:
            if filters.dim() == 2:
                return float(functional.linear(maps, filters).sum())
            padding = layer.padding
            if getattr(layer, "pad_value", 0):
                maps, padding = functional.pad(maps, (layer.padding,) * 4, value=1.0), 0
            return float(functional.conv2d(maps, filters, None, layer.stride, padding, layer.dilation, layer.groups).sum())

        key = "Effective_ACs" if spiking else "Effective_MACs"
        found[key] += apply((x != 0).double(), (weight != 0).double()) / len(images)
        found["Dense"] += apply(torch.ones_like(x), torch.ones_like(weight)) / len(images)

    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | QuantConv2d | QuantLinear):
            layer.register_forward_hook(hook)
    with torch.no_grad():
        module(torch.from_numpy(images.transpose(0, 3, 1, 2)).double())
    return found


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2)],
        [nn.Conv2d(3, 4, 3), SignActivation(4), QuantConv2d(4, 8, 3, padding=1, weights=TernaryWeights())],
        [nn.Conv2d(3, 4, 3), SignActivation(4), QuantConv2d(4, 8, 3, padding=1, pad_value=1, groups=2)],
        [nn.Conv2d(3, 4, 3, dilation=2, padding=2), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10)],
    ],
    ids=["real", "ternary", "padded with +1", "dilated"],
)
def test_synaptic_operations_are_the_harness_own(layers: list[nn.Module]) -> None:
    torch.manual_seed(1)
    module = nn.Sequential(*layers).double().eval()
    images = np.random.default_rng(0).integers(0, 3, (5, 8, 8, 3)) * 9
    graph_ = from_torch(module, IMAGE)
    expected = harness(module, images)
    found = neurobench(graph_, images)
    synaptic = found.to_dict()["synaptic_operations"]
    assert isinstance(synaptic, dict)
    assert {key: pytest.approx(value) for key, value in expected.items()} == synaptic
    assert found.images == 5


def test_without_images_only_what_the_graph_knows() -> None:
    found = neurobench(graph(nn.Conv2d(3, 4, 3), SignActivation(4), QuantConv2d(4, 8, 3, weights=TernaryWeights())))
    weights = found.connection_sparsity * (108 + 288)
    assert 0 < weights < 288
    assert weights == round(weights)
    assert found.footprint == (32 * (108 + 4) + 2 * 288) / 8
    assert found.activation_sparsity is None
    assert found.synaptic_operations.effective_acs is None
    assert found.to_dict()["images"] == 0


def test_activation_sparsity() -> None:
    """A rectifier's zeros; signs have none."""
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3))
    assert neurobench(graph(nn.Conv2d(3, 4, 3), SignActivation(4)), images).activation_sparsity == 0
    made = graph(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    share = neurobench(made, images).activation_sparsity
    assert share is not None
    assert 0 < share < 1
