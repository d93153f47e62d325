"""Which optimizer gets which parameters at which rate."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurobin.errors import UsageError
from neurobin.nn.layers.linear import QuantLinear
from neurobin.nn.weights.fixed_point import FixedPointWeights
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.recipes import Recipe
from neurobin.recipes.bop import Bop
from neurobin.recipes.optimizers import OPTIMIZERS, AdamAndSgd, BopAndAdam, optimizers


def network() -> nn.Sequential:
    return nn.Sequential(
        QuantLinear(4, 5, weights=FixedPointWeights(8)),
        nn.BatchNorm1d(5),
        QuantLinear(5, 6),
        QuantLinear(6, 7, weights=MagnitudeAwareSign()),
        nn.Linear(7, 3),
    )


def held(optimizer: torch.optim.Optimizer) -> list[int]:
    return [id(p) for group in optimizer.param_groups for p in group["params"]]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_parameter_belongs_to_one_optimizer(name: str) -> None:
    module = network()
    found = [p for optimizer in optimizers(module, Recipe(optimizer=name)) for p in held(optimizer)]
    assert sorted(found) == sorted(map(id, module.parameters()))


@pytest.mark.parametrize("name", ["adam", "radam", "sgd"])
def test_weight_decay_spares_latent_weights_and_vectors(name: str) -> None:
    module = network()
    (optimizer,) = optimizers(module, Recipe(optimizer=name, weight_decay=0.1))
    decayed = [id(p) for group in optimizer.param_groups if group["weight_decay"] for p in group["params"]]
    assert decayed == [id(module[4].weight)]


def test_bop_starts_with_signs_and_leaves_the_rest_to_adam() -> None:
    module = network()
    before = module[2].weight.detach().clone(), module[3].weight.detach().clone()
    bop, adam = optimizers(module, Recipe(optimizer=BopAndAdam(gamma=0.5, threshold=0.25), lr=0.125))
    assert isinstance(bop, Bop)
    assert held(bop) == [id(module[2].weight)]
    assert (bop.param_groups[0]["lr"], bop.param_groups[0]["threshold"]) == (0.5, 0.25)
    assert {group["lr"] for group in adam.param_groups} == {0.125}
    assert torch.equal(module[2].weight, torch.where(before[0] >= 0, 1.0, -1.0))
    assert torch.equal(module[3].weight, before[1])


def test_mixed_treats_one_bit_weights_apart() -> None:
    module = network()
    adam, sgd = optimizers(module, Recipe(optimizer=AdamAndSgd(ratio=8), lr=0.125))
    assert isinstance(adam, torch.optim.Adam)
    assert held(adam) == [id(module[2].weight), id(module[3].weight)]
    assert {group["lr"] for group in adam.param_groups} == {0.125}
    assert {(group["lr"], group["momentum"]) for group in sgd.param_groups} == {(1.0, 0.9)}


def test_what_is_refused() -> None:
    with pytest.raises(UsageError, match=r"unknown optimizer 'adom' \(try: 'adam'\)"):
        optimizers(network(), Recipe(optimizer="adom"))
    real = nn.Sequential(nn.Linear(2, 2))
    for name in ("bop", "mixed"):
        with pytest.raises(UsageError, match="this network has none"):
            optimizers(real, Recipe(optimizer=name))
