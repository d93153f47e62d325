"""The real-valued detector, deployed with 16-bit numbers; the teacher of the binary one."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Recipe
from neurobin.nets.detector import Detector
from neurobin.nets.ends import real_conv
from neurobin.nets.task import Goal

METHOD = Method(
    name="full_precision_detector",
    title="Full-precision detector",
    paper="YOLO9000: Better, Faster, Stronger",
    authors="Redmon, Farhadi",
    venue="CVPR",
    year=2017,
    arxiv="1612.08242",
    weights="real",
    activations="real, ReLU",
    first="real",
    last="real",
    blocks=("yolo: 3x3 and 1x1 conv, batch norm, ReLU, max pool; a grid of boxes",),
    build=Detector(hidden=real_conv, first=real_conv),
    recipe=Recipe(epochs=40, batch=64, lr=3e-3, loss="detection", shift=0),
    precision=Precision(weight_bits=16, activation_bits=16, map_bits=16),
    notes=(
        "A baseline rather than a paper's method: YOLOv2's kind of trunk and grid, with one prior box and ReLU.",
        "The host decodes boxes and drops repeated ones; accuracy counts right boxes among right, wrong and missed.",
    ),
    goal=Goal.DETECTION,
    baseline=True,
)
