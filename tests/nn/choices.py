"""Every block, weight scheme and maker of estimators with values for each of its arguments but the number of channels.

`test_printed` walks over the packages and fails for one that stands in none of the tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from typing import Any

import torch
from torch import nn

from neurobin.nets.basic import BasicBlock, BasicBlocks
from neurobin.nets.boolnet import BoolBlock
from neurobin.nets.densenet import DenseLayer
from neurobin.nets.detector import ChannelsLast
from neurobin.nets.eedn import SpikeCount
from neurobin.nets.ends import quant_conv, real_conv, relu
from neurobin.nets.ensemble import Voters
from neurobin.nets.melius import AddToLast, Improvement
from neurobin.nets.mobile import MobileGroupBlock, MobileGroupBlocks
from neurobin.nets.norms import plain_norm2d
from neurobin.nets.quicknet import WholeBlur
from neurobin.nets.react import ReActBlock, ReActBlocks
from neurobin.nets.react_wide import WideReActBlock, WideReActBlocks
from neurobin.nets.shortcut import ShortcutBlock, ShortcutBlocks
from neurobin.nets.squeeze import SqueezeBlock, SqueezeBlocks
from neurobin.nets.subsample import Subsample
from neurobin.nn.activations.dorefa import DorefaActivation
from neurobin.nn.activations.dsq import DsqActivation
from neurobin.nn.activations.hardtanh import Hardtanh
from neurobin.nn.activations.hwgq import HwgqActivation
from neurobin.nn.activations.learned_levels import LearnedLevels
from neurobin.nn.activations.least_squares import LeastSquaresActivation
from neurobin.nn.activations.pact import PactActivation
from neurobin.nn.activations.residual import ResidualSigns
from neurobin.nn.activations.rprelu import RPReLU
from neurobin.nn.activations.rsign import RSign
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.activations.sparse_hwgq import SparseHwgq
from neurobin.nn.activations.staged import StagedActivation
from neurobin.nn.activations.step import StepActivation
from neurobin.nn.activations.tanh_sign import TanhSign
from neurobin.nn.activations.unit_clip import UnitClip
from neurobin.nn.annealed import error_decay, sharpening_tanh
from neurobin.nn.estimators import (
    CLIPPED,
    POLYNOMIAL,
    TRIANGLE,
    Estimator,
    clipped,
    clipped_relu,
    log_tailed_relu,
    swish,
)
from neurobin.nn.layers.bit_slices import BitSlices
from neurobin.nn.layers.channel_gate import ChannelGate
from neurobin.nn.layers.circulant_conv import CirculantConv2d
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.layers.gated_conv import GatedConv2d
from neurobin.nn.layers.input_norm import InputNorm
from neurobin.nn.layers.linear import QuantLinear
from neurobin.nn.layers.logic import LogicGate
from neurobin.nn.layers.planes_conv import PlanesConv2d
from neurobin.nn.layers.rank_one_conv import RankOneConv2d
from neurobin.nn.layers.residual_planes import ResidualPlanes
from neurobin.nn.layers.shifted_planes import ShiftedPlanes
from neurobin.nn.layers.xnor_conv import XnorConv2d
from neurobin.nn.weights.after import After
from neurobin.nn.weights.balanced import BalancedSign
from neurobin.nn.weights.circulant import CirculantWeights
from neurobin.nn.weights.dorefa import DorefaWeights
from neurobin.nn.weights.fixed_point import FixedPointWeights
from neurobin.nn.weights.greedy_bases import GreedyBases
from neurobin.nn.weights.group_share import GroupShare
from neurobin.nn.weights.hashed import HashedSign
from neurobin.nn.weights.hysteresis import HysteresisTernary
from neurobin.nn.weights.lab import LossAwareSign
from neurobin.nn.weights.layer_sign import LayerSign
from neurobin.nn.weights.learned_bases import LearnedBases
from neurobin.nn.weights.least_squares_bases import LeastSquaresBases, LeastSquaresTernary
from neurobin.nn.weights.magnitude import MagnitudeAwareSign
from neurobin.nn.weights.power_of_two import PowerOfTwo
from neurobin.nn.weights.real import RealWeights
from neurobin.nn.weights.sawb import SawbWeights
from neurobin.nn.weights.shifted_bases import ShiftedBases
from neurobin.nn.weights.sign import SignWeights
from neurobin.nn.weights.tanh_sign import TanhSignWeights
from neurobin.nn.weights.ternary import TernaryWeights
from neurobin.nn.weights.ttq import TrainedTernary
from neurobin.nn.weights.two_step import TwoStepTernary
from neurobin.nn.weights.uniform import UniformWeights
from neurobin.nn.weights.wrpn import WrpnWeights

Arguments = dict[str, Any]
Made = tuple[Arguments, dict[str, list[Any]]]  # how to make one, and other values for each argument

CHANNELS: Arguments = {"channels": 8}
OTHER: dict[str, list[Any]] = {"estimator": [TRIANGLE, clipped(1.3)]}
PLACE: Arguments = {"inputs": 8, "outputs": 8, "kernel": 3}
MOVED: dict[str, list[Any]] = {
    "inputs": [16], "outputs": [16], "kernel": [1], "stride": [2], "padding": [1], "groups": [2],
}  # fmt: skip
WEIGHTS: dict[str, list[Any]] = {"weights": [TernaryWeights(), SignWeights(POLYNOMIAL), LossAwareSign(), LearnedBases()]}
PADDED: dict[str, list[Any]] = {"pad_value": [-1, 1]}

ACTIVATIONS: dict[type[nn.Module], Made] = {
    DorefaActivation: (CHANNELS | {"bits": 2}, {"bits": [4]} | OTHER),
    DsqActivation: (CHANNELS | {"bits": 2}, {"bits": [4], "start": [2.0]}),
    Hardtanh: (CHANNELS, {}),
    HwgqActivation: (CHANNELS, {"bits": [3]} | OTHER),
    LearnedLevels: (CHANNELS, {"bits": [3]}),
    LeastSquaresActivation: (CHANNELS, {"rule": ["lsT", "greedy"]} | OTHER),
    PactActivation: (CHANNELS | {"bits": 2}, {"bits": [4], "start": [2.0]}),
    ResidualSigns: (CHANNELS, {"levels": [3]} | OTHER),
    RPReLU: (CHANNELS, {}),
    RSign: (CHANNELS, OTHER),
    SignActivation: (CHANNELS, OTHER),
    SparseHwgq: (CHANNELS, {"bits": [3]}),
    StagedActivation: (
        CHANNELS | {"quantizer": SignActivation, "stages": ((0.5, torch.relu),)},
        {
            "quantizer": [RSign, partial(SignActivation, estimator=TRIANGLE)],
            "stages": [(), ((0.5, torch.tanh),), ((0.4, torch.relu),), ((0.5, torch.relu), (0.6, torch.tanh))],
        },
    ),
    StepActivation: (CHANNELS, {"estimator": [CLIPPED]}),
    TanhSign: (CHANNELS, {}),
    UnitClip: (CHANNELS, {}),
}
LAYERS: dict[type[nn.Module], Made] = {
    BitSlices: (CHANNELS, {"slices": [2]} | OTHER),
    ChannelGate: (CHANNELS, {}),
    CirculantConv2d: (PLACE, MOVED | {"kernel": []} | OTHER),  # its kernel is always 3
    GatedConv2d: (
        PLACE,
        MOVED | WEIGHTS | {"activation": [RSign, partial(SignActivation, estimator=TRIANGLE)]}
        | {"gate": [RealWeights(), FixedPointWeights(4)], "reduction": [2]},
    ),
    InputNorm: ({"centre": 8}, {"centre": [16]}),
    LogicGate: ({"kind": "or"}, {"kind": ["and", "xnor"]}),
    PlanesConv2d: (
        PLACE | {"planes": ShiftedPlanes},
        MOVED | WEIGHTS | PADDED | {"planes": [ResidualPlanes, partial(ShiftedPlanes, count=2)]},
    ),
    QuantConv2d: (PLACE, MOVED | WEIGHTS | PADDED | {"dilation": [2]}),
    QuantLinear: ({"inputs": 8, "outputs": 8}, {"inputs": [4], "outputs": [4]} | WEIGHTS),
    RankOneConv2d: (PLACE, MOVED | WEIGHTS),
    ResidualPlanes: (CHANNELS, {"order": [3]} | OTHER),
    ShiftedPlanes: (CHANNELS, {"count": [2]} | OTHER),
    XnorConv2d: (PLACE, MOVED | OTHER),
}  # fmt: skip

CONV, SIGN = quant_conv(SignWeights()), SignActivation
OTHER_CONV, OTHER_SIGN = quant_conv(SignWeights(), pad_value=1), partial(SignActivation, estimator=TRIANGLE)
BASIC = BasicBlocks(CONV)
SHORTCUT = ShortcutBlocks(CONV, SIGN)
MOBILE = MobileGroupBlocks(CONV, SIGN, depends=8)
REACT = ReActBlocks(CONV, RSign, RPReLU)
WIDE = WideReActBlocks(REACT, real_conv)
SQUEEZE = SqueezeBlocks(CONV, SIGN)


def others(parts: Any, **values: list[Any]) -> list[Any]:
    """`parts` with another value for every one of its fields. Fails for a field that is left out."""
    assert set(values) == {field.name for field in fields(parts)}
    return [replace(parts, **{name: value}) for name, found in values.items() for value in found]


WIDENED: Arguments = {"inputs": 16, "outputs": 32, "stride": 2}
RESIZED: dict[str, list[Any]] = {"inputs": [32], "outputs": [16], "stride": [1]}
NETS: dict[type[nn.Module], Made] = {
    AddToLast: ({}, {}),
    BasicBlock: (
        {"parts": BASIC} | WIDENED,
        RESIZED | {"parts": others(
            BASIC, conv=[OTHER_CONV], first=[SIGN], between=[relu], last=[relu], norm_first=[True],
        )},
    ),
    BoolBlock: (
        {"conv": CONV, "slices": 4, "width": 16, "stride": 1, "last": False},
        {"conv": [OTHER_CONV], "slices": [2], "width": [32], "stride": [2], "last": [True]},
    ),
    ChannelsLast: ({}, {}),
    DenseLayer: ({"path": nn.ReLU()}, {"path": [SIGN(8)]}),
    Improvement: ({"path": nn.ReLU()}, {"path": [SIGN(8)]}),
    MobileGroupBlock: (
        {"parts": MOBILE} | WIDENED,
        RESIZED | {"parts": others(MOBILE, conv=[OTHER_CONV], activation=[OTHER_SIGN], depends=[4])},
    ),
    ReActBlock: (
        {"parts": REACT} | WIDENED,
        RESIZED | {"parts": others(REACT, conv=[OTHER_CONV], sign=[SIGN], last=[relu])},
    ),
    ShortcutBlock: (
        {"parts": SHORTCUT} | WIDENED,
        RESIZED | {"parts": others(
            SHORTCUT, conv=[OTHER_CONV], activation=[OTHER_SIGN], before=[plain_norm2d], between=[relu],
            norm=[None, plain_norm2d], after=[relu], last=[relu], kernel=[1], shortcut=[Subsample],
        )},
    ),
    SpikeCount: ({"classes": 4, "gain": 10.0}, {"classes": [2], "gain": [5.0]}),
    SqueezeBlock: (
        {"parts": SQUEEZE} | WIDENED,
        RESIZED | {"parts": others(SQUEEZE, conv=[OTHER_CONV], activation=[OTHER_SIGN], widen=[3])},
    ),
    Subsample: (WIDENED, {"inputs": [24], "outputs": [48], "stride": [1]}),
    Voters: ({"members": [nn.ReLU()]}, {"members": [[nn.ReLU(), nn.ReLU()], [nn.Tanh()]]}),
    WholeBlur: ({"channels": 8, "stride": 2}, {"stride": [1]}),
    WideReActBlock: (
        {"parts": WIDE, "inputs": 16, "stride": 2},
        {"parts": others(WIDE, blocks=[replace(REACT, last=relu)], widen=[CONV]), "inputs": [8], "stride": [1]},
    ),
}  # fmt: skip
MODULES = ACTIVATIONS | LAYERS | NETS

SHARES: dict[str, list[Any]] = {"shares": [(0.5, 1.0), (0.5, 0.75, 0.876, 1.0)]}
SCHEMES: dict[type, Made] = {
    After: ({"start": 0.4, "scheme": SignWeights()}, {"start": [0.4000001], "scheme": [LayerSign(), LossAwareSign()]}),
    BalancedSign: ({}, OTHER),
    CirculantWeights: ({}, OTHER | {"scale_gradient": [True]}),
    DorefaWeights: ({"bits": 2}, OTHER | {"bits": [4]}),
    FixedPointWeights: ({}, OTHER | {"bits": [4]}),
    GreedyBases: ({}, OTHER | {"bases": [3]}),
    GroupShare: ({"scheme": SignWeights()}, SHARES | {"scheme": [LayerSign(), LossAwareSign()]}),
    HashedSign: ({}, OTHER | {"sweeps": [5]}),
    HysteresisTernary: ({}, OTHER | {"hysteresis": [0.2]}),
    LayerSign: ({}, OTHER),
    LearnedBases: ({}, OTHER | {"bits": [3]}),
    LeastSquaresBases: ({}, OTHER),
    LeastSquaresTernary: ({}, OTHER),
    LossAwareSign: ({}, OTHER),
    MagnitudeAwareSign: ({}, OTHER | {"scale_gradient": [False]}),
    PowerOfTwo: ({}, SHARES | {"bits": [4]}),
    RealWeights: ({}, {}),
    SawbWeights: ({"bits": 2}, OTHER | {"bits": [4]}),
    ShiftedBases: ({}, OTHER | {"bases": [2]}),
    SignWeights: ({}, OTHER | {"stochastic": [True]}),
    TanhSignWeights: ({}, {"first": [2.0], "last": [100.0]}),
    TernaryWeights: ({}, OTHER | {"threshold": [0.75]}),
    TrainedTernary: ({}, {"threshold": [0.1]}),
    TwoStepTernary: ({}, {"sweeps": [5]}),
    UniformWeights: ({"bits": 2}, {"bits": [3], "soft": [True], "symmetric": [True]}),
    WrpnWeights: ({"bits": 2}, OTHER | {"bits": [3]}),
}
ESTIMATORS: dict[Callable[..., Estimator], Made] = {
    clipped: ({}, {"limit": [1.25, 1.3]}),
    clipped_relu: ({"top": 1.0}, {"top": [2.0]}),
    error_decay: ({}, {"first": [0.1], "last": [1.0]}),
    log_tailed_relu: ({"top": 1.0}, {"top": [2.0]}),
    sharpening_tanh: ({}, {"first": [2.0], "last": [100.0]}),
    swish: ({}, {"beta": [2.0]}),
}
