"""TensorFlow Lite files on the command line, as Larq Compute Engine writes them; the onnx package is not needed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from neurobin.data import load_dataset
from tests.frontend.tflite.build import Cell, Step, constant, model

FOLDER = Path(__file__).parents[1] / "frontend" / "tflite" / "networks"
LEVELS = 3


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Handwritten digits by the class whose mean is nearest, of pixels rounded to 2 bits as DoReFa-Net rounds them."""
    data = load_dataset("digits")
    shape = data.x_train.shape[1:]
    coarse = rounded(data.x_train).reshape(len(data.x_train), -1)
    means = np.stack([coarse[data.y_train == label].mean(0) for label in range(10)]).astype(np.float32)
    cells = [
        Cell(shape=(1, *shape)), constant(np.float32(1)), Cell(shape=(1, *shape)), Cell(shape=(1, *shape)),
        constant(np.float32(LEVELS)), Cell(shape=(1, *shape)), Cell(shape=(1, *shape)), constant(np.int32([1, -1])),
        Cell(shape=(1, means.shape[1])), constant(means), constant(-(means**2).sum(1) / 2), Cell(shape=(1, 10)),
    ]  # fmt: skip
    steps = [
        Step("MINIMUM", [0, 1], [2]), Step("RELU", [2], [3]), Step("MUL", [3, 4], [5], {"fused_activation_function": 0}),
        Step("ROUND", [5], [6]), Step("RESHAPE", [6, 7], [8]),
        Step("FULLY_CONNECTED", [8, 9, 10], [11], {"fused_activation_function": 0}),
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("tflite") / "digits"  # recognised by its bytes, not by its name
    path.write_bytes(model(cells, steps))
    scores = rounded(data.x_test).reshape(len(data.x_test), -1) @ means.T - (means**2).sum(1) / 2
    return str(path), scores.argmax(1), data.y_test


def rounded(images: np.ndarray) -> np.ndarray:
    return np.rint(np.minimum(images / np.float32(16), 1) * np.float32(LEVELS))


def test_accuracy_is_that_of_the_file(neurobin, digits):
    path, wanted, labels = digits
    done = neurobin("run", path, "--test-data", "digits", "--pixel", "1/16", "--json")
    assert (done.code, "calibrated on" in done.err) == (0, False)
    found = json.loads(done.out)
    assert found["dataset"] == "digits"
    assert (np.array(found["predictions"]) == wanted).mean() > 0.98  # the last layer is deployed in 8 bits
    assert abs(found["accuracy"] - (wanted == labels).mean()) < 0.02
    assert found["accuracy"] > 0.85


def test_networks_of_larq_are_inspected(neurobin):
    found = json.loads(neurobin("inspect", str(FOLDER / "planes.tflite"), "--json").out)
    assert found["facts"]["format"].startswith("TensorFlow Lite")
    assert {one["name"] for one in found["operators"] if one["known"]} >= {"LceBconv2d", "ROUND", "SPLIT", "PAD"}
    assert all(one["known"] for one in found["operators"])
    layers = {(layer["weights"], layer["activations"]): layer["form"] for layer in found["layers"]}
    assert {layers["bipolar", bits] for bits in ("bipolar", "u2", "u3")} == {"bits: popcounts"}
    assert found["problem"] is None


def test_they_are_lowered_and_every_machine_agrees(neurobin, tmp_path):
    name, out = str(FOLDER / "planes.tflite"), str(tmp_path / "planes.nbin")
    done = neurobin("lower", name, "-o", out, "--json")
    assert (done.code, "calibrated on random images" in done.err) == (0, True)
    for file in (name, out):
        found = json.loads(neurobin("validate", file, "--images", "2", "--json").out)
        assert found["mismatches"] == 0
        assert sum(pair["status"] == "equal" for pair in found["pairs"]) > 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "FILE"), "names no data set (try: --test-data NAME)"),
        (("count", "FILE", "--allow", "work=100"), "the limit work is 100 (try: --allow work="),
        (("count", "CUT"), "CUT: "),
    ],
)
def test_refusals_name_the_file_and_what_to_try(neurobin, tmp_path, arguments, words):
    cut = tmp_path / "CUT"
    cut.write_bytes((FOLDER / "planes.tflite").read_bytes()[:5000])
    files = {"FILE": str(FOLDER / "planes.tflite"), "CUT": str(cut)}
    refused = neurobin(*(files.get(argument, argument) for argument in arguments))
    assert refused.code in (1, 2)
    assert refused.out == ""
    assert words in refused.err
