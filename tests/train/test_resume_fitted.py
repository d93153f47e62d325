"""Training that freezes, fits or moves weight codes on the way: interrupted anywhere, it ends with the same bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from neurobin.data import Dataset
from neurobin.methods import load_method
from neurobin.train.checkpoint import Identity
from neurobin.train.loop import Run
from tests.recipes.techniques.scene import hooks

EPOCHS = 10


class Stop(Exception):
    """The interruption."""


@pytest.fixture(scope="module")
def noise() -> Dataset:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 17, (24, 8, 8, 1)).astype(np.uint8), rng.integers(0, 3, 24)
    return Dataset("noise", x[:16], y[:16], x[16:], y[16:], classes=3, levels=17)


def run(name: str, data: Dataset, checkpoint: Path | None, stop: int = EPOCHS) -> dict[str, torch.Tensor]:
    """Train until `stop` epochs are done, going on from the checkpoint if there is one."""

    def report(done: int, epochs: int, loss: float) -> None:
        if done == stop < EPOCHS:
            raise Stop

    method = load_method(name)
    torch.manual_seed(0)
    training = Run(method.build(data.task), data, method.recipe, Identity(name, "noise", 0, EPOCHS, "", ""), checkpoint)
    training.run(report)
    assert hooks(training.module) == 0
    return training.module.state_dict()


@pytest.mark.parametrize("name", ["inq", "bwnh", "tsq", "lqnets"])
def test_interrupted_equals_uninterrupted(name: str, noise: Dataset, tmp_path: Path) -> None:
    whole = run(name, noise, None)
    for stop in (3, 5, 7):  # before, amid and after the moments that matter
        with pytest.raises(Stop):
            run(name, noise, tmp_path / "run.pt", stop)
    resumed = run(name, noise, tmp_path / "run.pt")
    assert all(torch.equal(resumed[key], value) for key, value in whole.items())
    flags = [value for key, value in whole.items() if key.endswith(("fitted", "frozen"))]
    assert all(flag.all() for flag in flags)
    assert len(flags) == {"inq": 6, "bwnh": 4, "tsq": 4, "lqnets": 0}[name]
