"""Limits, copies and reasons: what a placement must respect, and what a refusal must say."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hwmodels.truenorth.cores import NOWHERE, OUTPUT
from neurobin.errors import DoesNotFitError
from neurobin.ir import BINARY, BIPOLAR, TERNARY, Constant, Graph, TensorType
from neurobin.ir.dtype import i, u
from tests.hwmodels.truenorth.nets import small_target, target, wired
from tests.networks import Random, binary_convnet, residual_convnet


@pytest.fixture(params=["convnet", "wired"])
def graph(request: pytest.FixtureRequest) -> Graph:
    return binary_convnet(1) if request.param == "convnet" else wired(1)


def test_limits_and_copies(graph: Graph) -> None:
    """No core is over-full, and every copy drives an axon of its own."""
    mapping = target().map(graph)
    cores = mapping.cores
    assert cores.crossbar.shape[1] <= 256
    assert cores.crossbar.shape[2] <= 256
    core, axon = cores.destination_core, cores.destination_axon
    reached = list(zip(core[core >= 0], axon[core >= 0], strict=True))
    entered = list(zip(mapping.routes.packets[1], mapping.routes.packets[2], strict=True))
    assert len(set(reached + entered)) == len(reached) + len(entered)
    used = {(k, a) for k, row in enumerate(mapping.placement) for a in range(int(row["axons"]))}  # type: ignore[arg-type]
    assert set(reached + entered) == used
    assert sorted(axon[core == OUTPUT]) == list(range(len(mapping.outputs)))
    assert ((core != NOWHERE).sum(axis=1) == [row["neurons"] for row in mapping.placement]).all()
    assert cores.delay[core != NOWHERE].min() >= 1
    assert np.abs(cores.neurons.leak).max() <= 255


def test_every_weight_is_one_crossbar_bit_per_copy(graph: Graph) -> None:
    mapping = target().map(graph)
    assert mapping.synapses == int(mapping.cores.crossbar.sum(dtype=np.int64))
    conv = next(part for part in mapping.layers if part.layer.node.startswith("bit_conv2d"))
    first = graph.by_name[conv.layer.node].op.constants()["weight"].values
    out = conv.layer.outputs
    inner = conv.layer.taps.grid[0] // 2 * conv.layer.taps.grid[1] + conv.layer.taps.grid[1] // 2
    if (conv.layer.taps.ids[inner] >= 0).all():  # a position without padding has all its filter's nonzero weights
        events = mapping.layers.index(conv)
        rows = np.flatnonzero(mapping.layer_of_core == events)
        wanted = (np.abs(first.reshape(out, -1)).sum(1) * conv.copies.reshape(-1, out)[inner]).sum()
        found = 0
        for k, placed in zip(rows, conv.cores, strict=True):
            mine = np.flatnonzero(placed.elements // out == inner)
            found += int(mapping.cores.crossbar[k][:, mine].sum())
        assert found == wanted


def test_summary_and_placement_are_json_and_agree(graph: Graph) -> None:
    mapping = target().map(graph)
    summary = json.loads(json.dumps(mapping.summary()))
    assert sum(layer["cores"] for layer in summary["layers"]) == summary["cores"] == mapping.resources[0].used
    spots = [(row["x"], row["y"]) for row in mapping.placement]
    assert len(set(spots)) == len(spots) == mapping.core_count
    assert sum(layer["neurons"] for layer in summary["layers"]) == mapping.resources[1].used
    assert sum(row["axons"] for row in mapping.placement) == mapping.resources[2].used  # type: ignore[misc]
    assert [list(spot) for spot in spots] == [spot for layer in summary["layers"] for spot in layer["coordinates"]]
    assert mapping.spans == ()
    assert set(mapping.steps) <= {node.name for node in graph.nodes}


def test_a_network_without_single_bit_layers_gives_all_reasons() -> None:
    b = Random(0, TensorType((4, 4, 2), u(8)))
    x = b.op("int_conv2d", "image", weight=b.weight(i(8), 4, 3, 3, 2))
    x = b.sign(x, u(2))
    x = b.op("bit_conv2d", x, weight=b.weight(BIPOLAR, 40, 2, 2, 4))
    x = b.op("relu", x)
    graph = b.graph(b.op("int_dense", b.op("flatten", x), weight=b.weight(i(8), 3, 40)))
    with pytest.raises(DoesNotFitError) as error:
        target().map(graph)
    told = "\n".join(error.value.reasons)
    assert [line.split(":")[0] for line in error.value.reasons] == [
        "no layer is left for the cores",
        "int_conv2d0",
        "bit_conv2d2",
        "bit_conv2d2",
        "int_dense5",
    ]
    assert "reads u2 activations" in told
    assert "go to relu 'relu3'" in told
    assert error.value.exit_code == 4


def test_a_real_shortcut_is_refused_at_every_offending_node() -> None:
    issues = target().check(residual_convnet())
    assert {issue.node for issue in issues} == {
        "bit_conv2d3", "requantise4", "prelu5", "add6", "bit_conv2d8"
    }  # fmt: skip
    assert any("adder" in issue.reason for issue in issues)


def test_scales_tables_and_logic_between_bits_are_refused() -> None:
    b = Random(0, TensorType((4, 4, 8), BIPOLAR))
    x = b.op("bit_conv2d", "image", weight=b.weight(BIPOLAR, 8, 1, 1, 8))
    x = b.op("position_scale", x, factor=b.weight(i(4), 4, 4))
    x = b.sign(b.op("lookup", x, table=b.weight(i(8), 1, 1024), low=-512))
    x = b.op("logic", x, "image", kind="xnor")
    x = b.sign(b.op("bit_conv2d", x, weight=b.weight(BIPOLAR, 8, 1, 1, 8)))
    told = {issue.node: issue.reason for issue in target().check(b.graph(x))}
    assert "scales sums by their position" in told["position_scale1"]
    assert "table" in told["lookup2"]
    assert "xnor is no threshold of a sum" in told["logic4"]


def conv(channels: int, *, groups: int = 1, weight: Constant | None = None) -> Graph:
    b = Random(0, TensorType((5, 5, channels), BIPOLAR))
    made = weight or b.weight(TERNARY, 8 * groups, 3, 3, channels // groups)
    return b.graph(b.sign(b.op("bit_conv2d", "image", weight=made, groups=groups)))


def test_fan_in() -> None:
    assert target().check(conv(14)) == []
    (issue,) = target().check(conv(15))
    assert issue.node == "bit_conv2d0"
    assert "135 inputs, a core takes 128" in issue.reason
    assert "group the convolution, 2 times finer" in issue.reason
    assert target().check(conv(28, groups=2)) == []


def test_tight_and_uniform_tiles() -> None:
    """A 3x3 window over a padded 2x2 map of 20 channels holds 180 taps but 80 inputs."""
    b = Random(0, TensorType((2, 2, 20), BIPOLAR))
    x = b.op("bit_conv2d", "image", weight=b.weight(BIPOLAR, 4, 3, 3, 20), padding=(1, 1, 1, 1))
    graph = b.graph(b.sign(x))
    assert target("truenorth").check(graph) == []
    (issue,) = target("truenorth_1v0").check(graph)
    assert "180 inputs" in issue.reason


def test_reasons_of_weights_levels_pools_and_inputs() -> None:
    b = Random(0, TensorType((4, 4, 4), BIPOLAR))
    x = b.op("bit_conv2d", "image", weight=b.weight(i(3), 4, 2, 2, 4))
    x = b.op("max_pool2d", x, kernel=(2, 2), stride=(1, 1))
    x = b.sign(x)
    x = b.sign(b.op("bit_conv2d", b.op("concat", x, x), weight=b.weight(BIPOLAR, 4, 1, 1, 8)), u(2))
    x = b.sign(b.op("bit_conv2d", x, weight=b.weight(BIPOLAR, 4, 1, 1, 4)))
    told = {(issue.node, issue.reason) for issue in target().check(b.graph(x))}
    for node, part in [
        ("bit_conv2d0", "weights up to 4"),
        ("bit_conv2d0", "its sums go to max_pool2d"),
        ("max_pool2d1", "threshold before the pool"),
        ("multi_threshold5", "4 levels of u2"),
        ("bit_conv2d6", "reads u2 activations"),
    ]:
        assert any(node == where and part in reason for where, reason in told), (node, part)


def test_a_bit_read_twice_is_refused() -> None:
    b = Random(0, TensorType((4,), BIPOLAR))
    x = b.op("bit_dense", b.op("concat", "image", "image"), weight=b.weight(BIPOLAR, 2, 8))
    (issue,) = target().check(b.graph(b.sign(x)))
    assert "read one bit twice" in issue.reason


def test_too_few_cores_too_narrow_leaks_and_too_short_delays() -> None:
    (issue,) = small_target(cores_x=2, cores_y=2).check(binary_convnet())
    assert "the chip has 4" in issue.reason
    (issue,) = small_target(weight_bits=3).check(conv(14))
    assert "does not fit the leak of 3 bits" in issue.reason
    issues = small_target(max_delay=2).check(wired())
    assert any("waits 3 ticks, a spike can wait 2" in issue.reason for issue in issues)


def test_real_graphs_are_sent_back_to_lowering() -> None:
    b = Random(0, TensorType((4,), BIPOLAR))
    x = b.op("bit_dense", "image", weight=b.weight(BIPOLAR, 2, 4))
    (issue,) = target().check(b.graph(b.op("affine", x)))
    assert "neurobin lower" in issue.reason


def test_two_class_arg_max_is_no_spike() -> None:
    b = Random(0, TensorType((16,), BIPOLAR))
    x = b.sign(b.op("bit_dense", "image", weight=b.weight(BIPOLAR, 8, 16)))
    x = b.op("arg_max", b.op("bit_dense", x, weight=b.weight(BIPOLAR, 2, 8)))
    graph = b.graph(x)
    assert graph.types[x].dtype == BINARY
    assert target().check(graph) == []
