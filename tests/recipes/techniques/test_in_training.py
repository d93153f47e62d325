"""Every technique inside the loop: a resumed run equals an uninterrupted one, hooks do not stay, NaN stops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from neurobin import train as training
from neurobin.methods import Method, load_method
from neurobin.nets import Task
from neurobin.nets.ends import Activation, relu
from neurobin.nets.ensemble import Voters
from neurobin.nn.activations.pact import PactActivation
from neurobin.nn.layers.channel_gate import ChannelGate
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.layers.linear import QuantLinear
from neurobin.nn.weights.hashed import HashedSign
from neurobin.nn.weights.lab import LossAwareSign
from neurobin.nn.weights.quantizer import WeightScheme
from neurobin.recipes import Recipe, techniques
from neurobin.recipes.optimizers import BopAndAdam
from neurobin.recipes.techniques.attention import AttentionTransfer
from neurobin.recipes.techniques.bagging import Bagging
from neurobin.recipes.techniques.center_loss import CenterLoss
from neurobin.recipes.techniques.clip_latent import ClipLatent
from neurobin.recipes.techniques.decay_alpha import DecayAlpha
from neurobin.recipes.techniques.distil import Distil
from neurobin.recipes.techniques.fit_to_inputs import FitToInputs
from neurobin.recipes.techniques.gradient_quantizer import GradientQuantizer
from neurobin.recipes.techniques.hints import FeatureHints
from neurobin.recipes.techniques.loss_aware import LossAwareCurvature
from neurobin.recipes.techniques.only_batch_norm import OnlyBatchNorm
from neurobin.recipes.techniques.positive_gamma import PositiveGamma
from neurobin.recipes.techniques.sparsity import ChannelSparsity
from neurobin.recipes.techniques.spike_penalty import SpikePenalty
from neurobin.recipes.techniques.weight_regularizer import WeightRegularizer
from neurobin.train import Dataset, TrainingError, load_dataset, train_on
from tests.recipes.techniques.scene import hooks


class Small(nn.Module):
    """A layer for every technique to act on; some want weights or activations of their own."""

    def __init__(self, task: Task, weights: WeightScheme = LossAwareSign(), act: Activation = relu) -> None:
        super().__init__()
        self.conv = QuantConv2d(task.channels, 6, 3, padding=1, weights=weights)
        self.norm = nn.BatchNorm2d(6)
        self.act = act(6)
        self.gate = ChannelGate(6)
        self.hidden = QuantLinear(6 * task.height * task.width, 8)
        self.dense = nn.Linear(8, task.classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.gate(self.act(self.norm(self.conv((x - 8) / 8))))
        return self.dense(self.hidden(maps.flatten(1)) / 16)


def ensemble(task: Task) -> nn.Module:
    return Voters(Small(task) for _ in range(2))


BUILDS: dict[str, Callable[[Task], nn.Module]] = {
    "bagging": ensemble,
    "fit_to_inputs": partial(Small, weights=HashedSign()),
    "decay_alpha": partial(Small, act=partial(PactActivation, bits=2, start=2.0)),
}
CHANGING = (
    "weight_regularizer",
    "center_loss",
    "sparsity",
    "distil",
    "bop",
    "fit_to_inputs",
    "decay_alpha",
    "clip_latent",
    "positive_gamma",
)
RECIPE = Recipe(epochs=4, batch=64, lr=1e-2)
RECIPES = {
    "distil": replace(RECIPE, loss="none", techniques=(Distil("taught"),)),
    "attention": replace(RECIPE, techniques=(AttentionTransfer("taught", 10.0, ("act",)), Distil("taught", weight=0.5))),
    "hints": replace(RECIPE, techniques=(FeatureHints("taught", 1.0, ("act",)),)),
    "weight_regularizer": replace(RECIPE, techniques=(WeightRegularizer(1e-3),)),
    "center_loss": replace(RECIPE, techniques=(CenterLoss(0.1),)),
    "spike_penalty": replace(RECIPE, techniques=(SpikePenalty(0.1, nn.ReLU),)),
    "sparsity": replace(RECIPE, techniques=(ChannelSparsity(1e-2, keep=0.5, at=0.5),)),
    "loss_aware": replace(RECIPE, techniques=(LossAwareCurvature(),)),
    "only_batch_norm": replace(RECIPE, techniques=(OnlyBatchNorm(0.6),)),
    "gradient_quantizer": replace(RECIPE, techniques=(GradientQuantizer(4),)),
    "bagging": replace(RECIPE, loss="none", techniques=(Bagging(),)),
    "fit_to_inputs": replace(RECIPE, techniques=(FitToInputs(0.5, 0.8),)),
    "decay_alpha": replace(RECIPE, techniques=(DecayAlpha(0.1),)),
    "clip_latent": replace(RECIPE, techniques=(ClipLatent(0.1),)),
    "positive_gamma": replace(RECIPE, techniques=(PositiveGamma(1.0),)),
    "bop": replace(RECIPE, optimizer=BopAndAdam(gamma=0.1)),
    "radam": replace(RECIPE, optimizer="radam", schedule="warmup_cosine"),
    "mixed": replace(RECIPE, optimizer="mixed", schedule="two_stage"),
}


@pytest.fixture(scope="module")
def few() -> Dataset:
    digits = load_dataset("digits")
    return replace(digits, x_train=digits.x_train[:128], y_train=digits.y_train[:128])


@pytest.fixture(autouse=True)
def taught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The only teacher of these tests: two epochs of the same small network."""
    method = replace(load_method("bnn"), name="taught", build=Small, recipe=replace(RECIPE, epochs=2))
    monkeypatch.setattr(training, "load_method", {"taught": method}.__getitem__)


