"""Bop against the paper's algorithm written with numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurobin.errors import UsageError
from neurobin.recipes.bop import Bop


def algorithm(w: np.ndarray, gradients: list[np.ndarray], gammas: list[float], threshold: float) -> list[np.ndarray]:
    """The weights after every step, element by element as the pseudocode has it."""
    m, w, seen = np.zeros_like(w), w.copy(), []
    for gradient, gamma in zip(gradients, gammas, strict=True):
        m = (1 - gamma) * m + gamma * gradient
        for place in np.ndindex(w.shape):
            if abs(m[place]) > threshold and np.sign(m[place]) == np.sign(w[place]):
                w[place] = -w[place]
        seen.append(w.copy())
    return seen


@pytest.mark.parametrize("threshold", [0.0, 1e-8, 0.02])
def test_every_step_is_the_papers(threshold: float) -> None:
    rng = np.random.default_rng(0)
    start = rng.choice([-1.0, 1.0], (5, 7))
    gradients = [rng.normal(size=(5, 7)) * (rng.random((5, 7)) < 0.7) for _ in range(40)]
    gammas = [0.1 * 0.9**k for k in range(40)]
    weight = torch.nn.Parameter(torch.from_numpy(start.copy()))
    optimizer = Bop([weight], gamma=0.1, threshold=threshold)
    flips = 0
    for gradient, gamma, expected in zip(gradients, gammas, algorithm(start, gradients, gammas, threshold), strict=True):
        optimizer.param_groups[0]["lr"] = gamma  # as a schedule does
        weight.grad = torch.from_numpy(gradient)
        before = weight.detach().clone()
        optimizer.step()
        flips += int((before != weight).sum())
        assert np.array_equal(weight.detach().numpy(), expected)
    assert flips > 20


def test_a_gradient_of_the_other_sign_never_flips() -> None:
    weight = torch.nn.Parameter(torch.tensor([1.0, -1.0]))
    optimizer = Bop([weight], gamma=1.0)
    weight.grad = torch.tensor([-3.0, 3.0])
    optimizer.step()
    assert weight.tolist() == [1, -1]
    weight.grad = torch.tensor([3.0, 0.0])
    optimizer.step()
    assert weight.tolist() == [-1, -1]


def test_state_goes_into_checkpoints() -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = Bop([weight], gamma=0.25)
    weight.grad = torch.tensor([-1.0, -2.0, 0.0])
    optimizer.step()
    other = Bop([torch.nn.Parameter(torch.ones(3))], gamma=0.5)
    other.load_state_dict(optimizer.state_dict())
    assert other.state_dict()["state"][0]["mean"].tolist() == [-0.25, -0.5, 0]


def test_what_is_refused() -> None:
    for gamma in (0.0, 1.5):
        with pytest.raises(UsageError, match=r"gamma lies in \(0, 1\]"):
            Bop([torch.nn.Parameter(torch.ones(1))], gamma)
    with pytest.raises(UsageError, match="threshold is not negative"):
        Bop([torch.nn.Parameter(torch.ones(1))], threshold=-1)
