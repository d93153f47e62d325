"""Graphs at the corners: nodes that nothing reads, outputs with a second life, thin maps, huge weights, few features."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from neurobin.errors import NeurobinError, UnsupportedError
from neurobin.exec import packed, reference
from neurobin.exec.kernels.machine import Backend, backend
from neurobin.exec.plan import plan as plans
from neurobin.exec.plan.plan import Plan
from neurobin.ir import BIPOLAR, FLOAT32, Builder, Constant, DType, Encoding, TensorType
from neurobin.ir.dtype import i, u
from neurobin.ops import op_class
from tests.exec.kernels.grid import same
from tests.exec.small import BACK_ENDS, Network, check, known, on_every_back_end
from tests.ir.strategies import random_constant
from tests.networks import binary_convnet, images

ROOT = Path(__file__).parents[3]
ONE, ZERO = Constant(i(2), [1]), Constant(i(2), [0])
pytestmark = pytest.mark.skipif(not BACK_ENDS, reason="llvmlite is not installed")
Request = pytest.FixtureRequest


@on_every_back_end
def test_an_output_that_is_the_input(backend: Backend) -> None:
    b = Network(5)
    b.op("relu", "x")
    check(b.graph("x"), backend)


@on_every_back_end
@pytest.mark.parametrize("channels", [8, 16, 64])
def test_an_output_that_a_padded_layer_reads_too(channels: int, backend: Backend) -> None:
    b = Network(4, 4, 3)
    at = b.op("requantise", b.conv("x", channels), multiplier=ONE, bias=ZERO, shift=6, dtype=i(8))
    b.conv(at, 4)
    check(b.graph(at), backend)


@on_every_back_end
@pytest.mark.parametrize("name", ["flatten", "reshape"])
def test_a_bordered_map_under_another_name(name: str, backend: Backend) -> None:
    """A 3x1 window wants rows around its map and no columns, so that its rows follow each other without gaps."""
    b = Network(8, 4, 16)
    at = b.op("requantise", "x", multiplier=ONE, bias=ZERO, shift=0, dtype=i(8))
    tall = b.op("int_conv2d", at, weight=random_constant(i(4), (16, 3, 1, 16), 0), padding=(1, 0, 1, 0))
    flat = b.op("flatten", at) if name == "flatten" else b.op("reshape", at, shape=(8 * 4 * 16,))
    parts = (b.op("requantise", at, multiplier=ONE, bias=ZERO, shift=0, dtype=i(32)) for at in (b.op("flatten", tall), flat))
    check(b.graph(b.op("concat", *parts)), backend)


UNREAD = {
    "slice": {"start": 0, "stop": 2},
    "flatten": {},
    "max_pool2d": {"kernel": (2, 2), "stride": (1, 1)},
    "sum_pool2d": {"kernel": (2, 2), "stride": (1, 1)},
    "channel_sum": {},
    "abs": {},
    "bit_conv2d": {"weight": Constant(BIPOLAR, np.ones((3, 1, 1, 5)))},
}


@on_every_back_end
@pytest.mark.parametrize("name", UNREAD)
def test_a_node_that_nothing_reads(name: str, backend: Backend) -> None:
    b = Network(4, 4, 5)
    out = b.conv("x", 5)
    b.op(name, out, **UNREAD[name])
    check(b.graph(out), backend)


@on_every_back_end
@pytest.mark.parametrize("dtype", [i(8), i(32), i(64)], ids=str)
@pytest.mark.parametrize("shape", [(1, 1), (2, 3, 1), (7, 7, 15)], ids=str)
def test_a_thin_map_is_written_and_nothing_behind_it(shape: tuple[int, ...], dtype: DType, backend: Backend) -> None:
    b = Network(*shape, dtype=i(8))
    at = b.op("requantise", "x", multiplier=Constant(i(4), [3]), bias=Constant(i(2), [1]), shift=0, dtype=dtype)
    check(b.graph(at), backend)


@on_every_back_end
def test_a_thin_map_between_steps_leaves_its_neighbour_alone(backend: Backend) -> None:
    b = Network(7, 7, 5, dtype=i(30))
    first, second = b.op("relu", "x"), b.op("abs", "x")
    at = b.op("add", b.conv(b.op("slice", first, start=0, stop=3), 5), second)
    check(b.graph(b.op("add", at, first)), backend)


@on_every_back_end
@pytest.mark.parametrize("left", [(2, 3, 4, 5), (3, 2, 1, 2, 20)], ids=str)
@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1), (2, -1)], ids=str)
def test_operands_of_many_axes_stretch(left: tuple[int, ...], axes: tuple[int, ...], backend: Backend) -> None:
    """`axes` of the other operand have size 1."""
    right = list(left)
    for axis in axes:
        right[axis] = 1
    b = Network(int(np.prod(left)))
    whole = b.op("reshape", "x", shape=left)
    part = b.op("reshape", b.op("slice", "x", start=0, stop=int(np.prod(right))), shape=tuple(right))
    check(b.graph(b.op("multiply", whole, part)), backend)


@on_every_back_end
@pytest.mark.parametrize("kinds", [(i(17), i(17), 2**15), (i(25), i(9), 2**7)], ids=str)
def test_digits_that_reach_the_end_of_32_bits(kinds: tuple[DType, DType, int], backend: Backend) -> None:
    """The lowest activation times the weight is -2^31, which fits; the highest digits are a block of sums 32 places up."""
    b = Network(1, dtype=kinds[0])
    graph = b.graph(b.op("int_dense", "x", weight=Constant(kinds[1], [[kinds[2]], [-1]])))
    assert graph.types[graph.output].dtype == i(32)
    x = np.array([[kinds[0].low], [kinds[0].high], [3]])
    assert np.array_equal(Plan(graph, backend).run(x), reference.run(graph, x))


@on_every_back_end
@pytest.mark.parametrize("scale", [100, 2**24, 2**25, 2**40])
def test_planes_of_great_weight(scale: int, backend: Backend) -> None:
    b = Network(64)
    dtype = DType(Encoding.UNSIGNED, 1, (scale,))
    at = b.op("multi_threshold", "x", thresholds=Constant(i(2), [[0]]), dtype=dtype)
    check(b.graph(b.op("bit_dense", at, weight=random_constant(BIPOLAR, (5, 64), 1))), backend)


@on_every_back_end
@pytest.mark.parametrize("features", [2, 16, 33, 63, 64, 130])
@pytest.mark.parametrize("source", ["input", "map"])
def test_matrices_of_few_features_and_many_rows(features: int, source: str, backend: Backend) -> None:
    b = Network(features)
    at = same(b, "x") if source == "map" else "x"
    graph = b.graph(b.op("int_dense", at, weight=random_constant(i(8), (17, features), 1)))
    check(graph, backend, (5, 65, 130))


@on_every_back_end
@pytest.mark.parametrize(("channels", "groups"), [(2, 2), (64, 4), (96, 2), (128, 2)])
def test_groups_on_a_map_of_one_pixel(channels: int, groups: int, backend: Backend, request: Request) -> None:
    known(request, "grouped matrix", backend.name == "amx" and channels // groups % 64 != 0)
    b = Network(1, 1, channels)
    weight = random_constant(i(8), (32 * groups, 1, 1, channels // groups), 1)
    check(b.graph(b.op("int_conv2d", "x", weight=weight, groups=groups)), backend, (1, 5, 65))


NARROW = [((1, 1), (3, 3), (1, 1)), ((4, 2), (5, 5), (1, 1)), ((3, 3), (3, 3), (1, 3))]


@on_every_back_end
@pytest.mark.parametrize(("size", "kernel", "dilation"), NARROW)
@pytest.mark.parametrize(("dtype", "pad_value"), [(BIPOLAR, 0), (BIPOLAR, 1), (i(8), 0)], ids=str)
def test_maps_narrower_than_the_window(
    size: tuple[int, int], kernel: tuple[int, int], dilation: tuple[int, int], dtype: DType, pad_value: int, backend: Backend
) -> None:
    """The last stage of a ResNet on small images: one pixel under 3 x 3 taps."""
    b = Network(*size, 20, dtype=dtype)
    weight = random_constant(BIPOLAR, (17, *kernel, 20), 1)
    margins = tuple(d * (k // 2) for d, k in zip(dilation, kernel, strict=True))
    at = b.op("bit_conv2d", "x", weight=weight, padding=margins * 2, pad_value=pad_value, dilation=dilation)
    check(b.graph(at), backend)


def read_a_table(name: str) -> None:
    """Behind a cut of 13 channels, the lanes of three more hold what another tensor left there."""
    b = Network(4, 4, 17, dtype=i(32))
    at = b.op("max_pool2d", "x", kernel=(1, 1), stride=(1, 1))
    at = b.op("requantise", at, multiplier=ONE, bias=ZERO, shift=15, dtype=i(17))
    at = b.op("slice", at, start=0, stop=13)
    graph = b.graph(b.op("lookup", at, table=random_constant(i(8), (1, 2**17), 1), low=-(2**16)))
    check(graph, backend(name), (2,), (1,))


@on_every_back_end
def test_a_table_is_not_read_far_beyond_its_ends(backend: Backend) -> None:
    """In a process of its own, since it may crash."""
    code = f"from tests.exec.plan.test_corners import read_a_table; read_a_table({backend.name!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-500:]


@on_every_back_end
def test_signed_bits(backend: Backend) -> None:
    """i1 holds -1 and 0, as an operand and as a weight."""
    b = Network(3, 3, 70, dtype=i(1))
    at = b.op("bit_conv2d", "x", weight=random_constant(i(1), (7, 2, 2, 70), 1))
    at = b.op("requantise", at, multiplier=Constant(i(2), [-1]), bias=ZERO, shift=3, dtype=i(1))
    check(b.graph(b.op("bit_conv2d", at, weight=random_constant(u(1), (3, 2, 2, 7), 3))), backend)


@on_every_back_end
@pytest.mark.parametrize("dtype", [i(17), i(33), i(40), u(63)], ids=str)
def test_weights_of_nothing_but_zeros(dtype: DType, backend: Backend) -> None:
    b = Network(3, dtype=dtype)
    check(b.graph(b.op("int_dense", "x", weight=Constant(i(2), np.zeros((4, 3))))), backend)


@on_every_back_end
def test_one_map_read_by_layers_with_other_padding(backend: Backend) -> None:
    """Only one of them can find its padding around the map as it lies."""
    b = Network(5, 4, 20, dtype=i(8))
    at = same(b, "x")
    found = [b.conv(at, 9, pad_value=value) for value in (1, 0, -1, 1)]
    found.append(b.op("int_conv2d", at, weight=random_constant(i(4), (9, 1, 1, 20), 3)))
    total = found[0]
    for other in found[1:]:
        total = b.op("add", total, other)
    check(b.graph(total), backend)


@on_every_back_end
def test_a_view_of_a_view_and_its_source(backend: Backend) -> None:
    b = Network(4, 4, 16)
    at = same(b, "x")
    vector = b.op("flatten", at)
    again = b.op("reshape", vector, shape=(16, 4, 4))
    conv = b.op("int_conv2d", again, weight=random_constant(i(4), (4, 1, 1, 4), 1))
    check(b.graph(b.op("add", b.op("reshape", conv, shape=(256,)), vector)), backend)


# Callers


def test_two_callers_of_one_graph_get_their_own_results() -> None:
    """Both have written their images before either runs."""
    graph = binary_convnet(8)
    x = [images(graph, 2, seed) for seed in (1, 2)]
    expected = [reference.run(graph, given) for given in x]
    packed.run(graph, x[0])
    meeting, found = threading.Barrier(2), [np.zeros(0)] * 2
    run = plans.Bound.run

    def late(bound: plans.Bound) -> None:
        with suppress(threading.BrokenBarrierError):
            meeting.wait(1)
        run(bound)

    def call(number: int) -> None:
        found[number] = packed.run(graph, x[number])

    with patch.object(plans.Bound, "run", late):
        callers = [threading.Thread(target=call, args=(number,)) for number in range(2)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


TWO_TEAMS = """
import os, threading
from tests.exec.plan.test_corners import BACK_ENDS, Plan, binary_convnet, plans
pool, gate = plans._pool, threading.Barrier(2)
class Gated:
    def __init__(self, threads): self.pool = pool(threads)
    def submit(self, call):
        try: gate.wait(0.5)
        except threading.BrokenBarrierError: pass
        return self.pool.submit(call)
