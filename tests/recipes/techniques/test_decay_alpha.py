"""PACT's penalty pulls on the learned clips, and on nothing else."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from neurobin.nets import Task
from neurobin.nets.ends import real_conv
from neurobin.nets.vgg import Vgg
from neurobin.nn.activations.pact import PactActivation
from neurobin.recipes.techniques import Batch, Context
from neurobin.recipes.techniques.decay_alpha import DecayAlpha
from neurobin.train.loop import no_teacher


def penalty(module: nn.Module, weight: float) -> torch.Tensor:
    batch = Batch(torch.zeros(2, 1, 8, 8), torch.zeros(2, dtype=torch.int64), torch.zeros(2, 10), 0.5)
    return DecayAlpha(weight).loss(Context(module, (), no_teacher), batch)


def test_the_penalty_is_the_weighted_sum_of_squares() -> None:
    module = Vgg(hidden=real_conv, activation=partial(PactActivation, bits=2, start=2.0))(Task(8, 8, 1, 10, 17))
    loss = penalty(module, 0.25)
    assert loss.item() == pytest.approx(0.25 * 5 * 4)
    loss.backward()
    pulled = {name: parameter.grad.item() for name, parameter in module.named_parameters() if parameter.grad is not None}
    assert pulled == {f"act{number}.alpha": 1.0 for number in range(1, 6)}


def test_networks_without_clips_have_no_penalty() -> None:
    assert penalty(nn.ReLU(), 0.25).item() == 0
