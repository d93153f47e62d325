"""What ships: every network on every target that accepts it, integer for integer, on the whole test split."""

from __future__ import annotations

import numpy as np
import pytest

from analyses.evaluate import check, model_info
from hwmodels.target import chip_names, load_target
from neurobin import zoo
from neurobin.data import load_dataset
from neurobin.data.load import USUAL
from neurobin.errors import UsageError
from neurobin.exec import reference
from neurobin.exec.activity import measure
from neurobin.methods import load_method, method_names
from neurobin.passes import lower
from neurobin.passes.precision import from_meta

DIGITS = [name for name in zoo.names() if name.endswith("_digits")]
OTHERS = [name for name in zoo.names() if name not in DIGITS]


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def test_one_network_per_method():
    """Every method has a network on the data its kind of network is compared on."""
    assert {f"{method}_{USUAL[load_method(method).goal]}" for method in method_names()} <= set(zoo.names())
    assert {zoo.load(name).meta["method"] for name in zoo.names()} <= set(method_names())


@pytest.mark.parametrize("name", DIGITS)
def test_reference_packed_and_every_mapped_execution_agree_on_the_whole_test_split(name, digits):
    graph = zoo.load(name)
    assert len(digits.x_test) >= 360
    checked = check(graph, digits.x_test)
    assert checked.packed_mismatches == 0, checked.divergence
    accepted = 0
    for chip in chip_names():
        target = load_target(chip)
        if target.check(graph):
            continue
        accepted += 1
        mapping = target.map(graph)
        assert np.array_equal(target.execute(mapping, digits.x_test), checked.outputs), chip
        activity = measure(graph, digits.x_test[:64])
        report = target.estimate(mapping, activity)
        for key in ("node", "component"):
            energy_j = sum(energy.energy_j for energy in report.by(key).values())
            assert energy_j == pytest.approx(report.total.energy_j, rel=1e-12)
    assert accepted >= 4
    assert reference.accuracy(checked.outputs, digits.y_test) == graph.meta["accuracy"]["deployed"]


@pytest.mark.parametrize("name", zoo.names())
def test_deployment_costs_at_most_half_a_point(name):
    accuracy = zoo.load(name).meta["accuracy"]
    assert accuracy["torch"] - accuracy["deployed"] <= 0.005


@pytest.mark.parametrize("name", DIGITS)
def test_lowering_the_stored_graph_gives_the_stored_integers(name, digits):
    trained, deployed = zoo.load(name, trained=True), zoo.load(name)
    again = lower(trained, digits.x_train[:256], from_meta(trained.meta))
    assert again.nodes == deployed.nodes


def test_the_all_binary_network_runs_on_spiking_cores():
    assert load_target("truenorth").check(zoo.load("bnn_digits")) == []


def test_files_are_as_small_as_their_bits():
    graph = zoo.load("bnn_digits")
    bits = sum(c.bits for node in graph.nodes for c in node.op.constants().values())
    assert zoo.path("bnn_digits").stat().st_size < bits / 8 + 8_000  # the rest is the JSON of names and shapes


@pytest.mark.parametrize("name", OTHERS)
def test_networks_on_other_data_agree_on_random_images(name):
    graph = zoo.load(name)
    kind = graph.inputs[graph.input]
    images = np.random.default_rng(0).integers(0, kind.dtype.high + 1, (4, *kind.shape))
    checked = check(graph, images)
    assert checked.packed_mismatches == 0
    for chip in ("truenorth", "stm32l4r5", "bismo_8x64x8"):
        target = load_target(chip)
        if not target.check(graph):
            assert np.array_equal(target.execute(target.map(graph), images), checked.outputs), chip


def test_unknown_networks_get_the_nearest_name():
    with pytest.raises(UsageError, match="try: 'bnn_digits'"):
        zoo.load("bnn_digit")


def test_what_deployment_flipped_is_kept_with_the_network():
    """All-binary networks lower exactly; where a first layer or a map is rounded, the share of flipped codes is known."""
    infos = {name: model_info(name, zoo.load(name)) for name in DIGITS}
    assert infos["bnn_digits"].codes_flipped == 0
    assert infos["bnn_digits"].first_flip == ""
    assert infos["full_precision_digits"].codes_flipped is None  # no quantizer
    assert 0 < infos["birealnet_digits"].codes_flipped < 0.01
    assert infos["birealnet_digits"].first_flip in zoo.load("birealnet_digits").types
