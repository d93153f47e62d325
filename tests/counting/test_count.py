"""Counts by hand: parameters by convention, sizes in bits, binary and real operations."""

from __future__ import annotations

from functools import partial

import pytest
from torch import nn

from neurobin import zoo
from neurobin.counting import CONVENTIONS, Count, count, find_convention
from neurobin.errors import UsageError
from neurobin.frontend.torch import from_torch
from neurobin.ir import Graph, TensorType
from neurobin.ir.dtype import u
from neurobin.nets import Task
from neurobin.nets.norms import centred_norm1d, centred_norm2d, plain_norm2d
from neurobin.nets.stems import grouped, seven
from neurobin.nn.activations.dorefa import DorefaActivation
from neurobin.nn.activations.rprelu import RPReLU
from neurobin.nn.activations.rsign import RSign
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.layers.input_norm import InputNorm
from neurobin.nn.layers.linear import QuantLinear
from neurobin.nn.layers.xnor_conv import XnorConv2d
from neurobin.nn.weights.dorefa import DorefaWeights
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.nn.weights.ternary import TernaryWeights

IMAGE = TensorType((8, 8, 3), u(8))


def graph(*modules: nn.Module) -> Graph:
    return from_torch(nn.Sequential(*modules).eval(), IMAGE)


def under(convention: str, *modules: nn.Module) -> Count:
    return count(graph(*modules), find_convention(convention))