plans._pool = Gated
bound = [Plan(binary_convnet(seed), BACK_ENDS[0]).bind(1, 3) for seed in (1, 2)]
callers = [threading.Thread(target=each.run, daemon=True) for each in bound]
for caller in callers: caller.start()
for caller in callers: caller.join(1)
os._exit(any(caller.is_alive() for caller in callers))
"""


def test_two_teams_of_three_threads_do_not_wait_for_each_other() -> None:
    """Their threads are started in turns: one of each team, then another one of each."""
    done = subprocess.run(
        [sys.executable, "-c", TWO_TEAMS], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-500:]


@pytest.mark.parametrize("threads", [0, -1])
def test_there_is_at_least_one_thread(threads: int, request: Request) -> None:
    known(request, "threads")
    graph = binary_convnet(1)
    with pytest.raises(NeurobinError):
        packed.run(graph, images(graph, 2), threads=threads)


def test_steps_of_a_real_network_are_refused_or_right() -> None:
    b = Builder({"x": TensorType((3,), FLOAT32)})
    graph = b.graph(b.add(op_class("add")(), b.add(op_class("relu")(), "x"), "x"))
    x = np.array([[-1.5, 0.25, 3.0]])
    with suppress(UnsupportedError):
        found = {name: value.values().tolist() for name, value in packed.steps(graph, x)}
        assert found == {name: value.tolist() for name, value in reference.run_all(graph, x).items()}
