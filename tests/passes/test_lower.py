"""Lowering changes how a network computes, never what: every integer of the graph as trained survives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurobin.errors import UnsupportedError, UsageError
from neurobin.exec import packed, reference
from neurobin.exec.deviation import deviation
from neurobin.ir import BIPOLAR, TERNARY, Graph
from neurobin.passes import EXACT, Precision, lower, run_passes
from neurobin.passes.integer_forms import RULES
from neurobin.passes.sink_scales import SinkScales
from tests.passes.trained import BIPOLAR2, Trained, images, plain, shortcut

SUNK = EXACT.index(SinkScales()) + 1  # so many passes until scales have sunk for the first time


def integers_agree(before: Graph, after: Graph, x: np.ndarray) -> int:
    """Compares every integer tensor that both graphs name and shape alike; returns how many there were."""
    expected, actual = reference.run_all(before, x), reference.run_all(after, x)
    shared = [
        name
        for name, kind in after.types.items()
        if name in before.types and before.types[name] == kind and not kind.dtype.is_float
    ]
    for name in shared:
        assert np.array_equal(expected[name], actual[name]), name
    return len(shared)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    bits=st.sampled_from([1, 2, 3]),
    weight=st.sampled_from([BIPOLAR, TERNARY, BIPOLAR2]),
    pool_first=st.booleans(),
)
def test_lowering_of_random_quantized_networks_preserves_every_integer(seed, bits, weight, pool_first):
    graph = plain(seed, bits=bits, weight=weight, pool_first=pool_first)
    x = images(graph, 8, seed)
    # Moving the factor 1 / (2^k - 1) of k-bit codes past a sum is exact in real numbers; in floating point it may move a
    # value by an ulp, and so flip a code only where the value was within rounding of a threshold.
    scaled = run_passes(graph, EXACT[:SUNK])
    moved = next((flips for flips in deviation(graph, scaled, x) if flips.flipped), None)
    assert moved is None or (bits > 1 and moved.farthest <= 1e-14 * max(moved.spread, 1))
    # From there on every pass keeps every integer.
    seen = []
    lowered = run_passes(scaled, EXACT[SUNK:], lambda name, g: seen.append(integers_agree(scaled, g, x)))
    assert seen[-1] >= 3  # the image and at least both quantizers' results
    real = [name for name, kind in lowered.types.items() if kind.dtype.is_float]
    assert all(lowered.by_name[name].op.name == "affine" for name in real)  # only the scale of the logits stays real
    assert not {"batch_norm", "sign", "quantize", "conv2d", "dense"} & {node.op.name for node in lowered.nodes}


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), bits=st.sampled_from([1, 2]), weight=st.sampled_from([BIPOLAR, TERNARY]))
def test_deployed_networks_without_real_layers_give_the_same_class_scores(seed, bits, weight):
    graph = plain(seed, bits=bits, weight=weight)
    x = images(graph, 8, seed)
    deployed = lower(graph, x)
    assert deployed.is_deployed
    scores = reference.run(deployed, x)
    assert np.array_equal(packed.run(deployed, x), scores)
    real = reference.run(run_passes(graph, EXACT[:SUNK]), x)
    assert np.allclose(scores * deployed.meta["scales"][deployed.output], real, rtol=1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), k_map=st.booleans())
def test_deployed_shortcut_networks_stay_near_the_real_ones(seed, k_map):
    graph = shortcut(seed, k_map=k_map)
    x = images(graph, 32, seed)
    deployed = lower(graph, x, Precision(16, 16, 16))
    scores = reference.run(deployed, x)
    assert np.array_equal(packed.run(deployed, x), scores)
    expected, actual = reference.run_all(graph, x), reference.run_all(deployed, x)
    signs = [node.name for node in graph.nodes if node.op.name == "sign"]
    flips = {name: expected[name] != actual[name] for name in signs}
    # the first signs see a map that was rounded once: only values within one step of the threshold may flip
    first = graph.by_name[signs[0]]
    distance = np.abs(expected[first.inputs[0]] - first.op.threshold.values)
    assert distance[flips[signs[0]]].max(initial=0) <= max(deployed.meta["scales"].values())
    # where no sign flipped, only rounding remains
    same = ~np.any([flip.reshape(len(x), -1).any(axis=1) for flip in flips.values()], axis=0)
    real, scaled = expected[graph.output], scores * deployed.meta["scales"][deployed.output]
    np.testing.assert_allclose(scaled[same], real[same], rtol=0, atol=2e-3 * np.abs(real).max())


def test_hoisting_turns_real_pools_into_bit_pools():
    lowered = run_passes(plain(3), EXACT)
    pools = [node for node in lowered.nodes if node.op.name == "max_pool2d"]
    assert pools
    assert all(lowered.types[node.name].dtype == BIPOLAR for node in pools)


def test_observer_sees_every_pass_and_a_verified_graph():
    names = []
    graph = plain(1)
    lower(graph, images(graph, 4), observe=lambda name, g: names.append((name, g.verify() is g)))
    assert [name for name, _ in names] == [step.name for step in EXACT] + ["deploy"]
    assert all(verified for _, verified in names)


def test_channels_first_flatten_is_absorbed_with_the_layers_in_between():
    b = Trained(0, plain(0).inputs["image"])
    x = b.op("flatten", b.conv(b.input(), 4, None), channels_first=True)
    x = b.op("dense", b.op("relu", b.batch_norm(x)), weight=b.real(3, 144))
    graph = b.graph(x)
    lowered = run_passes(graph, EXACT)
    x = images(graph, 5)
    assert np.allclose(reference.run(graph, x), reference.run(lowered, x), rtol=1e-12)
    assert not any(getattr(node.op, "channels_first", False) for node in lowered.nodes)


def test_what_has_no_integer_form_is_listed_by_name(monkeypatch):
    monkeypatch.delitem(RULES, "clip")  # every real op of this package has one; a user's new op may not
    b = Trained(0, plain(0).inputs["image"])
    x = b.op("clip", b.conv(b.input(), 4, None), low=-1.0, high=1.0)
    x = b.op("clip", b.conv(x, 4, None), low=-2.0, high=2.0)
    graph = b.graph(x)
    with pytest.raises(UnsupportedError, match=r"'clip' \(clip\), 'clip_2' \(clip\)"):
        lower(graph, images(graph, 4))


def test_real_maps_are_padded_with_zero():
    b = Trained(0, plain(0).inputs["image"])
    padded = b.op("pad", b.op("relu", b.conv(b.input(), 4, None)), padding=(1, 0, 2, 1))
    graph = b.graph(b.op("conv2d", padded, weight=b.real(2, 3, 3, 4)))
    x = images(graph, 8)
    deployed, wanted = lower(graph, x), reference.run(graph, x)
    found = reference.real_outputs(deployed, reference.run(deployed, x))
    assert np.abs(found - wanted).max() < 0.02 * np.abs(wanted).max()
    with pytest.raises(UnsupportedError, match="padded with zero only"):
        lower(b.graph(b.op("pad", padded, padding=(1, 1, 1, 1), value=1)), x)


def test_calibration_needs_images():
    graph = shortcut(0)
    with pytest.raises(UsageError, match="calibration images, got none"):
        lower(graph, images(graph, 0))


@pytest.mark.parametrize("bits", [1, 17])
def test_precision_is_bounded(bits):
    with pytest.raises(UsageError, match=r"must lie in 2\.\.16"):
        Precision(weight_bits=bits)
