"""The published architectures: found by file, of the right shape, and the same network in torch and in the IR."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from neurobin.counting.operands import linear_nodes, operand, weight
from neurobin.errors import UsageError
from neurobin.exec import packed, reference
from neurobin.frontend.torch import from_torch
from neurobin.ir import BIPOLAR, FLOAT32, Graph, TensorType
from neurobin.ir.dtype import u
from neurobin.nets import Task, published
from neurobin.nets.densenet import DenseLayers, DenseNet, Transition
from neurobin.nets.melius import AddToLast, MeliusBlocks
from neurobin.nets.plain import Plain, dense, flatten
from neurobin.nets.published.densenet import transitions
from neurobin.nets.quicknet import WholeBlur, blur
from neurobin.nets.subsample import Subsample
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.activations.unit_clip import UnitClip
from neurobin.nn.weights.sign import SignWeights
from neurobin.passes import lower

SMALL = Task(32, 32, 3, 10, 256)
LARGE = {"binary_alexnet", "xnornet_alexnet", "dorefanet_alexnet", "meliusnet59", "bnn_mlp"}
BINARY_FIRST = {"binary_alexnet", "bnn_mlp", "bnn_vgg", "cnv"}
REAL_ACTIVATIONS = {"binaryconnect_mlp", "lab_mlp"}
ENDS = ("stem_0", "dense")
WIDER = tuple(f"block{stage}_1" for stage in (2, 3, 4))
SHORTCUTS = tuple(f"{block}_shortcut_conv" for block in WIDER)
TRANSITIONS = tuple(f"transition{number}_conv" for number in (1, 2, 3))
GROUPED_STEM = ("stem_3", "stem_6")
QUICK = ("stem_3", "stem_5", *(f"{block}_transition_{part}" for block in WIDER for part in ("blur", "conv")))
GATES = tuple(f"block{stage}_{place}_path_conv" for stage in (1, 2, 3, 4) for place in (1, 2, 3, 4)) * 2
REAL: dict[str, tuple[str, ...]] = {  # the places of layers with real weights, by architecture; resnet18 has no others
    **dict.fromkeys(("binary_alexnet", "bnn_mlp", "bnn_vgg", "cnv", "tfc", "sfc", "lfc", *REAL_ACTIVATIONS), ()),
    **dict.fromkeys(("bnn_resnet18", "xnornet_resnet18", "irnet_resnet20", "reactnet_a"), ENDS),
    **dict.fromkeys(("birealnet18", "birealnet34", "reactnet_resnet18"), (*ENDS, *SHORTCUTS)),
    **dict.fromkeys(("resnete18", "resnete34"), ("stem_0_0", "dense", *SHORTCUTS)),
    **{name: (*ENDS, *TRANSITIONS) for name in published.names() if name.startswith("binary_densenet")},
    **{name: (*ENDS, *GROUPED_STEM, *TRANSITIONS) for name in published.names() if name.startswith("meliusnet")},
    **{name: (*ENDS, *QUICK) for name in published.names() if name.startswith("quicknet")},
    **dict.fromkeys(("reactnet_b", "reactnet_c"), (*ENDS, *(f"block{stage}_1_conv" for stage in (1, 2, 3, 4, 5)))),
    "real_to_binary": (*ENDS, *SHORTCUTS, *GATES),
    "dorefanet_alexnet": ("_1", "_19"),
    "xnornet_alexnet": ("_1", "_22"),
    "lenet5": ("_1", "_13"),
    "nin": ("_1", "_28"),
    "vgg_small": ("_1", "_17"),
}
IMAGE = TensorType((8, 8, 4), u(8))


def used(module: nn.Module, task: Task, count: int = 2) -> tuple[nn.Module, np.ndarray]:
    """The network in double precision with statistics that have seen data, and raw images [N, H, W, C]."""
    images = np.random.default_rng(0).integers(0, task.levels, (count, task.height, task.width, task.channels))
    maps = torch.from_numpy(images.transpose(0, 3, 1, 2)).double()
    module = module.double().train()
    with torch.no_grad():
        module(maps)
    return module.eval(), images


def graph_of(module: nn.Module, task: Task) -> Graph:
    return from_torch(module, TensorType((task.height, task.width, task.channels), u((task.levels - 1).bit_length())))


def assert_same(module: nn.Module, images: np.ndarray, graph: Graph) -> None:
    with torch.no_grad():
        expected = module(torch.from_numpy(images.transpose(0, 3, 1, 2)).double()).numpy()
    if expected.ndim == 4:
        expected = expected.transpose(0, 2, 3, 1)
    np.testing.assert_allclose(reference.run(graph, images), expected, rtol=1e-9, atol=1e-9)


def test_names_come_from_the_files() -> None:
    names = published.names()
    assert names == sorted(names)
    assert {"binary_alexnet", "birealnet34", "resnete18", "real_to_binary", "binary_densenet37_dilated", "meliusnet_a"} <= {
        *names
    }
    assert {"quicknet_small", "reactnet_c", "bnn_resnet18", "nin", "cnv", "bnn_vgg", "irnet_resnet20", "lenet5", "tfc"} <= {
        *names
    }
    assert all(found.title and found.source and found.name == name for name, found in published.architectures().items())


def test_unknown_names_and_stems() -> None:
    with pytest.raises(UsageError, match="try: 'reactnet_a'"):
        published.build("reactnet-a")
    with pytest.raises(UsageError, match=r"resnete18 was not published with stem '5x5' .*'7x7' and 'grouped'"):
        published.build("resnete18", stem="5x5")
    with pytest.raises(UsageError, match="leave out --stem"):
        published.build("quicknet", stem="7x7")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in LARGE else []) for n in published.names()]
)
def test_every_architecture_is_a_graph(name: str) -> None:
    """Right shapes throughout; everything but the ends and what changes widths has binary weights and reads bits."""
    task = published.find(name).task
    graph = graph_of(published.build(name), task)
    assert graph.types[graph.output].shape == (task.classes,)
    layers = [(node.name.partition(".")[0], weight(node), operand(graph, node)) for node in linear_nodes(graph)]
    real = Counter(place for place, kind, _ in layers if kind != BIPOLAR)
    assert real == (Counter(place for place, _, _ in layers) if name == "resnet18" else Counter(REAL[name]))
    binary = [read for _, kind, read in layers if kind == BIPOLAR]
    if name in REAL_ACTIVATIONS:
        assert set(binary) == {FLOAT32}
    elif name == "dorefanet_alexnet":
        assert set(binary) == {u(2)}
    else:  # a binary first layer reads the pixels themselves
        assert binary == [FLOAT32] * (name in BINARY_FIRST) + [BIPOLAR] * (len(binary) - (name in BINARY_FIRST))
    assert len(binary) >= 2 or name == "resnet18"


@pytest.mark.parametrize(
    "name",
    [
        *("birealnet18", "bnn_resnet18", "xnornet_resnet18", "real_to_binary", "reactnet_resnet18", "resnet18", "resnete18"),
        *("binary_densenet28", "binary_densenet37_dilated", "meliusnet_c", "quicknet_small", "reactnet_a", "reactnet_b"),
    ],
)
def test_graph_means_what_the_module_means(name: str) -> None:
    module, images = used(published.build(name, task=SMALL), SMALL)
    assert_same(module, images, graph_of(module, SMALL))


@pytest.mark.parametrize("name", ["cnv", "nin", "lenet5", "tfc", "vgg_small", "irnet_resnet20"])
def test_small_images(name: str) -> None:
    task = published.find(name).task
    module, images = used(published.build(name), task)
    assert_same(module, images, graph_of(module, task))


@pytest.mark.parametrize("name", ["lenet5", "tfc", "irnet_resnet20", "quicknet_small", "binary_densenet28"])
def test_architectures_lower(name: str) -> None:
    """To integers, packed equal to the reference."""
    task = SMALL if published.find(name).task.height > 32 else published.find(name).task
    module, images = used(published.build(name, task=task), task)
    deployed = lower(graph_of(module, task), images)
    assert deployed.is_deployed
    assert np.array_equal(packed.run(deployed, images), reference.run(deployed, images))


def test_seeds() -> None:
    """Equal seeds make equal networks, whatever the state of torch's generator, which stays as it is."""
    state = torch.random.get_rng_state()
    first, second, other = (published.build("tfc", seed=seed) for seed in (0, 0, 1))
    assert torch.equal(state, torch.random.get_rng_state())
    weights = [next(module.parameters()) for module in (first, second, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_stems_differ_and_the_first_is_the_default() -> None:
    sizes = {
        stem: sum(p.numel() for p in published.build("resnete18", stem=stem).parameters()) for stem in ("7x7", "grouped")
    }
    assert sizes["7x7"] != sizes["grouped"]
    assert sum(p.numel() for p in published.build("resnete18").parameters()) == sizes["7x7"]


@pytest.mark.parametrize(
    ("layers", "reductions", "widths"),
    [
        ((6, 6, 6, 5), (2.7, 2.7, 2.2), (160, 192, 256)),
        ((6, 8, 12, 6), (3.3, 3.3, 4), (128, 192, 256)),
        ((6, 12, 14, 8), (2.7, 3.3, 4), (160, 288, 288)),
    ],
)
def test_widths_behind_transitions(layers: tuple[int, ...], reductions: tuple[float, ...], widths: tuple[int, ...]) -> None:
    """arXiv 1906.08637 as larq's zoo has it."""
    assert tuple(transition.width for transition in transitions(layers, reductions)) == widths


def test_a_dilated_block_keeps_the_map() -> None:
    layers = DenseLayers(SignWeights(), SignActivation, growth=8)
    net = DenseNet(layers, (1, 1), (Transition(16),), 8, dilations=(1, 2))(replace(SMALL, height=16, width=16))
    x = torch.zeros(1, 3, 16, 16)
    shapes = {}
    for name, part in net.named_children():
        x = part(x)
        shapes[name] = x.shape
    assert shapes["layer1_1"] == (1, 72, 8, 8)
    assert shapes["transition1"] == (1, 16, 8, 8)
    assert shapes["layer2_1"] == (1, 24, 8, 8)


def test_a_network_that_does_not_fit_together_is_refused() -> None:
    layers = DenseLayers(SignWeights(), SignActivation)
    with pytest.raises(UsageError, match="2 blocks need 1 transitions and as many dilations as blocks, got 2 and 2"):
        DenseNet(layers, (1, 1), (Transition(32), Transition(32)))(SMALL)
    with pytest.raises(UsageError, match="ends in 5 classes, the task has 10"):
        Plain((flatten(32 * 32), dense(nn.Linear, 5)))(SMALL)
    with pytest.raises(UsageError, match="no core carries this network"):
        DenseNet(layers, (1,), ())(replace(SMALL, core=True))


def test_an_improvement_leaves_old_channels_alone() -> None:
    x, y = torch.randn(2, 6, 3, 3), torch.randn(2, 2, 3, 3)
    out = AddToLast()(x, y)
    assert torch.equal(out[:, :4], x[:, :4])
    assert torch.equal(out[:, 4:], x[:, 4:] + y)
    block = MeliusBlocks(DenseLayers(SignWeights(), SignActivation, growth=8))(16, 1)
    assert block(torch.randn(2, 16, 5, 5)).shape == (2, 24, 5, 5)


@pytest.mark.parametrize("size", [7, 8, 13])
def test_both_blurs_are_one_filter(size: int) -> None:
    x = torch.randn(2, 4, size, size)
    real, whole = blur(4, 2), WholeBlur(4, 2)
    with torch.no_grad():
        torch.testing.assert_close(real(x), whole(x))
        constant = whole(torch.ones(1, 4, size, size))
    assert not any(p.requires_grad for p in real.parameters())
    assert constant.shape == (1, 4, -(-size // 2), -(-size // 2))
    assert float(constant[0, 0, 1, 1]) == 1


@pytest.mark.parametrize(
    "module", [Subsample(4, 8, 2), Subsample(4, 4, 2), Subsample(4, 6, 1), UnitClip(4), WholeBlur(4, 2), blur(4, 2)]
)
def test_blocks_emit_what_they_compute(module: nn.Module) -> None:
    module = module.double().eval()
    images = np.random.default_rng(0).integers(0, 256, (3, *IMAGE.shape))
    assert_same(module, images, from_torch(module, IMAGE))


def test_subsample_says_what_it_takes() -> None:
    assert Subsample(4, 8, 2)(torch.ones(1, 4, 5, 5))[0, :, 0, 0].tolist() == [0, 0, 1, 1, 1, 1, 0, 0]
    for outputs in (7, 3, 13):
        with pytest.raises(UsageError, match="zeros on both sides"):
            Subsample(4, outputs, 2)
