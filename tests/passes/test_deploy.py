"""Fixed-point arithmetic of the deployment: multipliers, weights, saturation, shared scales."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neurobin.exec import reference
from neurobin.ir import BIPOLAR, FLOAT64, Builder, Constant, TensorType
from neurobin.ir.dtype import i, u
from neurobin.ops.affine import Affine
from neurobin.ops.clip import Clip
from neurobin.ops.relu import Relu
from neurobin.passes import Precision, lower
from neurobin.passes.fixed_point import Fixed, quantize_weight, requantise
from tests.passes.trained import images, shortcut


@settings(max_examples=100, deadline=None)
@given(
    scale=st.lists(st.floats(-8, 8).filter(lambda v: abs(v) > 1e-3), min_size=3, max_size=3),
    offset=st.lists(st.floats(-50, 50), min_size=3, max_size=3),
    step=st.floats(1e-3, 10),
    bits=st.integers(4, 36),
)
def test_requantise_is_within_one_step_of_the_real_value(scale, offset, step, bits):
    fixed = Fixed("x", np.array(scale), np.array(offset))
    out, source = i(16), i(bits)
    op = requantise(fixed, step, out, source)
    values = np.random.default_rng(0).integers(source.low, source.high + 1, (200, 3))
    exact = np.clip((values * fixed.scale + fixed.offset) / step, out.low, out.high)
    error = np.abs(op.reference(values) - exact)
    # half a step from rounding the result, half a unit of multiplier (times x) and of bias at weight 2^-shift
    assert (error <= 0.5 + (np.abs(values) + 1) * 2.0 ** -(op.shift + 1) + 1e-9).all()
    assert np.abs(op.multiplier.values.astype(np.int64)).max() <= 2**24


def test_weights_are_symmetric_and_per_filter():
    weight = np.array([[0.5, -1.0], [0.25, 0.1], [0.0, 0.0]])
    codes, scale = quantize_weight(Constant(FLOAT64, weight), 8)
    assert codes.values.tolist() == [[64, -127], [127, 51], [0, 0]]
    assert np.allclose(scale, [1 / 127, 0.25 / 127, 1 / 127])
    kept, ones = quantize_weight(Constant(BIPOLAR, np.array([[1, -1]])), 8)
    assert kept.dtype == BIPOLAR
    assert ones.tolist() == [1.0]


def test_sums_share_one_scale_and_saturate():
    graph = shortcut(5)
    deployed = lower(graph, images(graph, 16), Precision(8, 8, 16))
    adds = [node for node in deployed.nodes if node.op.name == "add"]
    assert len(adds) == 2
    for node in adds:
        assert node.op.dtype == i(16)
        assert all(deployed.types[source].dtype.bits <= 17 for source in node.inputs)


def test_narrower_maps_cost_accuracy_and_are_not_hidden():
    graph = shortcut(7)
    x = images(graph, 64)
    real = reference.run(graph, x)
    errors = []
    for bits in (4, 8, 16):
        deployed = lower(graph, x, Precision(8, 8, bits))
        scaled = reference.run(deployed, x) * deployed.meta["scales"][deployed.output]
        errors.append(float(np.abs(scaled - real).mean()))
    assert errors[0] > errors[1] > errors[2]


@given(
    low=st.floats(-3, 1),
    width=st.floats(0.1, 3),
    below=st.booleans(),
    above=st.booleans(),
    scale=st.floats(0.005, 0.05),
    offset=st.floats(-6, 2),
)
@example(low=1e-67, width=1.0, below=True, above=False, scale=0.01, offset=-4.0)
def test_a_clip_saturates_at_both_bounds(low, width, below, above, scale, offset):
    bounds = (low if below else -3.4e38, low + width if above else 3.4e38)
    builder = Builder({"image": TensorType((4,), u(8))})
    real = builder.add(Affine(Constant(FLOAT64, np.array([scale])), Constant(FLOAT64, np.array([offset]))), "image")
    graph = builder.graph(builder.add(Clip(*bounds), real))
    x = np.random.default_rng(0).integers(0, 256, (64, 4))
    x[0] = [0, 255, 0, 255]
    deployed = lower(graph, x)
    wanted, found = reference.run(graph, x), reference.real_outputs(deployed, reference.run(deployed, x))
    step = 4 * max(1.0, np.abs(wanted).max()) / 2**15
    assert np.abs(found - wanted).max() <= step
    assert bounds[0] - step <= found.min()  # the output is stored once more, without the offset
    assert found.max() <= bounds[1] + step


def test_a_map_of_next_to_nothing_deploys():
    """A rectifier that calibration all but never saw active: no multiplier leads to steps that fine."""
    builder, offset = Builder({"image": TensorType((4,), u(8))}), np.nextafter(-0.01 * 255, 0)
    real = builder.add(Affine(Constant(FLOAT64, np.array([0.01])), Constant(FLOAT64, np.array([offset]))), "image")
    graph = builder.graph(builder.add(Relu(), real))
    x = np.random.default_rng(0).integers(0, 256, (64, 4))
    x[0] = 255
    deployed = lower(graph, x)
    wanted, found = reference.run(graph, x), reference.real_outputs(deployed, reference.run(deployed, x))
    assert 0 < wanted.max() < 1e-15
    assert np.abs(found - wanted).max() <= 1e-6
