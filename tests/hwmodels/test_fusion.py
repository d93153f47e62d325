"""Stages cover every node once, in an order that can run, and never hide a tensor that someone else reads."""

from __future__ import annotations

import pytest

from hwmodels.fusion import stages
from tests.networks import binary_convnet, residual_convnet


@pytest.mark.parametrize("graph", [binary_convnet(), residual_convnet()], ids=["plain", "residual"])
def test_stages_partition_the_graph(graph):
    made = stages(graph)
    names = [node.name for stage in made for node in stage.nodes]
    assert sorted(names) == sorted(node.name for node in graph.nodes)
    stored = set(graph.inputs)
    for stage in made:
        assert set(stage.inputs) <= stored
        stored.add(stage.output)
    assert set(graph.outputs) <= stored


def test_a_residual_block_is_one_stage():
    chains = [tuple(node.op.name for node in stage.nodes) for stage in stages(residual_convnet())]
    assert chains.count(("bit_conv2d", "requantise", "prelu", "add")) == 2


def test_a_tensor_with_two_readers_ends_its_stage():
    graph = residual_convnet()
    twice = [name for name, readers in graph.consumers.items() if len(readers) > 1]
    outputs = {stage.output for stage in stages(graph)}
    assert twice
    assert set(twice) <= outputs | set(graph.inputs)
