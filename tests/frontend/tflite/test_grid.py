"""Operators in small random networks mean here what Larq Compute Engine's interpreter computed for them (see `grid`)."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from neurobin.errors import UnsupportedError
from neurobin.frontend.tflite.convert import RULES, to_graph
from neurobin.frontend.tflite.convert.chains import ROUNDING
from neurobin.frontend.tflite.convert.fold import FOLDS
from neurobin.frontend.tflite.reader import parse
from tests.frontend.tflite.generate import KINDS, network
from tests.frontend.tflite.grid import HERE, KEPT, differs, inputs_of


@pytest.fixture(scope="module")
def wanted():
    with np.load(HERE / "grid.npz") as file:
        return {int(name): file[name] for name in file.files}


@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_networks_around_each_operator_are_the_interpreters(kind, wanted):
    """Bits and 8-bit levels without exception, real numbers within 1e-4."""
    seeds = [seed for seed in wanted if seed % len(KINDS) == kind]
    assert len(seeds) >= 10
    for seed in seeds:
        data = network(seed)[1]
        assert not (said := differs(data, inputs_of(data, seed), wanted[seed])), f"seed {seed}: {said}"


def test_what_the_interpreter_refuses_is_refused_or_harmless(wanted):
    """Padding with zeros that no kernel of bits can do; where SAME pads nothing there is a meaning even so."""
    left = sorted({*range(KEPT)} - {*wanted})
    refusals = Counter(_refusal(network(seed)[1]) for seed in left)
    assert len(left) < KEPT // 20
    assert {words for words in refusals if words} == {"padding with zeros, an odd number of channels"}
    assert refusals[""] <= 3


def _refusal(data: bytes) -> str:
    """How the reason begins; "" for a file that is a graph."""
    try:
        to_graph(parse(data))
    except UnsupportedError as error:
        return str(error).partition("): ")[2].partition(" and other output")[0]
    return ""


def test_a_wrong_number_is_seen(wanted):
    for seed in range(6):
        if seed in wanted:
            data = network(seed)[1]
            assert differs(
                data, inputs_of(data, seed), wanted[seed] ^ 1 if wanted[seed].dtype.kind == "i" else -wanted[seed] - 1
            )


def test_the_networks_hold_every_operator_in_both_types(wanted):
    found, folded = {True: set(), False: set()}, set()
    for seed in wanted:
        model = parse(network(seed)[1])
        constants = {tensor.index for tensor in model.tensors if tensor.data is not None}
        for operator in model.operators:
            if constants.issuperset(operator.inputs):
                constants.update(operator.outputs)
                folded.add(operator.op)
            else:
                found[model.tensors[model.inputs[0]].kind.kind == "f"].add(operator.op)
    rare = {"DEQUANTIZE", "CONCATENATION", "SQUEEZE"}  # in the networks of Larq, or in `test_convert`
    assert set(RULES) - found[True] - rare == {"QUANTIZE"}
    assert set(RULES) - found[False] - rare == set(ROUNDING)
    assert set(FOLDS) == folded
