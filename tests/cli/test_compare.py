"""`neurobin compare`: what it runs on, in how many processes, and how it says so."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from hwmodels.target import load_target
from neurobin import zoo
from neurobin.cli import _compare, _images
from neurobin.cli._compare import compare
from neurobin.cli._images import SAMPLE, WHOLE
from tests.processes import start

GRAPHS = {name: zoo.load(name) for name in ("bnn_digits", "twn_digits")}


@pytest.mark.parametrize(
    ("whole", "count", "executed"),
    [(WHOLE, "sample", WHOLE), (WHOLE + 1, "sample", SAMPLE), (10_000, "all", 10_000), (10_000, 300, 300), (50, 300, 50)],
)
def test_a_large_test_split_is_sampled_unless_asked(monkeypatch, whole, count, executed):
    monkeypatch.setattr(_images, "images_to_execute", lambda graph, n: (np.zeros((whole, 8, 8, 1), np.uint8)[:n], True))
    found = _compare._images(GRAPHS["bnn_digits"], count)
    assert found.executed is not None
    assert (len(found.executed), found.test_images) == (executed, whole)
    assert found.activity is not None
    assert len(found.activity) == min(whole, 128)


def test_random_images_are_not_taken_for_test_images(monkeypatch):
    monkeypatch.setattr(_images, "images_to_execute", lambda graph, n: (np.zeros((64, 8, 8, 1), np.uint8), False))
    found = _compare._images(GRAPHS["bnn_digits"], "sample")
    assert (found.activity, found.test_images) == (None, 0)


def test_a_data_set_is_read_once(monkeypatch):
    asked = []
    honest = _images.images_to_execute
    monkeypatch.setattr(_images, "images_to_execute", lambda graph, n: asked.append(graph) or honest(graph, n))
    compare(GRAPHS, [load_target("stm32l4r5")], images=2)
    assert len(asked) == 1


def test_the_result_does_not_depend_on_the_processes():
    targets = [load_target("stm32l4r5"), load_target("truenorth")]
    one, two = (compare(GRAPHS, targets, images=3, traces=True, literature=True, processes=count) for count in (1, 2))
    assert one.to_dict() == two.to_dict()
    assert [result.pair.status for result in one.results] == ["equal", "equal", "equal", "refused"]
    assert all(model.test_images == 364 and model.literature for model in one.models)


def test_all_methods_is_no_filter_and_unknown_names_list_the_known(neurobin):
    arguments = ("compare", "bnn_digits", "twn_digits", "--images", "0", "-t", "stm32l4r5", "--json")
    for methods in ("all", "bnn, twn", "all,bnn"):
        rows = json.loads(neurobin(*arguments, "--methods", methods).out)["rows"]
        assert [row["model"] for row in rows] == ["bnn_digits", "twn_digits"]
    refused = neurobin(*arguments, "--methods", "bnn,bnm,nothing")
    assert refused.code == 2
    assert "no network with method 'bnm' or 'nothing' (try: one of bnn, twn)" in refused.err


def test_the_number_of_images_is_said_on_terminal_and_page(neurobin, tmp_path):
    page = tmp_path / "page.html"
    shown = neurobin("compare", "bnn_digits", "--images", "7", "-t", "stm32l4r5", "--report", str(page))
    assert shown.code == 0, shown.err
    assert "Executed on 7 of the 364 test images of digits." in shown.out
    text = page.read_text(encoding="utf-8")
    assert "Executed on 7 of the 364 test images of digits." in text
    assert 'id="methods-table-0"' in text
    whole = neurobin("compare", "bnn_digits", "--images", "all", "-t", "stm32l4r5")
    assert "Executed on all 364 test images of digits." in whole.out


@pytest.mark.parametrize("count", ["-1", "some", "1.5", "²"])
def test_a_wrong_number_of_images_is_refused(neurobin, count):
    shown = neurobin("compare", "bnn_digits", f"--images={count}")
    assert shown.code == 2
    assert "neither a number of images nor 'all'" in shown.err


@pytest.mark.slow
def test_ctrl_c_ends_all_processes_at_once():
    code = (
        "import sys; sys.argv = ['neurobin', 'compare', '--data', 'digits', '--processes', '2']\n"
        "from neurobin.cli import main\n"
        "if __name__ == '__main__':\n  print('go', file=sys.stderr, flush=True)\n  main()\n"
    )
    running = start([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stderr is not None
    assert running.stderr.readline().strip() == "go"
    time.sleep(6)
    running.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert time.monotonic() - began < 10
    assert "Traceback" not in err
    assert "interrupted" in err
