"""Large data sets: bfloat16 unless the recipe says no, maps with channels last, and batch norms settled at the end.

129 digits stand for a large set; of these 96 settle the batch norms, in batches of 32.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from neurobin import train as training
from neurobin.methods import Method
from neurobin.nets import Task
from neurobin.nn.steps import sign
from neurobin.recipes.techniques.distil import Distil
from neurobin.train import Dataset, train_on
from tests.train.scene import Noisy, Stop, state

SETTLING, BATCH = 96, 32


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurobin.data.dataset.LARGE", 100)
    monkeypatch.setattr("neurobin.train.loop.SETTLING_IMAGES", SETTLING)
    monkeypatch.setattr("neurobin.train.loop.EVALUATION_BATCH", BATCH)


@pytest.fixture
def brief(noisy: Method) -> Method:
    return replace(noisy, recipe=replace(noisy.recipe, epochs_large=3))


class Still(Noisy):
    """Without dropout, with a momentum of its own, and notes on what its convolution gave: (training, learning, dtype)."""

    def __init__(self, task: Task, conv: nn.Module | None = None) -> None:
        super().__init__(task)
        self.conv = conv or self.conv
        self.drop = nn.Identity()
        self.norm.momentum = 0.3
        self.seen: set[tuple[bool, bool, torch.dtype]] = set()
        self.conv.register_forward_hook(self._note)

    def _note(self, layer: nn.Module, inputs: tuple[Tensor, ...], maps: Tensor) -> None:
        self.seen.add((layer.training, torch.is_grad_enabled(), maps.dtype))


@pytest.mark.parametrize(("mixed", "computed"), [(True, torch.bfloat16), (False, torch.float32)])
def test_steps_are_computed_in_bfloat16_and_all_else_in_float32(
    few: Dataset, brief: Method, monkeypatch: pytest.MonkeyPatch, mixed: bool, computed: torch.dtype
) -> None:
    """The teacher looks at the student's batches as the student does."""
    teachers: list[Still] = []

    def build(task: Task) -> Still:  # at inference a real convolution gives what it computes, unscaled
        teachers.append(Still(task, nn.Conv2d(task.channels, 8, 3, padding=1)))
        return teachers[-1]

    taught = replace(brief, name="taught", build=build, recipe=replace(brief.recipe, epochs_large=1))
    monkeypatch.setattr(training, "load_method", {"taught": taught}.__getitem__)
    recipe = replace(brief.recipe, epochs_large=1, mixed=mixed, techniques=(Distil("taught"),))
    module = train_on(replace(brief, build=Still, recipe=recipe), few, progress=False).module
    assert isinstance(module, Still)
    step, settling, inference = (True, True, computed), (True, False, torch.float32), (False, False, torch.float32)
    assert module.seen == {step, settling, inference}
    assert all(value.dtype in (torch.float32, torch.int64) for value in module.state_dict().values())
    (teacher,) = teachers
    own = {(True, True, torch.bfloat16), settling, inference}
    assert teacher.seen == own | {(False, False, computed)}


