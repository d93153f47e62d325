"""Quantizers of several operators become thresholds: beside numpy."""

from __future__ import annotations

import numpy as np
import pytest

from neurobin.errors import FormatError, UnsupportedError
from neurobin.exec import reference
from neurobin.frontend.images import Images
from neurobin.ir import BIPOLAR, Graph
from neurobin.ir.dtype import u
from neurobin.ops.multi_threshold import MultiThreshold
from tests.frontend.tflite.build import Cell, Step, constant
from tests.frontend.tflite.small import IMAGES, NONE, REAL, graph

MAP = Cell()


def chain(*operators: tuple, images: Images | None = None) -> Graph:
    """Operators in a row on a map; each is its name, its constant or None, and its options."""
    cells, steps, at = [MAP], [], 0
    for op, value, options in operators:
        inputs = [at]
        if value is not None:
            cells.append(constant(np.float32(value)))
            inputs.append(len(cells) - 1)
        cells.append(MAP)
        at = len(cells) - 1
        steps.append(Step(op, inputs, [at], options))
    return graph(cells, steps, images)


CLIP = [("MINIMUM", 1.0, {}), ("RELU", None, {})]
DOREFA = [*CLIP, ("MUL", 3.0, NONE), ("ROUND", None, {})]


def levels(found: Graph) -> list[MultiThreshold]:
    return [node.op for node in found.nodes if isinstance(node.op, MultiThreshold)]


def test_activations_of_dorefa_net_are_planes():
    """Thresholds that count to 3, and no op of the clip before them is left."""
    found = chain(*DOREFA)
    assert [node.op.name for node in found.nodes] == ["affine", "multi_threshold"]
    assert found.types[found.output].dtype == u(2)
    assert np.array_equal(reference.run(found, IMAGES), np.rint(np.minimum(REAL, 1) * np.float32(3)))


@pytest.mark.parametrize("round_first", [False, True])
@pytest.mark.parametrize(("op", "function"), [("ROUND", np.rint), ("FLOOR", np.floor), ("CEIL", np.ceil)])
def test_a_clip_may_stand_before_a_rounding_or_behind_it(op, function, round_first):
    scaled, bounds = ("MUL", 7.0, NONE), [("MAXIMUM", 1.0, {}), ("MINIMUM", 5.0, {})]
    found = chain(scaled, *([(op, None, {}), *bounds] if round_first else [*bounds, (op, None, {})]), ("MUL", 0.2, NONE))
    assert len(levels(found)) == 1
    wanted = np.clip(function(REAL * np.float32(7)), 1, 5) * 0.2
    assert np.allclose(reference.run(found, IMAGES), wanted, atol=1e-6)


def test_thresholds_are_by_channel_where_a_constant_is():
    found = chain(("MUL", [2.0, -3.0], NONE), ("ADD", [0.25, 2.5], {"fused_activation_function": 3}), ("ROUND", None, {}))
    assert levels(found)[0].thresholds.values.shape[0] == 2
    wanted = np.rint(np.clip(REAL * np.float32([2, -3]) + np.float32([0.25, 2.5]), 0, 6))
    assert np.array_equal(reference.run(found, IMAGES), wanted)


def test_larqs_sign_of_two_signs_is_a_sign():
    """sign(sign(x) + 0.1): 0 counts as positive, and what comes out are bits.

    Pixels over 256, or 100 / 255 would be no tie: the graph computes in float64, where the file's float32 is below it.
    """
    signs = [("SUB", 100 / 256, NONE), ("SIGN", None, {}), ("ADD", 0.1, NONE), ("SIGN", None, {})]
    found = chain(*signs, images=Images(scale=1 / 256))
    assert found.types[found.output].dtype == BIPOLAR
    assert (IMAGES == 100).any()
    assert np.array_equal(reference.run(found, IMAGES), np.where(IMAGES >= 100, 1, -1))


def test_what_reads_a_rounding_twice_shares_it():
    cells = [MAP, constant(np.float32(1)), MAP, constant(np.float32(3)), MAP, MAP, constant(np.float32(0.5)), MAP, MAP]
    steps = [
        Step("MINIMUM", [0, 1], [2]), Step("MUL", [2, 3], [4], NONE), Step("ROUND", [4], [5]),
        Step("MAX_POOL_2D", [5], [7], {"filter_height": 1, "filter_width": 1, "stride_height": 1, "stride_width": 1}),
        Step("ADD", [5, 7], [8], NONE),
    ]  # fmt: skip
    steps[0] = Step("RELU6", [0], [2])
    found = graph(cells, steps)
    assert len(levels(found)) == 1
    assert np.array_equal(reference.run(found, IMAGES), 2 * np.rint(REAL * np.float32(3)))


REFUSED = {
    "no clip": ([("MUL", 3.0, NONE), ("ROUND", None, {})], "operator 1 (ROUND): more than 256 levels"),
    "two operands": (
        [("ROUND", 1.0, {})],
        "operator 0 (ROUND): makes float32[1, 4, 4, 2] of float32[1, 4, 4, 2], float32[]",
    ),
    "infinite": (
        [("SIGN", None, {}), ("MAXIMUM", 3e38, {}), ("MUL", 1e30, NONE)],
        "(SIGN): gives infinity for some inputs",
    ),
    "many": ([("RELU6", None, {}), ("MUL", 1000.0, NONE), ("ROUND", None, {})], "(ROUND): more than 256 levels"),
    "places": (
        [*CLIP, ("ROUND", None, {}), ("ADD", np.zeros((1, 4, 4, 2)), NONE)],
        "(ADD): a constant of shape [1, 4, 4, 2]",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_thresholds_cannot_stand_for_is_refused(name):
    operators, words = REFUSED[name]
    with pytest.raises(UnsupportedError) as caught:
        chain(*operators)
    assert words in str(caught.value)


def test_long_chains_are_refused():
    with pytest.raises(
        FormatError, match="the number of operators on single elements in a row is 65, the limit chain is 64"
    ):
        chain(*[("RELU6", None, {})] * 65)


def test_extremes_of_tensors_and_constants():
    for op, function in (("MINIMUM", np.minimum), ("MAXIMUM", np.maximum)):
        by_channel = np.float32([0.3, 0.8])
        assert np.allclose(reference.run(chain((op, by_channel, {})), IMAGES), function(REAL, by_channel))
        for far in (np.float32([0.3, 3e38]), np.float32([0.3, -3e38])):  # no bound at all, or all there is
            assert np.allclose(reference.run(chain((op, far, {})), IMAGES), function(REAL, far))
        found = graph([MAP, constant(np.float32(0.5)), MAP, MAP], [Step("SUB", [1, 0], [2], NONE), Step(op, [0, 2], [3])])
        assert np.allclose(reference.run(found, IMAGES), function(REAL, np.float32(0.5) - REAL), atol=1e-7)


def test_8_bit_extremes_of_other_scales_are_refused():
    """The kernel compares bytes, whatever they are worth; no converter writes that."""
    one, other = (Cell("i1", (1, 4, 4, 2), None, (scale,), (0,)) for scale in (0.5, 0.25))
    with pytest.raises(UnsupportedError, match=r"operator 0 \(MINIMUM\): operands and result of different types or scales"):
        graph([one, constant(np.int8(3), scale=(0.5,), zero=(0,)), other], [Step("MINIMUM", [0, 1], [2])])
