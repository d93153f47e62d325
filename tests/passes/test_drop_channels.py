"""Channels that are always zero leave the graph, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from neurobin.exec import packed, reference
from neurobin.ir import BIPOLAR, FLOAT64, Constant, Graph, TensorType
from neurobin.ir.dtype import u
from neurobin.passes import Precision, lower
from neurobin.passes.drop_channels import DropChannels
from tests.passes.trained import Trained, images

OPEN = np.array([1.0, 0, 1, 1, 0, 1])


def network(
    seed: int, *, scale: np.ndarray = OPEN, groups: int = 1, pooled: bool = False, dense: bool = False, twice: bool = False
) -> Graph:
    """conv -> batch norm -> sign -> [pool] -> gate -> conv or dense; `twice`: the gate has a second reader."""
    b = Trained(seed, TensorType((4, 4, 2), u(5)))
    x = b.quantizer(b.batch_norm(b.conv(b.input(), 6, BIPOLAR)), 1)
    if dense:
        x = b.op("flatten", b.op("max_pool2d", x, kernel=(4, 4), stride=(4, 4)))
    elif pooled:
        x = b.op("max_pool2d", x, kernel=(2, 2), stride=(2, 2))
    x = b.op("affine", x, scale=Constant(FLOAT64, scale))
    if dense:
        return b.graph(b.op("dense", x, weight=Constant(BIPOLAR, b.rng.choice([-1, 1], (3, 6)))))
    y = b.conv(x, 4, BIPOLAR, groups=groups)
    return b.graph(b.op("add", y, b.conv(x, 4, BIPOLAR)) if twice else y)


def weights(graph: Graph) -> list[tuple[int, ...]]:
    return [node.op.constants()["weight"].shape for node in graph.nodes if "weight" in node.op.constants()]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", [{}, {"pooled": True}, {"dense": True}, {"scale": OPEN * 0.5}])
def test_the_smaller_network_is_the_same(seed: int, kind: dict) -> None:
    graph = network(seed, **kind)
    smaller = DropChannels().apply(graph).verify()
    first, second = weights(smaller)
    assert (first[0], second[-1]) == (4, 4)
    x = images(graph, 8, seed)
    np.testing.assert_allclose(reference.run(smaller, x), reference.run(graph, x), rtol=1e-12, atol=1e-12)


def test_deployed_networks_are_smaller() -> None:
    graph = network(0)
    x = images(graph, 16)
    deployed, whole = lower(graph, x, Precision()), lower(network(0, scale=np.ones(1)), x, Precision())
    assert [shape[0] for shape in weights(deployed)] == [4, 4]
    assert [shape[0] for shape in weights(whole)] == [6, 4]
    assert deployed.total_work().bits_weights < whole.total_work().bits_weights
    scores = reference.run(deployed, x)
    assert np.array_equal(packed.run(deployed, x), scores)
    np.testing.assert_allclose(scores * deployed.meta["scales"][deployed.output], reference.run(graph, x), atol=2e-3)


@pytest.mark.parametrize(
    "kind", [{"groups": 2}, {"twice": True}, {"scale": np.zeros(6)}, {"scale": np.ones(6)}, {"scale": np.ones(1)}]
)
def test_where_nothing_can_go_all_stays(kind: dict) -> None:
    graph = network(1, **kind)
    assert DropChannels().apply(graph).nodes == graph.nodes