def test_small_data_sets_are_computed_in_float32(few: Dataset, brief: Method, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurobin.data.dataset.LARGE", 130)
    monkeypatch.setattr(Still, "_note", lambda self, layer, inputs, maps: self.seen.add((layer.training, maps.dtype)))
    result = train_on(replace(brief, build=Still, recipe=replace(brief.recipe, epochs=1)), few, progress=False)
    assert result.module.seen == {(True, torch.float32), (False, torch.float32)}
    assert result.module.norm.num_batches_tracked == 2  # of the epoch's steps, not of settling


@pytest.mark.parametrize(("threshold", "channels_last"), [(100, True), (130, False)])
def test_maps_of_large_data_sets_have_their_channels_last(
    few: Dataset, brief: Method, monkeypatch: pytest.MonkeyPatch, threshold: int, channels_last: bool
) -> None:
    monkeypatch.setattr("neurobin.data.dataset.LARGE", threshold)
    seen: list[bool] = []

    def note(layer: nn.Module, inputs: tuple[Tensor, ...], maps: Tensor) -> None:
        if layer.training:
            seen.extend(x.is_contiguous(memory_format=torch.channels_last) for x in (*inputs, maps))

    def build(task: Task) -> Noisy:
        module = Noisy(task)
        module.conv.register_forward_hook(note)
        return module

    coloured = replace(few, x_train=few.x_train.repeat(3, axis=3), x_test=few.x_test.repeat(3, axis=3))
    train_on(replace(brief, build=build), coloured, epochs=1, progress=False)
    assert len(seen) == 2 * (2 + SETTLING // BATCH * channels_last)
    assert set(seen) == {channels_last}


def inputs_of_norms(module: Noisy, images: Tensor) -> dict[str, Tensor]:
    """What the batch norms of a network see in training mode: maps [N, C, H, W] and features [N, C], as float64."""
    found: dict[str, list[Tensor]] = {"norm": [], "final": []}
    for name, parts in found.items():
        module.get_submodule(name).register_forward_pre_hook(lambda layer, x, parts=parts: parts.append(x[0].double()))
    with torch.no_grad():
        for batch in images.split(BATCH):
            module.train()(batch)
    return {name: torch.cat(parts) for name, parts in found.items()}


def test_batch_norms_end_with_plain_means_of_the_settling_images(few: Dataset, brief: Method) -> None:
    result = train_on(replace(brief, build=Still, recipe=replace(brief.recipe, epochs_large=1)), few, progress=False)
    assert (result.epochs, len(result.history)) == (1, 1)
    module = result.module
    assert isinstance(module, Still)
    assert (module.norm.momentum, module.final.momentum) == (0.3, 0.1)
    assert module.norm.num_batches_tracked == module.final.num_batches_tracked == SETTLING // BATCH
    images = torch.from_numpy(few.x_train.transpose(0, 3, 1, 2).copy()).float()
    seen = inputs_of_norms(deepcopy(module), images[:SETTLING])
    by_hand = functional.conv2d((images[:SETTLING].double() - 8) / 8, sign(module.conv.weight.detach()).double(), padding=1)
    torch.testing.assert_close(seen["norm"], by_hand)
    for name, x in seen.items():
        norm, axes = module.get_submodule(name), tuple({0, 2, 3} & set(range(x.dim())))
        torch.testing.assert_close(norm.running_mean.double(), x.mean(axes), rtol=1e-5, atol=1e-5)
        spread = torch.stack([batch.transpose(0, 1).flatten(1).var(1) for batch in x.split(BATCH)]).mean(0)
        torch.testing.assert_close(norm.running_var.double(), spread, rtol=1e-5, atol=1e-5)
    others = inputs_of_norms(deepcopy(module), images[: SETTLING + BATCH])  # they would have told had they been looked at
    assert not torch.allclose(others["norm"].mean((0, 2, 3)), seen["norm"].mean((0, 2, 3)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("step", [3, 6, 8], ids=["second epoch", "last step", "settling"])
def test_resumed_equals_uninterrupted(few: Dataset, brief: Method, tmp_path: Path, step: int) -> None:
    """Two steps an epoch, three epochs, then three batches that settle, with dropout as in training."""
    torch.manual_seed(1)
    whole = train_on(brief, few, progress=False)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    file = tmp_path / "run.pt"
    with pytest.raises(InterruptedError):
        train_on(replace(brief, build=Stop(brief, step, InterruptedError()).build), few, checkpoint=file, progress=False)
    assert torch.load(file, weights_only=True)["epoch"] == {3: 1, 6: 2, 8: 2}[step]
    resumed = train_on(brief, few, checkpoint=file, progress=False)
    assert state(resumed) == state(whole)
    assert (resumed.history, resumed.accuracy) == (whole.history, whole.accuracy)
    assert torch.equal(torch.get_rng_state(), before)
