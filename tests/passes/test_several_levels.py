"""Activations of several levels on their way to integers: folded, moved before pools, and taken from real maps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurobin.exec import packed, reference
from neurobin.exec.deviation import deviation
from neurobin.ir import BIPOLAR, FLOAT64, TERNARY, Constant, DType, Encoding, Graph, TensorType
from neurobin.ir.dtype import u
from neurobin.passes import EXACT, Precision, lower, run_passes
from tests.passes.test_lower import SUNK, integers_agree
from tests.passes.trained import Trained, images

LEVELS = {
    "step": (u(1), [0.0]),
    "ternary": (TERNARY, [-0.5, 0.5]),
    "hwgq": (u(2), [np.nextafter(0.0, 1.0), 0.807, 1.345]),
    "uniform": (u(3), [0.125, 0.375, 0.625, 0.875, 1.125, 1.375, 1.625]),
    "bipolar": (DType(Encoding.BIPOLAR, 2), [-1.0, 0.0, 1.0]),
    "residual": (DType(Encoding.BIPOLAR, 3, (3, 16, 64)), [-1.25, -1.0, -0.75, 0.0, 0.75, 1.0, 1.25]),
    "learned": (DType(Encoding.UNSIGNED, 2, (5, 8)), [0.3, 0.6, 1.1]),
}


def quantizer(b: Trained, x: str, kind: str, rows: int = 1) -> str:
    """Codes and their scale; with several rows, every channel has thresholds of its own."""
    dtype, thresholds = LEVELS[kind]
    values = np.array([thresholds] * rows) + (b.rng.choice([-0.25, 0.0, 0.5], (rows, 1)) if rows > 1 else 0.0)
    codes = b.op("multi_threshold", x, thresholds=Constant(FLOAT64, values), dtype=dtype)
    return b.op("affine", codes, scale=Constant(FLOAT64, np.array([1 / max(dtype.high, 1)])))


def plain(seed: int, kind: str, *, pool: str, positive: bool, rows: int = 1) -> Graph:
    """conv -> [pool] -> batch norm -> [ReLU, PReLU, clip] -> [pool] -> quantizer, twice, then a dense layer."""
    b = Trained(seed, TensorType((6, 6, 2), u(5)))
    x = b.input()
    for layer in range(2):
        x = b.conv(x, 4, BIPOLAR, groups=1 + layer)
        if pool == "sums" and layer:
            x = b.op("max_pool2d", x, kernel=(2, 2), stride=(2, 2))
        x = b.batch_norm(x)
        if positive:
            op = b.nodes[-1].op
            assert op.name == "batch_norm"
            x = b.op(
                "batch_norm",
                b.nodes.pop().inputs[0],
                **{**vars(op), "gamma": Constant(FLOAT64, np.abs(op.gamma.values) + 0.5)},
            )
        bend = b.rng.integers(0, 4)
        if bend == 1:
            x = b.op("relu", x)
        elif bend == 2:
            x = b.op("prelu", x, slope=b.real(4, low=0.0))
        elif bend == 3:
            x = b.op("clip", x, low=-1.0, high=1.0)
        if pool == "values" and layer:
            x = b.op("max_pool2d", x, kernel=(2, 2), stride=(2, 2))
        x = quantizer(b, x, kind, rows)
    x = b.op("flatten", x)
    features = b.types[x].size
    return b.graph(b.op("dense", x, weight=Constant(BIPOLAR, b.rng.choice([-1, 1], (3, features)))))


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    kind=st.sampled_from(sorted(LEVELS)),
    pool=st.sampled_from(["", "sums", "values"]),
    positive=st.booleans(),
    rows=st.sampled_from([1, 4]),
)
def test_lowering_keeps_every_code(seed, kind, pool, positive, rows):
    graph = plain(seed, kind, pool=pool, positive=positive, rows=rows)
    x = images(graph, 8, seed)
    scaled = run_passes(graph, EXACT[:SUNK])  # moves scales past sums: the one step that may turn a code, by an ulp
    moved = next((flips for flips in deviation(graph, scaled, x) if flips.flipped), None)
    assert moved is None or moved.farthest <= 1e-14 * max(moved.spread, 1)
    seen = []
    lowered = run_passes(scaled, EXACT[SUNK:], lambda name, g: seen.append(integers_agree(scaled, g, x)))
    assert seen[-1] >= 3  # the image and at least both quantizers' codes
    real = [name for name, kind in lowered.types.items() if kind.dtype.is_float]
    assert all(lowered.by_name[name].op.name == "affine" for name in real)
    deployed = lower(graph, x)
    scores = reference.run(deployed, x)
    assert np.array_equal(packed.run(deployed, x), scores)
    assert np.allclose(scores * deployed.meta["scales"][deployed.output], reference.run(scaled, x), rtol=1e-9)


@pytest.mark.parametrize("kind", LEVELS)
@pytest.mark.parametrize("pool", ["sums", "values"])
def test_pools_work_on_codes(kind: str, pool: str) -> None:
    lowered = run_passes(plain(3, kind, pool=pool, positive=True), EXACT)
    pools = [node for node in lowered.nodes if node.op.name == "max_pool2d"]
    assert [lowered.types[node.name].dtype for node in pools] == [LEVELS[kind][0]]


def test_pools_of_falling_channels_stay_before_the_quantizer() -> None:
    """With gamma < 0 the largest sum has the smallest code, so only pooled values, not pooled sums, may be codes."""
    x = images(plain(3, "hwgq", pool="sums", positive=True), 8)
    for seed in range(8):
        graph = plain(seed, "hwgq", pool="sums", positive=False)
        lowered = run_passes(graph, EXACT)
        falling = any(node.op.name == "multi_threshold" and node.op.descending.values.any() for node in lowered.nodes)
        kinds = {lowered.types[node.name].dtype for node in lowered.nodes if node.op.name == "max_pool2d"}
        assert kinds == {LEVELS["hwgq"][0]} or falling
        assert integers_agree(run_passes(graph, EXACT[:SUNK]), lowered, x) >= 3


def shortcut(seed: int, kind: str) -> Graph:
    """A real map that is quantized, convolved and added back, with ReLU or PReLU before the second quantizer."""
    b = Trained(seed, TensorType((6, 6, 1), u(5)))
    x = b.batch_norm(b.conv(b.input(), 4, None))
    for bend in ("relu", "prelu"):
        y = b.conv(quantizer(b, x, kind), 4, BIPOLAR)
        x = b.op("add", x, b.batch_norm(y))
        x = b.op("relu", x) if bend == "relu" else b.op("prelu", x, slope=b.real(4, low=0.0))
    x = quantizer(b, x, kind)
    x = b.op("avg_pool2d", b.conv(x, 4, BIPOLAR), kernel=(6, 6), stride=(6, 6))
    return b.graph(b.op("dense", b.op("flatten", x), weight=b.real(5, 4)))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), kind=st.sampled_from(sorted(LEVELS)))
def test_quantizers_deploy_from_real_maps(seed, kind):
    graph = shortcut(seed, kind)
    x = images(graph, 32, seed)
    deployed = lower(graph, x, Precision(16, 16, 16))
    assert deployed.is_deployed
    scores = reference.run(deployed, x)
    assert np.array_equal(packed.run(deployed, x), scores)
    flips = deviation(graph, deployed, x)
    assert len(flips) == 3  # every quantizer is compared
    # the first map was rounded once (weights and image), so only values next to a threshold may change their codes
    assert flips[0].farthest <= 1e-3 * flips[0].spread
    if not any(f.flipped for f in flips):
        real = reference.run(graph, x)
        np.testing.assert_allclose(
            scores * deployed.meta["scales"][deployed.output], real, rtol=0, atol=2e-3 * np.abs(real).max()
        )
