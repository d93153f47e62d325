"""The zoo's architectures: shapes, fan-in, and the same meaning in torch and in the IR."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from neurobin.errors import UsageError
from neurobin.exec import reference
from neurobin.frontend.torch import from_torch
from neurobin.ir import DType, Encoding, Graph, Node, TensorType
from neurobin.ir.dtype import u
from neurobin.methods import load_method, method_names
from neurobin.nets import Task
from neurobin.nets.ends import quant_conv
from neurobin.nets.react import ReActBlocks
from neurobin.nets.task import Goal
from neurobin.nn.activations.rprelu import RPReLU
from neurobin.nn.activations.rsign import RSign
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.weights.magnitude import MagnitudeAwareSign

DIGITS = Task(8, 8, 1, 10, 17)
CORE_INPUTS = 128
FASHION = Task(28, 28, 1, 10, 256)
SCENES = Task(40, 40, 1, 10, 256, goal=Goal.DETECTION)
TASKS = [DIGITS, FASHION, Task(32, 32, 3, 10, 256), SCENES]
CASES = [(name, task) for task in TASKS for name in method_names() if load_method(name).goal is task.goal]
REACT = ReActBlocks(quant_conv(MagnitudeAwareSign()), RSign, RPReLU)


def used(name: str, task: Task, seed: int = 0) -> tuple[torch.nn.Module, np.ndarray]:
    """A network whose running statistics have seen data, in evaluation mode, and raw images [N, H, W, C]."""
    torch.manual_seed(seed)
    images = np.random.default_rng(seed).integers(0, task.levels, (8, task.height, task.width, task.channels))
    module = load_method(name).build(task).double()
    maps = torch.from_numpy(images.transpose(0, 3, 1, 2)).double()
    for _ in range(3):
        module.train()(maps)
    return module.eval(), images


def graph_of(module: torch.nn.Module, task: Task) -> Graph:
    return from_torch(module, TensorType((task.height, task.width, task.channels), u((task.levels - 1).bit_length())))


@pytest.mark.parametrize(("name", "task"), CASES, ids=[f"{name}-{t.height}x{t.width}x{t.channels}" for name, t in CASES])
def test_graph_means_what_the_module_means(name: str, task: Task) -> None:
    module, images = used(name, task)
    with torch.no_grad():
        expected = module(torch.from_numpy(images.transpose(0, 3, 1, 2)).double()).numpy()
    actual = reference.run(graph_of(module, task), images)
    assert actual.shape == ((8, 5, 5, 15) if task is SCENES else (8, 10))
    assert np.abs(actual - expected).max() <= 1e-9


@pytest.mark.parametrize("task", [DIGITS, replace(FASHION, core=True)], ids=["digits", "core"])
@pytest.mark.parametrize("name", ["bnn", "binaryconnect", "dorefa", "full_precision", "twn", "xnornet"])
def test_filters_fit_a_core(name: str, task: Task) -> None:
    module, _ = used(name, task)
    weights = {node.name: node.op.constants().get("weight") for node in graph_of(module, task).nodes}
    fan_in = {name: int(np.prod(weight.shape[1:])) for name, weight in weights.items() if weight is not None}
    assert len(fan_in) == 6
    assert max(fan_in.values()) <= CORE_INPUTS, fan_in


def test_bnn_is_binary_throughout() -> None:
    module, _ = used("bnn", DIGITS)
    graph = graph_of(module, DIGITS)
    kinds = {n.op.constants()["weight"].dtype for n in graph.nodes if n.op.name in ("conv2d", "dense")}
    assert kinds == {DType(Encoding.BIPOLAR, 1)}
    assert sum(n.op.name == "sign" for n in graph.nodes) == 5


def back_to_sums(graph: Graph, name: str) -> list[Node]:
    """The nodes behind a tensor, down to the nearest sums of a shortcut, or to the image."""
    node = graph.by_name.get(name)
    if node is None or node.op.name == "add":
        return []
    return [node, *(found for source in node.inputs for found in back_to_sums(graph, source))]


@pytest.mark.parametrize(("name", "adds"), [("birealnet", 4), ("reactnet", 6)])
def test_real_shortcuts_stay_real(name: str, adds: int) -> None:
    """Of what meets in a sum one branch goes through the sign, and nothing on the other one is quantized."""
    module, _ = used(name, DIGITS)
    graph = graph_of(module, DIGITS)
    sums = [node for node in graph.nodes if node.op.name == "add"]
    assert len(sums) == adds
    for node in sums:
        assert all(graph.types[source].dtype.is_float for source in node.inputs)
        branches = sorted((back_to_sums(graph, source) for source in node.inputs), key=lambda found: signs_in(found) > 0)
        assert [signs_in(branch) for branch in branches] == [0, 1], node.name
        shortcut = [found.op for found in branches[0] if "stem" not in found.name]
        assert all(op.constants()["weight"].dtype.is_float for op in shortcut if op.linear)
        assert not {op.name for op in shortcut} & {"quantize", "multi_threshold"}


def signs_in(nodes: list[Node]) -> int:
    return sum(node.op.name == "sign" for node in nodes)


def test_react_block_duplicates_channels_on_the_same_bits() -> None:
    block = REACT(16, 32, 2).eval()
    x = torch.randn(2, 16, 8, 8)
    assert block(x).shape == (2, 32, 4, 4)
    assert len(block.conv2) == 2
    assert not hasattr(block.shortcut, "weight")


@pytest.mark.parametrize("name", ["birealnet", "reactnet"])
def test_odd_maps_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="multiples of 4, got 30x30"):
        load_method(name).build(Task(30, 30, 1, 10, 256))


def test_impossible_tasks_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 8x8, got 4x8"):
        Task(4, 8, 1, 10, 17)
    with pytest.raises(UsageError, match="at least 2 classes"):
        Task(8, 8, 1, 1, 17)
    with pytest.raises(UsageError, match="keeps or doubles"):
        REACT(16, 24, 1)
    with pytest.raises(UsageError, match=r"no core carries this network: a real shortcut .* leave out --core"):
        load_method("birealnet").build(replace(DIGITS, core=True))
    with pytest.raises(UsageError, match="no core carries this network: its filters see all channels"):
        load_method("self_binarizing").build(replace(DIGITS, core=True))


def test_without_groups_every_filter_sees_all_channels() -> None:
    module = load_method("self_binarizing").build(DIGITS)
    convs = [layer for layer in module.modules() if isinstance(layer, QuantConv2d)]
    assert [conv.weight.shape[1] for conv in convs] == [1, 32, 64, 64, 128]
    assert not any(isinstance(layer, torch.nn.ChannelShuffle) for layer in module.modules())
