"""The packed engine equals the reference on whole networks, for any batch split."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurobin.errors import UnsupportedError
from neurobin.exec import packed, reference
from neurobin.exec.compare import first_divergence
from neurobin.ir import BIPOLAR, TERNARY, Builder, DType, Encoding, Graph, TensorType
from neurobin.ir.dtype import i, u
from neurobin.ops.affine import Affine
from tests.ir.strategies import seeds
from tests.networks import binary_convnet, images, residual_convnet

DTYPES = [
    (BIPOLAR, 0),
    (BIPOLAR, 1),
    (BIPOLAR, -1),
    (TERNARY, 0),
    (TERNARY, -1),
    (u(2), 0),
    (u(2), 1),
    (DType(Encoding.BIPOLAR, 2), 0),
    (DType(Encoding.BIPOLAR, 2), 1),
    (DType(Encoding.UNSIGNED, 2, (5, 2)), 0),
]


@settings(max_examples=30)
@given(seed=seeds, kind=st.sampled_from(DTYPES), groups=st.sampled_from([1, 2, 4]), share=st.sampled_from([1, 2, 8, 31, 33]))
def test_random_networks(seed: int, kind: tuple[DType, int], groups: int, share: int) -> None:
    graph = binary_convnet(seed, size=4, channels=groups * share, groups=groups, dtype=kind[0], pad_value=kind[1])
    assert first_divergence(graph, images(graph, 3, seed)) is None


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 256])
@pytest.mark.parametrize("graph", [binary_convnet(3), residual_convnet(3, channels=33)])
def test_any_batch_size_gives_the_same(graph: Graph, batch: int) -> None:
    x = images(graph, 5)
    y = packed.run(graph, x, batch)
    assert y.dtype == np.int64
    assert np.array_equal(y, reference.run(graph, x))


@pytest.mark.parametrize("graph", [binary_convnet(), residual_convnet()])
def test_empty_batches(graph: Graph) -> None:
    assert packed.run(graph, images(graph, 0)).shape == (0, 10)
    assert [value.shape[0] for _, value in packed.steps(graph, images(graph, 0))] == [0] * (len(graph.nodes) + 1)


def test_tensors_are_forgotten_after_their_last_use() -> None:
    graph = residual_convnet()
    steps = packed.numpy_steps(graph, images(graph, 1))
    last, seen = graph.last_use(), []
    for index, (name, _) in enumerate(steps, start=-1):
        seen.append(name)
        live = steps.gi_frame.f_locals["live"] if steps.gi_frame else {}  # type: ignore[attr-defined]
        assert all(last[other] >= index for other in live), index
    assert seen == [graph.input, *(node.name for node in graph.nodes)]


def test_real_networks_are_refused() -> None:
    builder = Builder({"x": TensorType((2,), i(4))})
    graph = builder.graph(builder.add(Affine(), "x", name="scale"))
    with pytest.raises(UnsupportedError, match="tensor 'scale' is real; the packed engine runs integers"):
        packed.run(graph, np.zeros((1, 2)))
