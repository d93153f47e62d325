"""Binary-weight object detector: a YOLOv2 with binary weights that learns to have the features of a real-valued teacher."""

from __future__ import annotations

from neurobin.methods._method import Method, Precision, Recipe
from neurobin.nets.detector import Detector
from neurobin.nets.ends import quant_conv
from neurobin.nets.task import Goal
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.recipes.techniques.clip_latent import ClipLatent
from neurobin.recipes.techniques.hints import FeatureHints

WEIGHTS = MagnitudeAwareSign()
STAGE_ENDS = ("act2", "act5", "act8")  # what the next stage reads, before its pool

METHOD = Method(
    name="kt_detector",
    title="KT detector",
    paper="Training a Binary Weight Object Detector by Knowledge Transfer for Autonomous Driving",
    authors="Xu, Wang, Yang, López",
    venue="ICRA",
    year=2019,
    arxiv="1804.06332",
    weights="sign times mean |w| of the filter (BWN)",
    activations="real, ReLU",
    first="real in the paper, 8-bit weights here",
    last="real",
    blocks=("yolo: 3x3 and 1x1 conv, batch norm, ReLU, max pool; a grid of boxes", "hints from a real-valued teacher"),
    build=Detector(hidden=quant_conv(WEIGHTS)),
    recipe=Recipe(
        epochs=40,
        batch=64,
        lr=3e-3,
        loss="detection",
        shift=0,
        techniques=(FeatureHints("full_precision_detector", 1.0, STAGE_ENDS), ClipLatent(1.0)),
    ),
    precision=Precision(),
    notes=(
        "Scenes of handwritten digits instead of KITTI, and a trunk of 8 layers: no figure compares with the paper's.",
        "One stage of training from random weights; the paper binarizes in three stages and transfers from the first.",
        "ReLU where YOLOv2 has leaky rectifiers, one prior box instead of five; real activations deploy as 8-bit numbers.",
        "The host decodes boxes and drops repeated ones; accuracy counts right boxes among right, wrong and missed.",
    ),
    goal=Goal.DETECTION,
)