def method(name: str) -> Method:
    return replace(load_method("bnn"), name="small", build=BUILDS.get(name, Small), recipe=RECIPES[name])


def test_no_technique_is_left_out() -> None:
    folder = Path(techniques.__file__).parent
    files = {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")} - {"technique"}  # the base of all
    tried = {type(one).__module__.rpartition(".")[2] for recipe in RECIPES.values() for one in recipe.techniques}
    assert tried == files


class Interrupted(Exception):
    """Stands for whatever ends a run."""


class Stop:
    """The method's network, which raises in its training step `at`."""

    def __init__(self, method: Method, at: int) -> None:
        self.method, self.at, self.steps = method, at, 0

    def build(self, task: Task) -> nn.Module:
        module = self.method.build(task)
        module.register_forward_pre_hook(self._count)
        return module

    def _count(self, module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        self.steps += module.training
        if module.training and self.steps == self.at:
            raise Interrupted


@pytest.mark.parametrize("name", RECIPES)
def test_resumed_equals_uninterrupted(name: str, few: Dataset, tmp_path: Path) -> None:
    whole = train_on(method(name), few, progress=False)
    file = tmp_path / "run.pt"
    with pytest.raises(Interrupted):
        train_on(replace(method(name), build=Stop(method(name), 6).build), few, checkpoint=file, progress=False)
    resumed = train_on(method(name), few, checkpoint=file, progress=False)
    kept = resumed.module.state_dict()
    assert kept.keys() == whole.module.state_dict().keys()
    assert all(torch.equal(value, kept[key]) for key, value in whole.module.state_dict().items())
    assert resumed.history == whole.history
    assert hooks(whole.module) == 0
    assert torch.isfinite(torch.tensor([h["loss"] for h in whole.history])).all()
    names = {path.name for path in tmp_path.iterdir()}
    assert names == ({"run.pt", "taught_digits.teacher"} if name in ("distil", "attention", "hints") else {"run.pt"})


@pytest.mark.parametrize("name", CHANGING)
def test_a_technique_changes_what_is_learned(name: str, few: Dataset) -> None:
    plain = train_on(replace(method(name), recipe=RECIPE), few, epochs=1, progress=False).module.state_dict()
    other = train_on(method(name), few, epochs=1, progress=False).module.state_dict()
    assert any(not torch.equal(value, other[key]) for key, value in plain.items())


def test_bop_keeps_weights_at_plus_and_minus_one(few: Dataset) -> None:
    trained = train_on(method("bop"), few, progress=False)
    assert set(trained.module.hidden.weight.flatten().tolist()) == {-1.0, 1.0}
    assert trained.history[-1]["loss"] < trained.history[0]["loss"]


def test_squeezing_closes_half_of_the_channels(few: Dataset) -> None:
    assert train_on(method("sparsity"), few, progress=False).module.gate.open.sum() == 3


@pytest.mark.parametrize("name", ["distil", "center_loss", "bagging"])
def test_a_loss_that_is_no_number_stops(name: str, few: Dataset) -> None:
    class Breaks(Small):
        steps = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.steps += self.training
            return super().forward(x * (float("nan") if self.steps == 3 else 1))

    build = (lambda task: Voters([Breaks(task)])) if name == "bagging" else Breaks
    with pytest.raises(TrainingError, match="the loss is nan at step 1 of epoch 2"):
        train_on(replace(method(name), build=build), few, progress=False)
