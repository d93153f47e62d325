"""Small results worked out on paper: ties, padding values, flipped channels, rounding."""

from __future__ import annotations

import numpy as np
import pytest

from neurobin.ir import (
    BINARY,
    BIPOLAR,
    TERNARY,
    BitTensor,
    Constant,
    DType,
    Encoding,
    IntTensor,
    TensorType,
    pack,
    to_packed,
)
from neurobin.ir.dtype import i, u
from neurobin.ops.bit_conv2d import BitConv2d
from neurobin.ops.channel_shuffle import ChannelShuffle
from neurobin.ops.flatten import Flatten
from neurobin.ops.max_pool2d import MaxPool2d
from neurobin.ops.multi_threshold import MultiThreshold
from neurobin.ops.multiply import Multiply
from neurobin.ops.pad import Pad
from neurobin.ops.prelu import Prelu
from neurobin.ops.quantize import Quantize
from neurobin.ops.requantise import Requantise
from neurobin.ops.sign import Sign


def column(*values: int) -> np.ndarray:
    return np.array(values)[:, None]


def test_sign_of_zero_is_plus_one() -> None:
    tiny = np.array([[0.0, -0.0, 5e-324, -5e-324, 1e-45, -1e-45]])
    assert Sign().reference(tiny).tolist() == [[1, 1, 1, -1, 1, -1]]


def test_a_tie_reaches_the_threshold() -> None:
    op = MultiThreshold(Constant(i(8), [[-2, 3]]), TERNARY)
    assert op.reference(column(-3, -2, -1, 2, 3, 4))[:, 0].tolist() == [-1, 0, 0, 0, 1, 1]


def test_a_descending_channel_counts_from_the_top() -> None:
    """gamma < 0: x >= t means the lower code, so at the tie too."""
    op = MultiThreshold(Constant(i(8), [[-2, 3]]), TERNARY, Constant(BINARY, [1]))
    assert op.reference(column(-3, -2, 2, 3))[:, 0].tolist() == [1, 0, 0, -1]


def test_equal_thresholds_skip_a_level_and_far_ones_make_a_constant_channel() -> None:
    op = MultiThreshold(Constant(i(8), [[0, 0, 5], [100, 100, 100], [-100, -100, -100]]), u(2))
    x = np.array([[-1, -1, -1], [0, 0, 0], [5, 5, 5]])
    assert op.reference(x).tolist() == [[0, 0, 3], [2, 0, 3], [3, 0, 3]]


def test_levels_of_free_plane_weights_ascend_by_value() -> None:
    op = MultiThreshold(Constant(i(8), [[0, 1, 2]]), DType(Encoding.BIPOLAR, 2, (5, 2)))
    assert op.levels.tolist() == [-7, -3, 3, 7]
    assert op.reference(column(-1, 0, 1, 2))[:, 0].tolist() == [-7, -3, 3, 7]


@pytest.mark.parametrize(("pad_value", "expected"), [(0, 4), (1, 9), (-1, -1)])
def test_padding_is_part_of_the_convolution(pad_value: int, expected: int) -> None:
    """A 2x2 map of ones under a 3x3 filter of ones, padded above and left: 4 ones and 5 cells of padding."""
    op = BitConv2d(Constant(BIPOLAR, np.ones((1, 3, 3, 1))), padding=(1, 1, 0, 0), pad_value=pad_value)
    x = np.ones((1, 2, 2, 1), np.int64)
    assert op.reference(x).tolist() == [[[[expected]]]]
    assert op.packed(pack(x, BIPOLAR)).values().tolist() == [[[[expected]]]]


@pytest.mark.parametrize("channels", [31, 32, 33, 63, 64, 65, 127, 128, 129])
@pytest.mark.parametrize("dtype", [BIPOLAR, TERNARY, BINARY, i(2)])
def test_word_edges_do_not_leak_into_the_count(channels: int, dtype: DType) -> None:
    """All operands at one value: the sum is the number of channels (times taps inside the map) and nothing of the tail."""
    op = BitConv2d(Constant(BIPOLAR, -np.ones((2, 2, 2, channels))), padding=(1, 1, 1, 1))
    x = np.full((1, 2, 2, channels), dtype.high)
    inside = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]])
    expected = -channels * dtype.high * inside
    for y in (op.reference(x), op.packed(pack(x, dtype)).values()):
        assert (y[0, :, :, 0] == expected).all()
        assert (y[0, :, :, 1] == expected).all()


def test_max_pool_of_negative_values_never_takes_the_padding() -> None:
    op = MaxPool2d((2, 2), (1, 1), (1, 1, 1, 1))
    for dtype in (BIPOLAR, TERNARY, i(1), i(8), i(16), DType(Encoding.BIPOLAR, 3)):
        x = np.full((1, 1, 1, 3), dtype.low)
        assert (op.reference(x) == dtype.low).all()
        assert (op.packed(to_packed(x, dtype)).values() == dtype.low).all()


