"""Networks of other tools on the command line: files wherever a network is expected, and clear refusals."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """bnn_digits as its integers and as trained."""
    from neurobin import zoo
    from neurobin.export.qonnx import save_qonnx

    folder = tmp_path_factory.mktemp("onnx")
    save_qonnx(zoo.load("bnn_digits"), folder / "integers.onnx")
    save_qonnx(zoo.load("bnn_digits", trained=True), folder / "trained.onnx")
    return folder


def test_integers_run_as_what_they_are(neurobin, files):
    ours = json.loads(neurobin("run", "bnn_digits", "--json").out)
    theirs = json.loads(neurobin("run", str(files / "integers.onnx"), "--test-data", "digits", "--json").out)
    assert theirs["predictions"] == ours["predictions"]
    assert theirs["accuracy"] == ours["accuracy"]


def test_a_network_as_trained_is_lowered_on_the_way(neurobin, files):
    ours = json.loads(neurobin("run", "bnn_digits", "--json").out)
    theirs = json.loads(neurobin("run", str(files / "trained.onnx"), "--test-data", "digits", "--json").out)
    assert abs(theirs["accuracy"] - ours["accuracy"]) < 0.01


def test_files_are_validated_priced_and_counted(neurobin, files):
    name = str(files / "integers.onnx")
    found = json.loads(neurobin("validate", name, "--images", "8", "--json").out)
    assert found["mismatches"] == 0
    assert {pair["status"] for pair in found["pairs"]} <= {"equal", "refused"}
    priced = json.loads(neurobin("estimate", name, "--target", "stm32l4r5", "--json").out)
    ours = json.loads(neurobin("estimate", "bnn_digits", "--target", "stm32l4r5", "--json").out)
    assert priced["rows"][0]["latency_s"] == pytest.approx(ours["rows"][0]["latency_s"], rel=0.05)
    counted = json.loads(neurobin("count", str(files / "trained.onnx"), "--json").out)
    assert counted["params"] == json.loads(neurobin("count", "bnn_digits", "--json").out)["params"]


def test_lower_writes_a_file_of_our_own(neurobin, files, tmp_path):
    done = neurobin(
        "lower", str(files / "trained.onnx"), "--test-data", "digits", "-o", str(tmp_path / "out.nbin"), "--json"
    )
    assert done.code == 0
    assert json.loads(done.out)["accuracy"]["deployed"] > 0.9
    assert json.loads(neurobin("run", str(tmp_path / "out.nbin"), "--json").out)["dataset"] == "digits"


def test_without_a_data_set_calibration_is_said_to_be_random(neurobin, files):
    done = neurobin("estimate", str(files / "trained.onnx"), "--target", "stm32l4r5", "--json")
    assert done.code == 0
    assert "calibrated on random images" in done.err
    refused = neurobin("run", str(files / "trained.onnx"))
    assert (refused.code, "--test-data NAME" in refused.err) == (2, True)


def test_inspect_tells_what_becomes_bits(neurobin, files):
    found = json.loads(neurobin("inspect", str(files / "trained.onnx"), "--json").out)
    assert found["facts"]["producer"] == "neurobin"
    assert {operator["name"]: operator["count"] for operator in found["operators"]}["Conv"] >= 2
    forms = [layer["form"] for layer in found["layers"]]
    assert "bits: popcounts" in forms
    assert found["problem"] is None
    shown = neurobin("inspect", "bnn_digits").out
    assert "of all products are popcounts" in shown


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("run", "nothere.onnx"), 1, "nothere.onnx: there is no such file"),
        (("run", "FILE", "--pixel", "zero"), 2, "expected --pixel SCALE"),
        (("run", "FILE", "--pixel", "1/0"), 2, "expected --pixel SCALE"),
        (("run", "FILE", "--pixel", "-1"), 2, "worth more than 0"),
        (("run", "FILE", "--allow", "node=5"), 2, "no limit 'node' (try: 'nodes')"),
        (("run", "FILE", "--allow", "nodes=many"), 2, "expected --allow nodes=NUMBER"),
        (("run", "FILE", "--allow", "nodes=3"), 1, "the limit nodes is 3 (try: --allow nodes="),
    ],
)  # fmt: skip
def test_wrong_options_and_files_are_named(neurobin, files, arguments, code, message):
    refused = neurobin(*(str(files / "trained.onnx") if argument == "FILE" else argument for argument in arguments))
    assert (refused.code, refused.out) == (code, "")
    assert message in refused.err


def test_export_says_what_it_wrote(neurobin, tmp_path):
    done = neurobin("export", "twn_digits", "-o", str(tmp_path / "twn.onnx"))
    assert (done.code, done.out) == (0, "")
    assert "ops)" in done.err
