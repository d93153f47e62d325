"""Eedn's network: filters that fit cores, votes that are counted, and the same integers on cores as anywhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from hwmodels.target import load_target
from hwmodels.truenorth import TrueNorthTarget
from neurobin.data import load_dataset
from neurobin.errors import UsageError
from neurobin.exec import packed, reference
from neurobin.frontend.torch import from_torch
from neurobin.ir import BINARY, Builder, Graph, TensorType
from neurobin.ir.dtype import u
from neurobin.methods import load_method
from neurobin.nets import Task
from neurobin.nets.eedn import SMALL, CoreLayer, Eedn, SpikeCount
from neurobin.passes import lower
from tests.nets.test_nets import used

EEDN = load_method("eedn").build
DIGITS, FASHION = Task(8, 8, 1, 10, 17), Task(28, 28, 1, 10, 256)
assert isinstance(EEDN, Eedn)


def deployed(task: Task, seed: int = 0) -> tuple[torch.nn.Module, Graph, np.ndarray]:
    """A network with random weights whose batch norms have seen data, lowered, and raw images."""
    module, images = used("eedn", task, seed)
    image = TensorType((task.height, task.width, task.channels), u((task.levels - 1).bit_length()))
    return module, lower(from_torch(module, image), images), images


@pytest.mark.parametrize("task", [DIGITS, FASHION, Task(32, 32, 3, 10, 256), Task(9, 9, 1, 7, 2)], ids=str)
def test_every_filter_on_cores_reads_at_most_128_single_bits(task: Task) -> None:
    module, graph, images = deployed(task)
    convs = [node for node in graph.nodes if node.op.name == "bit_conv2d"]
    assert len(convs) == len(SMALL)
    for node in convs:
        assert graph.types[node.inputs[0]].dtype == BINARY
        assert np.prod(node.op.constants()["weight"].shape[1:]) <= 128
    assert graph.types[graph.output].shape == (task.classes,)
    with torch.no_grad():
        logits = module(torch.from_numpy(images.transpose(0, 3, 1, 2)).double()).numpy()
    scores = reference.real_outputs(graph, reference.run(graph, images))
    np.testing.assert_allclose(scores, logits, atol=1e-9)  # nothing is rounded in deployment


def test_maps_shrink_as_the_layers_say() -> None:
    _, graph, _ = deployed(FASHION)
    sizes = [graph.types[node.name].shape for node in graph.nodes if node.op.name == "multi_threshold"]
    assert sizes == [(28, 28, 16), (14, 14, 128), (14, 14, 128), (7, 7, 256), (7, 7, 256), (7, 7, 256), (7, 7, 256),
                     (4, 4, 512), (4, 4, 512), (4, 4, 500)]  # fmt: skip


def test_every_class_has_the_same_number_of_votes() -> None:
    votes = SpikeCount(3, gain=2.0)
    spikes = torch.zeros(1, 6, 2, 2)
    spikes[0, 4, 1, 0] = spikes[0, 1, 0, 0] = spikes[0, 5, 1, 1] = 1
    assert votes(spikes).tolist() == [[0, 2 * 2 / 8, 2 * 1 / 8]]
    b = Builder({"x": TensorType((2, 2, 6), BINARY)})
    graph = b.graph(votes.emit(b, "x"))
    x = np.random.default_rng(0).integers(0, 2, (5, 2, 2, 6))
    expected = votes(torch.from_numpy(x.transpose(0, 3, 1, 2)).double()).numpy()
    np.testing.assert_allclose(reference.run(graph, x), expected, atol=1e-12)
    half = votes(torch.ones(1, 300, 4, 4, dtype=torch.bfloat16))
    assert half.dtype == torch.float32  # counts beyond 256 survive training in bfloat16


def test_cores_compute_the_same_integers() -> None:
    _, graph, images = deployed(DIGITS)
    target = load_target("truenorth")
    assert isinstance(target, TrueNorthTarget)
    assert target.check(graph) == []
    mapping = target.map(graph)
    summary = mapping.summary()
    assert len(summary["layers"]) == len(SMALL)
    assert {node.split(".")[0] for node in summary["host_before"]} == {"input_2", "conv0", "spike0"}
    assert mapping.ticks == len(SMALL)
    expected = reference.run(graph, images)
    assert np.array_equal(packed.run(graph, images), expected)
    assert np.array_equal(target.execute(mapping, images), expected)
    assert expected.max() > 0
    assert len(np.unique(expected)) > 3


def test_the_zoos_network_fits_one_chip() -> None:
    """Fashion-MNIST's size: the cores of the published layer table's kind, tile by tile (see the module of the network)."""
    _, graph, _ = deployed(FASHION)
    target = load_target("truenorth_1v0")
    assert target.check(graph) == []
    mapping = target.map(graph)
    assert isinstance(target, TrueNorthTarget)
    cores = [row["cores"] for row in mapping.summary()["layers"]]  # type: ignore[index, union-attr]
    assert cores == [392, 340, 340, 338, 512, 98, 128, 64, 64]


def test_it_learns_the_digits() -> None:
    from neurobin.train import train_on

    method = load_method("eedn")
    result = train_on(method, load_dataset("digits"), epochs=10, progress=False)
    assert result.accuracy > 0.6
    codes = [layer.quantizer.terms(layer.weight)[0].codes for layer in result.module[4:] if hasattr(layer, "quantizer")]
    assert [set(c.unique().tolist()) for c in codes] == [{-1, 0, 1}] * len(SMALL)


def test_impossible_networks_are_refused() -> None:
    with pytest.raises(UsageError, match="square images, got 8x16"):
        EEDN(replace(DIGITS, width=16))
    with pytest.raises(UsageError, match="filters of layer 1 read 144 inputs, a core carries 128"):
        replace(EEDN, layers=(CoreLayer(3, 32, 1),))(DIGITS)
