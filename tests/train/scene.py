"""A small network with every kind of state, what interrupts its training, and what is left of it."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from neurobin.methods import Method
from neurobin.nets import Task
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.layers.linear import QuantLinear
from neurobin.nn.weights.sign import SignWeights
from neurobin.train import Trained


class Noisy(nn.Module):
    """A small network with every kind of state: latent weights, running statistics, dropout and stochastic signs."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.conv = QuantConv2d(task.channels, 8, 3, padding=1, weights=SignWeights(stochastic=True))
        self.norm = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.2)
        self.dense = QuantLinear(8 * task.height * task.width, task.classes)
        self.final = nn.BatchNorm1d(task.classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.drop(torch.relu(self.norm(self.conv((x - 8) / 8))))
        return self.final(self.dense(x.flatten(1)))


class Stop:
    """Raises `error` in the forward pass of training step `at`."""

    def __init__(self, method: Method, at: int, error: BaseException) -> None:
        self.steps, self.at, self.error, self.method = 0, at, error, method

    def build(self, task: Task) -> nn.Module:
        module = self.method.build(task)
        module.register_forward_pre_hook(self._hook)
        return module

    def _hook(self, module: nn.Module, _: Any) -> None:
        self.steps += module.training
        if self.steps == self.at and module.training:
            raise self.error


def state(result: Trained) -> bytes:
    """All bits of the trained module."""
    return b"".join(value.numpy().tobytes() for value in result.module.state_dict().values())
