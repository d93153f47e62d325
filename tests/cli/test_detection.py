"""Commands on a detector's model file: boxes instead of classes, and its scores."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from neurobin.cli import cli
from neurobin.frontend.torch import from_torch
from neurobin.ir import TensorType
from neurobin.ir.dtype import u
from neurobin.ir.store import save
from neurobin.methods import load_method
from neurobin.passes import lower
from tests.nets.test_nets import SCENES


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A detector that was never trained, as trained and deployed."""
    folder: Path = tmp_path_factory.mktemp("detector")
    torch.manual_seed(0)
    trained = from_torch(load_method("kt_detector").build(SCENES), TensorType((40, 40, 1), u(8)))
    trained = trained.with_meta(name="detector", dataset="digit_scenes")
    images = np.random.default_rng(0).integers(0, 256, (8, 40, 40, 1))
    save(trained, folder / "detector.trained.nbin")
    save(lower(trained, images), folder / "detector.nbin")
    return str(folder / "detector.trained.nbin"), str(folder / "detector.nbin")


def test_run_reports_boxes_and_scores(files: tuple[str, str]) -> None:
    result = CliRunner().invoke(cli, ["run", files[1], "--images", "5", "--json"])
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert len(answer["predictions"]) == answer["images"] == 5
    assert 0 <= answer["mean_average_precision"] <= 1
    assert 0 <= answer["accuracy"] <= 1
    boxes = [box for image in answer["predictions"] for box in image]
    assert boxes
    for label, confidence, left, top, right, bottom in boxes:
        assert label in range(10)
        assert 0.01 <= confidence <= 1
        assert left < right
        assert top < bottom
    text = CliRunner().invoke(cli, ["run", files[1], "--images", "5"]).stdout
    assert f"mean average precision {answer['mean_average_precision']:.4f}" in text
