"""First layers of the networks for large images: what turns 224x224x3 into 56x56 maps.

    seven      conv 7x7 stride 2, BN, activation, max pool 3 stride 2 (He et al. 2016, arXiv 1512.03385)
    grouped    conv 3x3 stride 2 to half, conv 3x3 in 4 groups, conv 3x3 in 8 groups, each with BN and ReLU, max pool
               (Bethge et al. 2020, MeliusNet, arXiv 2001.05936, sec. 4.2): 58 % of the operations of `seven`
    mobile     conv 3x3 stride 2, BN (ReActNet on MobileNet's plan, arXiv 2003.03488)
    small      conv 3x3 stride 1, BN: images below 50 pixels, as the authors of ResNetE and BinaryDenseNet train on them

Each is a `Stem`: made for a task and the number of channels it hands on. Convolutions are torch's real ones unless others
are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from neurobin.nets.ends import Activation, Conv, real_conv, relu
from neurobin.nets.resnet import Stem
from neurobin.nets.task import Task


def seven(task: Task, outputs: int, *, activation: Activation | None = relu, conv: Conv = real_conv) -> nn.Module:
    """[N, C, H, W] -> [N, outputs, H/4, W/4]."""
    bend = [] if activation is None else [activation(outputs)]
    first = conv(task.channels, outputs, 7, stride=2, padding=3)
    return nn.Sequential(first, nn.BatchNorm2d(outputs), *bend, nn.MaxPool2d(3, 2, 1))


def grouped(task: Task, outputs: int, *, conv: Conv = real_conv) -> nn.Module:
    """[N, C, H, W] -> [N, outputs, H/4, W/4]."""
    half = outputs // 2
    return nn.Sequential(
        conv(task.channels, half, 3, stride=2, padding=1),
        nn.BatchNorm2d(half),
        nn.ReLU(),
        conv(half, half, 3, padding=1, groups=4),
        nn.BatchNorm2d(half),
        nn.ReLU(),
        conv(half, outputs, 3, padding=1, groups=8),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    )


def mobile(task: Task, outputs: int, *, conv: Conv = real_conv) -> nn.Module:
    """[N, C, H, W] -> [N, outputs, H/2, W/2]."""
    return nn.Sequential(conv(task.channels, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs))


def small(task: Task, outputs: int, *, conv: Conv = real_conv) -> nn.Module:
    """[N, C, H, W] -> [N, outputs, H, W]."""
    return nn.Sequential(conv(task.channels, outputs, 3, padding=1), nn.BatchNorm2d(outputs))


def with_norm(stem: Callable[..., nn.Module], **options: object) -> Stem:
    """The stem with one more batch norm behind it (ResNetE, arXiv 1906.08637)."""
    made = partial(stem, **options)

    def make(task: Task, outputs: int) -> nn.Module:
        return nn.Sequential(made(task, outputs), nn.BatchNorm2d(outputs))

    return make
