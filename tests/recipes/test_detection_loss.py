"""The detector's loss: by hand, and at its least where the outputs decode to the true boxes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from neurobin.data.average_precision import mean_average_precision
from neurobin.data.boxes import decode
from neurobin.errors import UsageError
from neurobin.recipes.losses import loss

DETECTION = loss("detection")
NONE = [-1] * 5


def test_by_hand() -> None:
    """One box of 6x24 pixels with its centre at (5, 12): in the cell of row 1, column 0 of a 2x2 grid; 2 classes."""
    boxes = torch.tensor([[[1, 2, 0, 8, 24], NONE]])
    outputs = torch.zeros(1, 2, 2, 7)
    outputs[0, 1, 0] = torch.tensor([1.0, 0.0, 2.0, -0.5, 0.5, 0.0, 3.0])
    outputs[0, 0, 1, 0] = -1.0
    place = (
        (0.5 - 5 / 8) ** 2 + (1 / (1 + math.exp(-2)) - 0.5) ** 2 + (-0.5 - math.log(6 / 12)) ** 2 + (0.5 - math.log(2)) ** 2
    )
    expected = 5 * place + math.log(1 + math.exp(-3)) + math.log(1 + math.exp(-1))
    expected += 0.5 * (math.log(1 + math.exp(-1)) + 2 * math.log(2))
    assert DETECTION(outputs, boxes).item() == pytest.approx(expected, rel=1e-6)


def test_the_loss_is_per_box() -> None:
    boxes = torch.tensor([[[1, 2, 0, 8, 24], NONE], [[0, 8, 8, 16, 16], [1, 0, 0, 8, 8]]])
    outputs = torch.randn(2, 2, 2, 7)
    both = DETECTION(outputs, boxes)
    alone = DETECTION(outputs[:1], boxes[:1]) + 2 * DETECTION(outputs[1:], boxes[1:])
    assert torch.allclose(3 * both, alone)


def test_without_boxes_only_objectness_counts() -> None:
    outputs = torch.randn(1, 2, 2, 7, requires_grad=True)
    DETECTION(outputs, torch.tensor([[NONE]])).backward()
    assert outputs.grad is not None
    assert (outputs.grad[..., 1:] == 0).all()
    assert (outputs.grad[..., 0] > 0).all()


def test_descending_the_loss_finds_the_boxes() -> None:
    """Outputs that were free to move decode to what the labels say: loss and decoding mean the same."""
    boxes = torch.tensor([[[3, 2, 1, 14, 18], [7, 20, 21, 32, 30]], [[0, 9, 9, 21, 24], NONE]])
    outputs = torch.zeros(2, 5, 5, 15, requires_grad=True)
    optimizer = torch.optim.Adam([outputs], lr=0.1)
    for _ in range(300):
        optimizer.zero_grad()
        DETECTION(outputs, boxes).backward()
        optimizer.step()
    found = decode(outputs.detach().numpy())
    found = found.chosen(found.confidence > 0.5)
    assert mean_average_precision(found, boxes.numpy()) == 1
    table = {(i, c): box for i, c, box in zip(found.image, found.label, found.box, strict=True)}
    assert set(table) == {(0, 3), (0, 7), (1, 0)}
    np.testing.assert_allclose(table[0, 3], [2, 1, 14, 18], atol=0.2)
    np.testing.assert_allclose(table[1, 0], [9, 9, 21, 24], atol=0.2)


def test_other_labels_are_refused() -> None:
    with pytest.raises(UsageError, match=r"expected outputs \[N, rows, columns, 5 \+ K\] and boxes"):
        DETECTION(torch.zeros(2, 10), torch.zeros(2, dtype=torch.int64))
