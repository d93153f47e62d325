"""Circulant filters: eight taps moving round a centre."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurobin.errors import UsageError
from neurobin.nn.layers.circulant_conv import CirculantConv2d
from neurobin.nn.weights.circulant import CirculantWeights, rotations
from neurobin.nn.weights.quantizer import total

RING = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]  # the outer taps, clockwise


def turned(weight: np.ndarray, turn: int) -> np.ndarray:
    """Each outer tap moves two places anticlockwise per turn; the centre stays."""
    result = weight.copy()
    for place, (row, column) in enumerate(RING):
        to_row, to_column = RING[(place - 2 * turn) % 8]
        result[..., to_row, to_column] = weight[..., row, column]
    return result


def test_outer_taps_move_round_the_centre() -> None:
    weight = np.arange(2 * 3 * 9).reshape(2, 3, 3, 3)
    found = rotations(torch.from_numpy(weight)).numpy()
    assert found.shape == (8, 3, 3, 3)
    for f in range(2):
        for turn in range(4):
            assert np.array_equal(found[4 * f + turn], turned(weight[f], turn))


def test_codes_are_the_turned_signs_at_one_scale() -> None:
    weight = np.rint(np.random.default_rng(0).normal(size=(2, 5, 3, 3)) * 4) / 4
    (term,) = CirculantWeights().terms(torch.from_numpy(weight))
    scales = np.abs(weight).reshape(2, -1).mean(1)
    for f in range(2):
        for turn in range(4):
            assert np.array_equal(term.codes[4 * f + turn].numpy(), turned(np.where(weight[f] >= 0, 1, -1), turn))
            assert term.scale[4 * f + turn].item() == pytest.approx(scales[f])
    assert torch.equal(CirculantWeights()(torch.from_numpy(weight)), total((term,)))


def test_gradient_sums_the_four_turned_back() -> None:
    rng = np.random.default_rng(1)
    weight = torch.from_numpy(rng.normal(size=(2, 3, 3, 3))).requires_grad_()
    gradient = rng.normal(size=(8, 3, 3, 3))
    CirculantWeights()(weight).backward(torch.from_numpy(gradient))  # type: ignore[no-untyped-call]
    w = weight.detach().numpy()
    for f in range(2):
        back = sum(turned(gradient[4 * f + turn], -turn) for turn in range(4))
        assert weight.grad is not None
        assert np.allclose(weight.grad[f].numpy(), back * np.abs(w[f]).mean() * (np.abs(w[f]) <= 1), atol=1e-12)


def test_the_layer_learns_a_quarter_of_its_filters() -> None:
    layer = CirculantConv2d(6, 16, 3, stride=2, padding=1, groups=2)
    assert layer.weight.shape == (4, 3, 3, 3)
    x = torch.randn(2, 6, 8, 8)
    assert layer(x).shape == (2, 16, 4, 4)
    assert torch.allclose(layer.train()(x), layer.eval()(x), atol=1e-5)


def test_turning_the_image_turns_the_maps() -> None:
    """A rotated image gives, for each filter, the rotated maps of its other orientations."""
    layer = CirculantConv2d(2, 8, 3, padding=1).double().eval()
    x = torch.from_numpy(np.random.default_rng(2).normal(size=(1, 2, 5, 5)))
    straight, rotated = layer(x), layer(x.rot90(1, (2, 3)))
    for f in range(2):
        for turn in range(4):
            expected = straight[:, 4 * f + turn].rot90(1, (1, 2))
            assert torch.allclose(rotated[:, 4 * f + (turn + 1) % 4], expected, atol=1e-12)


def test_what_cannot_turn_is_refused() -> None:
    with pytest.raises(UsageError, match="3x3 taps, got kernel 1"):
        CirculantConv2d(4, 8, 1)
    with pytest.raises(UsageError, match="come in fours, got 12 outputs in 2 groups"):
        CirculantConv2d(4, 12, 3, groups=2)
    with pytest.raises(UsageError, match=r"\[F, C, 3, 3\], got \(8, 9\)"):
        CirculantWeights().terms(torch.zeros(8, 9))
