"""Losses against sums by hand."""

from __future__ import annotations

import pytest
import torch

from neurobin.errors import UsageError
from neurobin.recipes.losses import LOSSES, loss, squared_hinge


def test_squared_hinge() -> None:
    logits = torch.tensor([[2.0, 0.5, -3.0], [0.0, 0.0, 0.0]])
    by_hand = (0 + 1.5**2 + 0 + 1 + 1 + 1) / 6
    assert squared_hinge(logits, torch.tensor([0, 2])).item() == pytest.approx(by_hand)
    assert loss("squared_hinge") is squared_hinge


def test_none_is_zero_with_a_gradient_of_zero() -> None:
    logits = torch.tensor([[2.0, -1.0]], requires_grad=True)
    value = loss("none")(logits, torch.tensor([0]))
    value.backward()
    assert value.item() == 0
    assert torch.equal(logits.grad, torch.zeros(1, 2))


def test_unknown_losses_name_the_known() -> None:
    with pytest.raises(UsageError, match=r"unknown loss 'cross_entropi' \(try: 'cross_entropy'\)"):
        loss("cross_entropi")
    with pytest.raises(UsageError) as caught:
        loss("l3")
    assert all(name in caught.value.hint for name in LOSSES)