def test_real_and_binary_layers() -> None:
    """conv 3->4 3x3 with bias on 8x8, sign, binary conv 4->8 3x3, pool, dense 8->10 with bias: everything by hand."""
    found = under(
        "reactnet",
        InputNorm(128),
        nn.Conv2d(3, 4, 3, padding=1),
        SignActivation(4),
        QuantConv2d(4, 8, 3, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    )
    binary, real = 8 * 4 * 9, 4 * 3 * 9 + 4 + 8 * 10 + 10
    assert found.params == binary + real
    assert found.params_by_bits == {1: binary, 32: real}
    assert found.size_bits == binary + 32 * real
    assert found.bops == 64 * binary
    assert found.flops == 64 * 4 * 3 * 9 + 8 * 10
    assert found.ops == found.bops / 64 + found.flops
    assert found.size_mib == found.size_bits / 8 / 2**20
    assert found.size_mb == found.size_bits / 8 / 10**6


@pytest.mark.parametrize(
    ("norm", "stored"),
    [(nn.BatchNorm2d(4), 4), (centred_norm2d(4), 3), (plain_norm2d(4), 2), (nn.BatchNorm2d(4, affine=False), 2)],
    ids=["all learned", "centre", "nothing", "affine=False"],
)
def test_batch_norm_by_convention(norm: nn.Module, stored: int) -> None:
    """larq counts what is stored, the others the 2 values that are left."""
    layers = (nn.Conv2d(3, 4, 1, bias=False), norm)
    assert under("larq", *layers).params == 12 + 4 * stored
    assert under("larq_fused", *layers).params == 12 + 4 * 2
    assert under("hpi", *layers).params == 12 + 4 * 2


def test_centred_norm_of_vectors() -> None:
    layers = (nn.Flatten(), nn.Linear(192, 5, bias=False), centred_norm1d(5))
    assert under("larq", *layers).params == 192 * 5 + 15


def test_activations_with_parameters() -> None:
    """RSign has one per channel, RPReLU three, PReLU one; a plain sign none."""
    conv = nn.Conv2d(3, 4, 1, bias=False)
    for activation, count_ in ((RSign(4), 4), (RPReLU(4), 12), (nn.PReLU(4), 4), (nn.PReLU(), 1), (SignActivation(4), 0)):
        assert under("reactnet", conv, activation).params == 12 + count_, activation


def test_scales_fold_and_are_not_counted() -> None:
    plain, scaled = (under("reactnet", QuantConv2d(3, 4, 3, weights=w)) for w in (MagnitudeAwareSign(), TernaryWeights()))
    assert plain.params == scaled.params == 4 * 3 * 9
    assert (plain.size_bits, scaled.size_bits) == (108, 216)


def test_bits_multiply() -> None:
    """A 2-bit weight times a 3-bit activation counts as 6 binary products."""
    layers = (nn.Conv2d(3, 4, 1), DorefaActivation(4, bits=3), QuantConv2d(4, 4, 1, weights=DorefaWeights(2)))
    assert under("reactnet", *layers).bops == 6 * 64 * 16


def test_binary_weights_on_the_image_are_real_products_of_one_bit_weights() -> None:
    found = under("reactnet", InputNorm(128), QuantConv2d(3, 4, 3))
    assert (found.bops, found.flops) == (0, 36 * 4 * 3 * 9)
    assert found.size_bits == 4 * 3 * 9


def test_the_scales_of_xnor_net_are_no_products_of_a_convolution() -> None:
    found = under("reactnet", nn.Conv2d(3, 4, 1, bias=False), XnorConv2d(4, 4, 3, padding=1))
    assert (found.bops, found.flops, found.params) == (64 * 4 * 36, 64 * 12, 12 + 144)


def test_hpi_leaves_out_the_last_matrix_product_only() -> None:
    layers = (nn.Flatten(), nn.Linear(192, 5), nn.ReLU(), nn.Linear(5, 7))
    reactnet, hpi = under("reactnet", *layers), under("hpi", *layers)
    assert reactnet.flops - hpi.flops == 35
    assert reactnet.params == hpi.params
    convolution = (nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert under("hpi", *convolution).flops == under("reactnet", *convolution).flops


def test_groups_and_dilation() -> None:
    found = under("reactnet", nn.Conv2d(3, 6, 3, padding=2, dilation=2, groups=3, bias=False))
    assert (found.params, found.flops) == (54, 64 * 54)


def test_stems() -> None:
    """224x224: 118.0e6 products in the 7x7 stem, 68.6e6 in the grouped one."""
    task, image = Task(224, 224, 3, 1000, 256), TensorType((224, 224, 3), u(8))
    rule = find_convention("reactnet")
    seen, split = (count(from_torch(stem(task, 64), image), rule) for stem in (seven, partial(grouped)))
    assert seen.flops == 64 * 3 * 49 * 112**2 == 118_013_952
    assert split.flops == (32 * 3 * 9 + 32 * 8 * 9 + 64 * 4 * 9) * 112**2 == 68_640_768


def test_traffic_of_maps() -> None:
    """A plain network stores bits, a shared map its real values: 8x8x4 sums, 1 or 32 bits each."""
    plain = under("reactnet", nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), SignActivation(4), QuantConv2d(4, 4, 1))
    assert plain.map_bits_read == 8 * 192 + 1 * 256
    assert plain.map_bits_written == 1 * 256 + 32 * 256


def test_conventions_have_names() -> None:
    assert list(CONVENTIONS) == ["reactnet", "hpi", "larq", "larq_fused", "tnet"]
    assert all(name == convention.name and convention.summary for name, convention in CONVENTIONS.items())
    with pytest.raises(UsageError, match=r"unknown counting convention 'larg' .*try: 'larq'"):
        find_convention("larg")
    with pytest.raises(UsageError, match="try: reactnet, hpi, larq, larq_fused, tnet"):
        find_convention("?")


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_any_network_can_be_counted(convention: str) -> None:
    """Networks of the zoo, as trained and deployed."""
    rule = find_convention(convention)
    for name in ("bnn_digits", "xnornet_digits", "reactnet_digits"):
        trained, deployed = count(zoo.load(name, trained=True), rule), count(zoo.load(name), rule)
        assert trained.bops == deployed.bops, name
        assert trained.params > 0


def test_quantized_dense_layers() -> None:
    found = under("reactnet", nn.Flatten(), nn.Linear(192, 16), SignActivation(16), QuantLinear(16, 10))
    assert (found.bops, found.flops) == (160, 192 * 16)
