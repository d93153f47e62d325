"""`neurobin count`: keys for programs, lines for people, and what is not known."""

from __future__ import annotations

import json

import pytest

KEYS = {"net", "convention", "params", "size_mib", "size_mb", "bops", "flops", "ops"}


def test_json_has_the_keys(neurobin):
    shown = neurobin("count", "quicknet_small", "--json")
    assert shown.code == 0, shown.err
    answer = json.loads(shown.out)
    assert answer.keys() >= KEYS
    assert answer["schema"] == "neurobin.count/1"
    assert (answer["net"], answer["convention"]) == ("quicknet_small", "reactnet")
    assert answer["ops"] == answer["bops"] / 64 + answer["flops"]
    assert sum(answer["params_by_bits"].values()) == answer["params"]
    assert answer["neurobench"].keys() == {
        "footprint", "connection_sparsity", "activation_sparsity", "synaptic_operations", "images"
    }  # fmt: skip
    assert answer["neurobench"]["synaptic_operations"]["Effective_ACs"] is None


def test_people_read_lines(neurobin):
    shown = neurobin("count", "irnet_resnet20", "--convention", "larq")
    assert shown.code == 0, shown.err
    assert "IR-Net ResNet-20, counted as larq" in shown.out
    assert "MiB" in shown.out
    assert "BOPs / 64 + FLOPs" in shown.out


def test_stems_and_conventions(neurobin):
    ops = {
        stem: json.loads(neurobin("count", "meliusnet22", "--stem", stem, "--convention", "hpi", "--json").out)["ops"]
        for stem in ("7x7", "grouped")
    }
    assert ops["7x7"] > ops["grouped"]


def test_the_energy_model_prices(neurobin):
    answer = json.loads(neurobin("count", "tfc", "--convention", "tnet", "--json").out)
    energy = answer["tnet"]
    assert energy["total_j"] == pytest.approx(energy["weights_j"] + energy["maps_j"] + energy["compute_j"])
    assert energy["weights_j"] == pytest.approx(energy["weight_bits_read"] * 150e-12)
    assert answer["size_mib"] * 8 * 2**20 == energy["weight_bits_read"]


def test_networks_of_the_zoo_and_files(neurobin, tmp_path):
    from neurobin import zoo

    answer = json.loads(neurobin("count", "bnn_digits", "--images", "8", "--json").out)
    assert answer["neurobench"]["images"] == 8
    assert answer["neurobench"]["synaptic_operations"]["Effective_ACs"] > 0
    path = zoo.path("bnn_digits", trained=True)
    by_file = json.loads(neurobin("count", str(path), "--json").out)
    assert by_file["params"] == answer["params"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["count", "quicknt"], 2, "try: 'quicknet'"),
        (["count", "bnn_digit"], 2, "'bnn_digits'"),
        (["count", "zzzzzz"], 2, "neurobin count --all"),
        (["count"], 2, "neurobin count reactnet_a"),
        (["count", "tfc", "--all"], 2, "one network, or --all"),
        (["count", "tfc", "--convention", "larg"], 2, "try: 'larq'"),
        (["count", "tfc", "--stem", "7x7"], 2, "leave out --stem"),
        (["count", "bnn_digits", "--stem", "7x7"], 2, "no published architecture"),
        (["count", "resnete18", "--stem", "3x3"], 2, "'7x7' and 'grouped'"),
        (["count", "tfc", "--images", "4"], 2, "--images"),
        (["count", "missing.nbin"], 1, "missing.nbin"),
    ],
)
def test_messages_and_codes(neurobin, arguments, code, words):
    shown = neurobin(*arguments)
    assert shown.code == code, shown.err
    assert words in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""


def test_a_name_that_is_nearly_one_is_told_the_one_by_every_command(neurobin):
    for command in ("count", "validate", "run"):
        refused = neurobin(command, "quicknet_smal")
        assert (refused.code, refused.out) == (2, "")
        assert "is called 'quicknet_smal' (try: 'quicknet_small')" in refused.err