def test_max_pool_of_one_bit_two_s_complement() -> None:
    """In i1 the bit 1 is -1, the smaller value: no OR of words."""
    x = np.array([0, -1, -1, -1]).reshape(1, 2, 2, 1)
    packed = MaxPool2d((2, 2), (2, 2)).packed(pack(x, i(1)))
    assert packed.values().ravel().tolist() == [0]


def test_max_pool_windows_that_miss_the_map() -> None:
    kind = TensorType((1, 1, 1), i(8))
    dilated = MaxPool2d((3, 1), (1, 1), (2, 0, 2, 0), (2, 1))  # taps at -2, 0, 2: the map's one row is in the middle
    assert dilated.infer(kind).shape == (1, 1, 1)
    assert dilated.reference(np.array([[[[-5]]]])).tolist() == [[[[-5]]]]
    skipping = MaxPool2d((1, 1), (3, 3), (3, 3, 0, 0))  # windows at -3 and 0
    assert skipping.window.misses((1, 1, 1))
    for padding in ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)):  # a single tap on the border, on each side
        assert MaxPool2d((1, 1), (1, 1), padding).window.misses((2, 2, 1))
        assert not MaxPool2d((2, 2), (1, 1), padding).window.misses((2, 2, 1))


def test_bits_are_pooled_as_words() -> None:
    x = np.where(np.arange(2 * 2 * 70).reshape(1, 2, 2, 70) % 7 == 0, 1, -1)
    packed = MaxPool2d((2, 2), (2, 2)).packed(pack(x, BIPOLAR))
    assert isinstance(packed, BitTensor)
    assert np.array_equal(packed.values(), x.max(axis=(1, 2), keepdims=True))


def test_rounding_is_half_up() -> None:
    values = column(-6, -5, -3, -2, -1, 0, 1, 2, 3, 5, 6)  # quarters
    expected = [-1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 2]  # floor(v / 4 + 1/2)
    one = Constant(i(2), [1])
    assert Requantise(one, Constant(i(2), [0]), 2, i(8)).reference(values)[:, 0].tolist() == expected
    assert Multiply(2).reference(values, np.ones_like(values))[:, 0].tolist() == expected
    bent = Prelu(one, 2).reference(values)[:, 0].tolist()
    assert bent == [-1, -1, -1, 0, 0, 0, 1, 2, 3, 5, 6]


def test_requantise_adds_the_bias_before_the_shift() -> None:
    op = Requantise(Constant(i(8), [3, -3]), Constant(i(8), [1, 2]), 1, i(5))
    assert op.reference(np.array([[5, 5], [100, 100], [-100, -100]])).tolist() == [[8, -6], [15, -16], [-16, 15]]


def test_quantize_rounds_half_to_even() -> None:
    x = np.array([[-1.0, 0.0, 1 / 6, 0.5, 5 / 6, 1.0, 2.0]])  # times 3: 0.5 -> 0, 1.5 -> 2, 2.5 -> 2
    assert Quantize(2).reference(x).tolist() == [[0, 0, 0, 2, 2, 3, 3]]


def test_shuffle_deals_the_groups_like_cards() -> None:
    assert ChannelShuffle(2).reference(np.arange(6)[None]).tolist() == [[0, 3, 1, 4, 2, 5]]


def test_flatten_orders() -> None:
    x = np.arange(8).reshape(1, 2, 2, 2)
    assert Flatten().reference(x).tolist() == [[0, 1, 2, 3, 4, 5, 6, 7]]
    assert Flatten(channels_first=True).reference(x).tolist() == [[0, 2, 4, 6, 1, 3, 5, 7]]


def test_padding_with_another_value_widens_the_type() -> None:
    kind = TensorType((1, 1, 1), BIPOLAR)
    assert Pad((1, 0, 0, 0)).infer(kind).dtype == TERNARY
    assert Pad((1, 0, 0, 0), 1).infer(kind).dtype == BIPOLAR
    assert Pad((0, 0, 0, 0), 5).infer(kind).dtype == BIPOLAR
    assert Pad((1, 0, 0, 0), 2).infer(kind).dtype == i(3)
    packed = Pad((1, 0, 0, 0)).packed(pack(np.ones((1, 1, 1, 1), np.int64), BIPOLAR))
    assert packed.values().ravel().tolist() == [0, 1]
    assert packed.dtype == TERNARY


def test_wide_integers_stay_arrays() -> None:
    op = MultiThreshold(Constant(i(8), [list(range(-100, 100))]), u(8))
    y = op.packed(IntTensor(np.array([[5]], np.int16), i(16)))
    assert isinstance(y, IntTensor)
    assert y.values().tolist() == [[106]]
