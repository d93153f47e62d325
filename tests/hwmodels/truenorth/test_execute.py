"""The cores compute the reference's integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.truenorth.execute import run
from hwmodels.truenorth.semantics.neuron import SEMANTICS
from neurobin.exec import reference
from neurobin.ir import BINARY, BIPOLAR, TERNARY, Constant, DType, Graph, TensorType
from neurobin.ir.dtype import i
from tests.hwmodels.truenorth.nets import bits, small_target, target, windows, wired
from tests.networks import Random, binary_convnet, images


def same(graph: Graph, x: np.ndarray, chip: str = "truenorth") -> None:
    machine = target(chip)
    np.testing.assert_array_equal(machine.execute(machine.map(graph), x), reference.run(graph, x), strict=True)


@pytest.mark.parametrize("dtype", [BIPOLAR, BINARY])
@pytest.mark.parametrize(("channels", "groups"), [(16, 2), (8, 1), (12, 4), (28, 2)])
@pytest.mark.parametrize("pad_value", [0, 1])
def test_random_networks(dtype: DType, channels: int, groups: int, pad_value: int) -> None:
    graph = binary_convnet(channels, channels=channels, groups=groups, dtype=dtype, pad_value=pad_value)
    same(graph, images(graph, 23))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 999),
    dtype_pad=st.sampled_from([(BIPOLAR, 0), (BIPOLAR, 1), (BIPOLAR, -1), (BINARY, 0), (BINARY, 1)]),
    stride=st.integers(1, 2),
    dilation=st.integers(1, 2),
    groups=st.sampled_from([1, 2, 4]),
    weight=st.sampled_from([TERNARY, BIPOLAR]),
)
def test_any_window(seed: int, dtype_pad: tuple[DType, int], stride: int, dilation: int, groups: int, weight: DType) -> None:
    dtype, pad_value = dtype_pad
    graph = windows(seed, dtype=dtype, pad_value=pad_value, stride=stride, dilation=dilation, groups=groups, weight=weight)
    same(graph, bits(graph, 5, seed), "truenorth" if seed % 2 else "truenorth_1v0")


@pytest.mark.parametrize("dtype", [BIPOLAR, BINARY])
@pytest.mark.parametrize("seed", range(4))
def test_wiring_meets_paths_of_different_depth(dtype: DType, seed: int) -> None:
    graph = wired(seed, dtype)
    mapping = target().map(graph)
    assert {1, 2, 3} <= set(mapping.cores.delay[mapping.cores.destination_core >= 0]) | set(mapping.routes.packets[3])
    same(graph, bits(graph, 9))


@pytest.mark.parametrize(("dtype", "value"), [(BIPOLAR, 1), (BIPOLAR, -1), (BINARY, 1), (BINARY, 0)])
def test_padded_constants_in_pools_filters_and_outputs(dtype: DType, value: int) -> None:
    """A constant takes no axon: it moves a threshold, makes a pool always fire, or is filled in by the host."""
    b = Random(1, TensorType((4, 4, 3), dtype))
    x = b.op("pad", "image", padding=(1, 0, 1, 2), value=value)
    x = b.op("max_pool2d", x, kernel=(2, 2), stride=(1, 1))
    x = b.op("pad", x, padding=(0, 1, 1, 0), value=value)
    x = b.sign(b.op("bit_conv2d", x, weight=b.weight(TERNARY, 4, 2, 2, 3)), dtype)
    graph = b.graph(b.op("pad", x, padding=(1, 0, 0, 1), value=value))
    same(graph, bits(graph, 11))
    same(graph, np.full((1, 4, 4, 3), dtype.low))


def test_thermometers_of_any_length() -> None:
    """A class whose weights are all 0 has no thermometer neuron and a constant score."""
    b = Random(2, TensorType((3, 4, 2), i(8)))
    x = b.op("flatten", b.sign(b.op("bit_conv2d", b.sign("image", BINARY), weight=b.weight(TERNARY, 3, 1, 1, 2)), BIPOLAR))
    weight = np.random.default_rng(0).integers(-1, 2, (5, 36)) * np.array([[1], [1], [0], [1], [1]])
    graph = b.graph(b.op("bit_dense", x, weight=Constant(TERNARY, weight)))
    same(graph, bits(graph, 11))


def test_ties_and_thresholds_out_of_reach() -> None:
    """Each sum meets each threshold from below the lowest to above the highest sum, ascending and descending."""
    levels = np.arange(-8, 9)
    b = Random(0, TensorType((6,), BIPOLAR))
    rows = b.op("bit_dense", "image", weight=Constant(BIPOLAR, np.tile([1, -1, 1, 1, -1, 1], (2 * len(levels), 1))))
    limits = Constant(i(8), np.tile(levels, 2)[:, None])
    down = Constant(BINARY, np.repeat([0, 1], len(levels)))
    graph = b.graph(b.op("multi_threshold", rows, thresholds=limits, dtype=BINARY, descending=down))
    everything = 2 * ((np.arange(64)[:, None] >> np.arange(6)) & 1) - 1
    same(graph, everything)


def test_the_answer_does_not_depend_on_how_frames_follow_each_other() -> None:
    """Frame after frame on one chip, or spread over many: neurons keep nothing, and idle firing never mixes in."""
    graph = binary_convnet(5)
    machine = target()
    mapping, x = machine.map(graph), images(graph, 31)
    whole = machine.execute(mapping, x)
    single = np.concatenate([machine.execute(mapping, x[k : k + 1]) for k in range(31)])
    np.testing.assert_array_equal(whole, single)
    assert machine.execute(mapping, x[:0]).shape == (0, 10)


def test_the_last_matrix_product_runs_on_the_host_when_it_does_not_fit() -> None:
    graph = binary_convnet(2)
    mapping = target().map(graph)
    needed = mapping.core_count - 1
    assert mapping.summary()["readout_on_cores"] == [graph.output]
    machine = small_target(cores_x=needed, cores_y=1)
    smaller = machine.map(graph)
    assert smaller.core_count <= needed
    assert smaller.summary()["readout_on_cores"] == []
    assert any("summed on the host" in note for note in smaller.notes)
    x = images(graph, 12)
    np.testing.assert_array_equal(machine.execute(smaller, x), reference.run(graph, x))


def test_small_cores_split_layers() -> None:
    """A core of 72 axons and 40 neurons: tiles of one position, groups over several cores, copies spread."""
    graph = binary_convnet(7, channels=8)
    machine = small_target(axons=72, neurons=40)
    mapping = machine.map(graph)
    assert max(row["neurons"] for row in mapping.placement) <= 40  # type: ignore[type-var]
    assert max(row["axons"] for row in mapping.placement) <= 72  # type: ignore[type-var]
    x = images(graph, 12)
    np.testing.assert_array_equal(machine.execute(mapping, x), reference.run(graph, x))


def test_two_spikes_on_one_axon_in_one_tick_act_as_one() -> None:
    graph = windows(0, dtype=BINARY, pad_value=0, stride=1, dilation=1, groups=1)
    mapping = target().map(graph)
    packets = np.ones((mapping.net.hosted, 1), np.uint8)
    twice = np.concatenate([mapping.routes.packets, mapping.routes.packets], axis=1)
    events = [
        next(iter(run(mapping.cores, SEMANTICS["truenorth"], len(mapping.outputs), [packets], routes)))
        for routes in (mapping.routes.packets, twice)
    ]
    np.testing.assert_array_equal(events[0].axons, events[1].axons)
    np.testing.assert_array_equal(events[0].outputs, events[1].outputs)
