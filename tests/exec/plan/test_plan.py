"""Plans: bound memory that is used again and again, results that no split of the images and no thread changes."""

from __future__ import annotations

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

from neurobin import zoo
from neurobin.data import load_dataset
from neurobin.errors import GraphError
from neurobin.exec import packed, reference
from neurobin.exec.kernels.machine import VARIABLE, Backend, available
from neurobin.exec.plan.plan import Plan
from neurobin.ir import BIPOLAR, DType, Graph
from neurobin.ir.dtype import i, u
from tests.exec.kernels.grid import same
from tests.exec.small import BACK_ENDS, Negated, Network, check, on_every_back_end
from tests.ir.strategies import random_constant
from tests.networks import binary_convnet, images, residual_convnet

pytestmark = pytest.mark.skipif(not BACK_ENDS, reason="llvmlite is not installed")


# Bound plans


@on_every_back_end
@pytest.mark.parametrize("graph", [binary_convnet(2), residual_convnet(2, channels=17)], ids=["binary", "residual"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_bound_plan_is_run_again_and_again(graph: Graph, threads: int, backend: Backend) -> None:
    bound = Plan(graph, backend).bind(4, threads)
    given, made = bound.input, bound.output
    assert given.shape == (4, *graph.types[graph.input].shape)
    assert made.shape == (4, *graph.types[graph.output].shape)
    for seed in range(3):
        x = images(graph, 4, seed)
        given[...] = x
        bound.run()
        assert np.array_equal(made, reference.run(graph, x))
        assert np.array_equal(given, x), "a run changed its input"
    assert bound.input is given
    assert bound.output is made
    bound.run()
    assert np.array_equal(made, reference.run(graph, x))


@on_every_back_end
def test_two_bound_plans_do_not_meet(backend: Backend) -> None:
    graph = binary_convnet(2)
    plan = Plan(graph, backend)
    both = [plan.bind(3), plan.bind(3)]
    x = [images(graph, 3, seed) for seed in (1, 2)]
    for bound, given in zip(both, x, strict=True):
        bound.input[...] = given
    for bound in both:
        bound.run()
    for bound, given in zip(both, x, strict=True):
        assert np.array_equal(bound.output, reference.run(graph, given))


@on_every_back_end
def test_a_run_allocates_nothing(backend: Backend) -> None:
    graph = binary_convnet(2)
    bound = Plan(graph, backend).bind(8)
    bound.input[...] = images(graph, 8)
    bound.run()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(100):
            bound.run()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 400
    assert peak - before < 1000  # the eight arguments of the native call, for its duration


@on_every_back_end
@pytest.mark.parametrize("graph", [binary_convnet(5), residual_convnet(5, channels=9)], ids=["binary", "residual"])
def test_neither_threads_nor_the_split_of_the_images_matter(graph: Graph, backend: Backend) -> None:
    x = images(graph, 11)
    expected = reference.run(graph, x)
    plan = Plan(graph, backend)
    for threads in (1, 2, 3, 5):
        for count in (1, 4, 11):
            split = [plan.run(x[start : start + count], threads) for start in range(0, 11, count)]
            assert np.array_equal(np.concatenate(split), expected), (threads, count)


@on_every_back_end
def test_chunks_join_without_a_seam(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of one to three images, several bound runs, and a last one that is smaller."""
    graph = binary_convnet(6)
    x = images(graph, 23)
    expected = reference.run(graph, x)
    plan = Plan(graph, backend)
    for chunk in (1, 2, 3):
        plan.best_chunk = chunk
        for threads in (1, 2):
            assert np.array_equal(plan.run(x, threads), expected), (chunk, threads)


@on_every_back_end
def test_a_caller_with_ever_new_sizes(backend: Backend) -> None:
    graph = residual_convnet(1)
    plan = Plan(graph, backend)
    for count in (1, 2, 3, 4, 5, 6, 7, 1, 2):
        x = images(graph, count, count)
        assert np.array_equal(plan.run(x), reference.run(graph, x))


def test_plans_go_with_their_graph() -> None:
    graph = binary_convnet(7)
    packed.run(graph, images(graph, 1))
    plan = weakref.ref(packed.plan(graph))
    assert packed.plan(graph) is plan()
    watched_graph, count = weakref.ref(graph), len(packed._plans)
    del graph
    gc.collect()
    assert watched_graph() is None
    assert plan() is None
    assert len(packed._plans) == count - 1


@on_every_back_end
def test_every_tensor_can_be_kept(backend: Backend) -> None:
    for graph in (binary_convnet(3), residual_convnet(3, channels=5)):
        x = images(graph, 3)
        found = Plan(graph, backend, frozenset(graph.types)).trace(x)
        expected = reference.run_all(graph, x)
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            assert np.array_equal(found[name], value), name


# Doors


@on_every_back_end
def test_an_empty_batch(backend: Backend) -> None:
    graph = binary_convnet()
    plan = Plan(graph, backend, frozenset(graph.outputs))
    assert plan.run(images(graph, 0)).shape == (0, 10)
    assert plan.trace(images(graph, 0))[graph.output].shape == (0, 10)
    bound = plan.bind(0, 2)
    bound.run()
    assert bound.output.shape == (0, 10)


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((2, 8, 8), np.int64),
        np.zeros((8, 8, 1), np.int64),
        np.full((1, 8, 8, 1), 256),
        np.full((1, 8, 8, 1), -1),
        np.full((1, 8, 8, 1), 0.5),
        np.full((1, 8, 8, 1), np.nan),
        np.full((1, 8, 8, 1), "1"),
        np.zeros((0, 8, 8, 2), np.int64),
    ],
    ids=["shape", "no batch", "too large", "too small", "no whole number", "nan", "text", "empty of another shape"],
)
@pytest.mark.parametrize("name", [b.name for b in available()])
def test_the_engine_refuses_what_the_reference_refuses(x: np.ndarray, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, name)
    graph = binary_convnet()
    with pytest.raises(GraphError) as expected:
        reference.run(graph, x)
    with pytest.raises(GraphError) as found:
        packed.run(graph, x)
    assert str(found.value) == str(expected.value)
    with pytest.raises(GraphError) as found:
        list(packed.steps(graph, x))
    assert str(found.value) == str(expected.value)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint64, np.float32, bool])
def test_whole_numbers_of_any_numpy_type_are_an_input(kind: type) -> None:
    graph = binary_convnet()
    x = (images(graph, 3) % 2).astype(kind)
    assert np.array_equal(packed.run(graph, x), reference.run(graph, x))
    assert np.array_equal(packed.run(graph, np.asfortranarray(x)[::-1]), reference.run(graph, x)[::-1])


# Nodes that numpy computes


@on_every_back_end
@pytest.mark.parametrize("count", [1, 3, 40])
def test_a_graph_with_an_op_that_has_no_native_form_runs_mixed(count: int, backend: Backend) -> None:
    """Between native steps, as the first node and as the last one; for one thread and two."""
    b = Network(5, 5, 3)
    at = b.conv(b.add(Negated(), "x"), 20)
    at = b.add(Negated(), b.op("relu", at))
    at = b.conv(at, 17)
    graph = b.graph(b.add(Negated(), b.op("max_pool2d", at, kernel=(2, 2), stride=(2, 2))))
    instance = Plan(graph, backend).instance(1)
    assert not instance.is_native
    assert len(instance.segments) == 5
    check(graph, backend, (count,))


@on_every_back_end
def test_a_network_of_nothing_but_unknown_ops(backend: Backend) -> None:
    b = Network(7)
    check(b.graph(b.add(Negated(), b.add(Negated(), "x"))), backend)


@on_every_back_end
@pytest.mark.parametrize("name", ["arg_max", "channel_sum"])
def test_a_reduction_behind_a_linear_layer(name: str, backend: Backend) -> None:
    b = Network(70)
    at = b.op("int_dense", "x", weight=random_constant(i(8), (33, 70), 0))
    check(b.graph(b.op(name, at)), backend)


@on_every_back_end
@pytest.mark.parametrize("dtype", [BIPOLAR, i(8), u(8), i(32), i(64)], ids=str)
@pytest.mark.parametrize("channels", [1, 2, 15, 16, 17, 40])
def test_the_first_of_equals_is_the_largest(channels: int, dtype: DType, backend: Backend) -> None:
    b = Network(channels, dtype=dtype)
    graph = b.graph(b.op("arg_max", "x"))
    least, rng = dtype.low, np.random.default_rng(channels)
    x = np.full((channels + 8, channels), least)
    x[np.arange(channels), np.arange(channels)] = dtype.high  # one largest, at every place
    for row in x[channels + 1 :]:  # one row of nothing but the least number, then ties
        row[rng.integers(0, channels, 3)] = dtype.high
    plan = Plan(graph, backend)
    assert plan.instance(1).is_native
    assert np.array_equal(plan.run(x), reference.run(graph, x))


@on_every_back_end
@pytest.mark.parametrize("value", [0, 1, -1, 100, 300])
@pytest.mark.parametrize("padding", [(1, 0, 2, 3), (0, 0, 0, 1), (0, 0, 0, 0)], ids=str)
def test_explicit_padding(padding: tuple[int, int, int, int], value: int, backend: Backend) -> None:
    b = Network(4, 5, 20, dtype=BIPOLAR)
    at = b.op("pad", same(b, "x"), padding=padding, value=value)
    check(b.graph(b.conv(at, 9)), backend)


@on_every_back_end
def test_padding_is_native(backend: Backend) -> None:
    b = Network(4, 5, 20, dtype=BIPOLAR)
    graph = b.graph(b.op("pad", "x", padding=(1, 0, 2, 3), value=0))
    assert Plan(graph, backend).instance(1).is_native
    check(graph, backend)


# Networks that ship


@pytest.mark.parametrize("backend", available(), ids=lambda b: b.name)
@pytest.mark.parametrize("name", ["reactnet_digits", "xnornet_digits"])
def test_a_forced_back_end_gives_the_same_integers(name: str, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, backend.name)
    graph = zoo.load(name)
    x = load_dataset("digits").x_test[:40]
    expected = reference.run(graph, x)
    assert np.array_equal(packed.run(graph, x), expected)
    assert np.array_equal(packed.run(graph, x[:1], threads=2), expected[:1])
    assert np.array_equal(packed.run(graph, x, threads=2), expected)
