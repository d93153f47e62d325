"""Every block of every method says what it computes and what its gradient is."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

import pytest

import neurobin.nn
from neurobin.errors import UsageError
from neurobin.methods import load_method, method_names
from neurobin.methods.describe import Block, blocks, training
from neurobin.nets import Task
from neurobin.nets.task import Goal

REAL = {"full_precision", "full_precision_detector", "int8"}
DEFAULT = "by differentiation of the forward formula"


def described(name: str) -> tuple[Block, ...]:
    method = load_method(name)
    size = 40 if method.goal is Goal.DETECTION else 16
    return blocks(method, Task(size, size, 1, 10, 256, goal=method.goal))


def called(name: str, beginning: str) -> Block:
    """The one block of a method whose name begins so."""
    (found,) = (block for block in described(name) if block.name.startswith(beginning))
    return found


@pytest.mark.parametrize("name", method_names())
def test_every_block_has_a_formula_and_a_gradient(name: str) -> None:
    found = described(name)
    assert bool(found) == (name not in REAL)
    for block in found:
        assert re.search(r"[^<>=!]=[^=]", block.forward), block
        assert not block.forward.endswith((":", ",")), block
        assert "Gradient:" not in block.forward, block
        assert block.backward, block
        assert block.count > 0
        assert "0x" not in block.name


def test_differentiation_stands_only_where_no_gradient_is_made_by_hand() -> None:
    files = [importlib.import_module(info.name) for info in pkgutil.walk_packages(neurobin.nn.__path__, "neurobin.nn.")]
    by_hand = {
        name for file in files for name, thing in vars(file).items()
        if inspect.isclass(thing) and thing.__module__ == file.__name__ and "substitute(" in inspect.getsource(thing)
    }  # fmt: skip
    assert {"DsqActivation", "HysteresisQuantizer", "MagnitudeAwareSign", "SignActivation"} <= by_hand
    every = {block.name.partition("(")[0]: block.backward for name in method_names() for block in described(name)}
    default = {name for name, backward in every.items() if backward == DEFAULT}
    assert not default & by_hand
    assert default == {
        "GatedConv2d", "Hardtanh", "LogicGate", "PlanesConv2d", "RPReLU", "RankOneConv2d", "XnorConv2d",
    }  # fmt: skip


def test_pages_say_what_is_true() -> None:
    dorefa = called("dorefa", "DorefaActivation")
    assert dorefa.name == "DorefaActivation(bits=2, estimator=ste)"
    assert "1 for 0 <= x <= 1 and 0 elsewhere" in dorefa.backward
    assert "ste: 1" in dorefa.backward
    for name, weights in (("dorefa", "DorefaWeights"), ("wrpn", "WrpnWeights")):
        assert "q(w) = " in called(name, weights).forward
    assert "2^n1" in called("inq", "PowerOfTwoQuantizer").forward
    assert "clip_1: 1 if |x| <= 1 else 0" in called("eedn", "HysteresisQuantizer").backward
    assert "ste: 1" in called("lqnets", "LearnedBasesQuantizer").backward
    assert "clip_1: 1" in called("bwnh", "HashedSignQuantizer").backward
    assert "staircase" in called("dsq", "DsqActivation").backward
    assert called("pact", "PactActivation").name == "PactActivation(bits=2, start=3.0)"


def test_growing_groups_and_late_starts_are_two_blocks() -> None:
    groups, late = called("sq_bwn", "GroupShareQuantizer"), called("reactnet", "AfterQuantizer")
    assert "share of a layer's filters" in groups.forward
    assert "before the progress `start`" in late.forward
    assert called("sq_bwn", "MagnitudeAwareSign").first == groups.first  # what is in the group has a row of its own
    assert len([block for block in described("flexible") if block.name.startswith("AfterQuantizer")]) == 4


def test_plain_layers_say_nothing() -> None:
    names = {block.name.partition("(")[0] for name in ("bnn", "cbcn", "dorefa") for block in described(name)}
    assert {"SignWeights", "CirculantWeights", "DorefaWeights"} <= names
    assert not names & {"QuantConv2d", "QuantLinear", "InputNorm", "CirculantConv2d"}


def test_training_is_one_line() -> None:
    assert training(load_method("bnn").recipe).startswith("adam from ")
    assert "\n" not in training(load_method("reactnet").recipe)


def test_describing_is_no_method() -> None:
    assert "describe" not in method_names()
    with pytest.raises(UsageError, match="unknown method 'describe'"):
        load_method("describe")
