"""Every command on the zoo: tables for people, one JSON object for programs, exit codes for both."""

from __future__ import annotations

import json
import math
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hwmodels.target import chip_names
from neurobin import zoo
from neurobin.exec import packed
from tests.processes import start

ROW_FIELDS = {"model", "method", "target", "accuracy", "energy_j", "energy_low_j", "energy_high_j", "latency_s", "memory"}
ROW_FIELDS |= {"fits", "valid"}
HEAVY = ("torch", "plotly", "simpy", "numpy", "sklearn", "pydantic")


@pytest.mark.parametrize(
    "arguments", [["zoo"], ["ops"], ["targets"], ["methods"], ["methods", "show", "bnn"], ["targets", "show", "truenorth"]]
)
def test_lists_print_a_table_and_one_json_object(neurobin, arguments):
    shown = neurobin(*arguments)
    assert shown.code == 0
    assert shown.out.strip()
    answer = json.loads(neurobin(*arguments, "--json").out)
    assert re.fullmatch(r"neurobin\.[a-z]+/[12]", answer["schema"])


TFLITE = Path(__file__).parents[1] / "frontend" / "tflite" / "networks" / "ones.tflite"


@pytest.mark.parametrize(
    "command",
    ["", "zoo", "methods", "ops", "targets", "train", "lower", "run", "validate", "estimate", "compare", "explain"],
)
def test_help_shows_an_example(neurobin, command):
    shown = neurobin(*command.split(), "--help")
    assert shown.code == 0
    assert "Example" in shown.out


def test_help_is_instant_and_loads_nothing_heavy():
    code = f"import sys, neurobin.cli; print([name for name in {HEAVY} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    times = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "neurobin", "--help"], capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.3


@pytest.mark.parametrize(
    "arguments",
    ["run NETWORK", "lower NETWORK", "lower FILE", "inspect FILE", "validate FILE -t none", "estimate FILE -t stm32l4r5",
     "compare FILE NETWORK -t stm32l4r5 --images 0", "export FILE -o OUT"],
)  # fmt: skip
def test_networks_and_files_are_read_without_torch(arguments, tmp_path):
    """It takes a second and 180 MiB, which only training and the architectures need."""
    names = {"NETWORK": "bnn_digits", "FILE": str(TFLITE), "OUT": str(tmp_path / "out.nir")}
    words = [names.get(word, word) for word in arguments.split()]
    code = "import sys; sys.modules['torch'] = None; from neurobin.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert "torch" not in done.stderr
    assert done.returncode == (3 if "OUT" in arguments else 0), done.stderr


def test_validate_names_every_pair(neurobin):
    shown = neurobin("validate", "bnn_digits", "full_precision_digits", "--images", "16", "--json")
    assert shown.code == 0, shown.err
    answer = json.loads(shown.out)
    assert answer["schema"] == "neurobin.validate/1"
    assert answer["mismatches"] == 0
    assert len(answer["pairs"]) == 2 * len(chip_names())
    for pair in answer["pairs"]:
        assert set(pair) == {"model", "target", "status", "images", "mismatches", "reasons"}
        assert pair["status"] in ("equal", "refused")
        assert pair["status"] == "equal" or pair["reasons"]


def test_estimate_has_the_agreed_fields(neurobin):
    answer = json.loads(neurobin("estimate", "bnn_digits", "--by", "node", "--json").out)
    assert answer["schema"] == "neurobin.estimate/1"
    assert {row["target"] for row in answer["rows"]} == set(chip_names())
    for row in answer["rows"]:
        assert set(row) >= ROW_FIELDS
    for cost in answer["costs"]:
        assert cost["source"]
    for row in answer["rows"]:
        if row["energy_j"] is None:  # no constant for this chip: not modelled, never 0
            assert not row["fits"] or row["energy_without"]
            continue
        parts = [c["energy_j"] for c in answer["costs"] if c["target"] == row["target"] and c["energy_j"] is not None]
        assert math.isclose(math.fsum(parts), row["energy_j"], rel_tol=1e-12)


def test_explain_sums_to_the_figure_of_the_report(neurobin):
    answer = json.loads(neurobin("explain", "bnn_digits", "--json").out)
    assert answer["explained"]
    for node in answer["explained"]:
        parts = [row["energy_j"] for row in node["rows"] if row["energy_j"] is not None]
        if node["energy_j"] is None:
            assert not parts
            continue
        assert math.isclose(math.fsum(parts), node["energy_j"], rel_tol=1e-12)
        for row in node["rows"]:
            assert row["source"]
            if row["energy_j"] is not None:
                assert math.isclose(row["count"] * row["unit_energy_j"], row["energy_j"], rel_tol=1e-12)


def test_compare_writes_one_offline_page(neurobin, tmp_path):
    page, rows = tmp_path / "report.html", tmp_path / "rows.csv"
    shown = neurobin("compare", "bnn_digits", "--images", "8", "--report", str(page), "--table", str(rows))
    assert shown.code == 0, shown.err
    assert page.read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    assert "bnn_digits" in rows.read_text()
    assert not list(tmp_path.glob("*.tmp"))


def test_a_network_that_fits_nowhere_gives_every_reason_and_code_4(neurobin):
    shown = neurobin("estimate", "full_precision_digits", "--target", "truenorth")
    assert shown.code == 4
    assert "does not fit" in shown.err


@pytest.mark.parametrize(("option", "value"), [("--max-energy", "1fJ"), ("--max-latency", "1ns"), ("--max-sram", "1B")])
def test_limits_leave_with_code_6(neurobin, option, value):
    shown = neurobin("estimate", "bnn_digits", "--target", "stm32l4r5", option, value)
    assert shown.code == 6
    assert "limit exceeded" in shown.err


@pytest.mark.parametrize(
    ("target", "option", "value"), [("stm32f746", "--max-energy", "1kJ"), ("truenorth", "--max-sram", "1GB")]
)
def test_what_is_not_modelled_passes_no_limit(neurobin, target, option, value):
    shown = neurobin("estimate", "bnn_digits", "--target", target, option, value)
    assert shown.code == 6
    assert "is not modelled" in shown.err


def test_lower_repeats_the_stored_network(neurobin, tmp_path):
    made = tmp_path / "again.nbin"
    shown = neurobin("lower", "bnn_digits", "-o", str(made), "--json")
    assert shown.code == 0, shown.err
    assert zoo.load(str(made)).nodes == zoo.load("bnn_digits").nodes


def test_run_reports_the_stored_accuracy(neurobin):
    for engine in ("packed", "reference"):
        answer = json.loads(neurobin("run", "bnn_digits", "--engine", engine, "--images", "all", "--json").out)
        assert answer["accuracy"] == zoo.load("bnn_digits").meta["accuracy"]["deployed"]
        assert answer["images"] >= 360


@pytest.mark.slow
def test_train_makes_both_files(neurobin, tmp_path):
    shown = neurobin("train", "bnn", "--epochs", "1", "--output", str(tmp_path), "--json")
    assert shown.code == 0, shown.err
    assert {path.name for path in tmp_path.iterdir()} == {"bnn_digits.nbin", "bnn_digits.trained.nbin"}
    assert json.loads(neurobin("run", str(tmp_path / "bnn_digits.nbin"), "--json").out)["images"] >= 360


def test_compare_can_be_limited_to_methods_and_data(neurobin):
    shown = neurobin("compare", "--methods", "bnn,twn", "--data", "digits", "--images", "0", "-t", "stm32l4r5", "--json")
    rows = json.loads(shown.out)["rows"]
    assert [row["model"] for row in rows] == ["bnn_digits", "twn_digits"]
    assert [row["valid"] for row in rows] == [None, None]
    refused = neurobin("compare", "--methods", "bnm", "--images", "0")
    assert refused.code == 2
    assert "no network with method 'bnm'" in refused.err


def test_lowering_what_is_lowered_is_refused(neurobin):
    shown = neurobin("lower", str(zoo.path("bnn_digits")))
    assert shown.code == 2
    assert "deployed already" in shown.err


@pytest.mark.slow
def test_an_interrupted_training_goes_on_with_the_same_command(tmp_path):
    train = [sys.executable, "-m", "neurobin", "train", "bnn", "--epochs", "12", "--output", str(tmp_path)]
    running = start(train, stderr=subprocess.PIPE)
    kept = tmp_path / "bnn_digits_seed0.checkpoint"
    deadline = time.monotonic() + 60
    while not kept.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]
    done = subprocess.run(train, capture_output=True, text=True, check=True)
    assert "torch" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"bnn_digits.nbin", "bnn_digits.trained.nbin"}


def test_a_mismatch_is_printed_and_leaves_with_code_5(neurobin, monkeypatch):
    honest = packed.run

    def broken(graph, x):
        values = honest(graph, x)
        values[0, 0] += 1
        return values

    monkeypatch.setattr(packed, "run", broken)
    shown = neurobin("validate", "bnn_digits", "--images", "4", "-t", "stm32l4r5", "--json")
    assert shown.code == 5
    answer = json.loads(shown.out)
    assert answer["mismatches"] == 1
    assert answer["pairs"][0]["status"] == "mismatch"
    assert "1 integers differ" in shown.err


def test_a_page_of_a_method_has_formulas_costs_and_targets(neurobin):
    shown = neurobin("methods", "show", "birealnet").out
    for words in ("Bi-Real Net (birealnet)", "ECCV, 2018", "published", "Blocks", "gradient in training", "2 - 2|x|",
                  "Accuracy on the test split", "birealnet_digits", "What runs after deployment", "shortcut", "Widest map",
                  "Targets of", "stm32l4r5"):  # fmt: skip
        assert words in shown, words
    answer = json.loads(neurobin("methods", "show", "birealnet", "--json").out)
    assert answer["schema"] == "neurobin.method/2"
    assert {"formulas", "recipe", "deployment", "targets", "seeds", "planes", "published"} <= set(answer)
    assert {block["kind"] for block in answer["formulas"]} >= {"weights", "activation"}


def test_methods_are_listed_by_year_with_accuracy_and_targets(neurobin):
    answer = json.loads(neurobin("methods", "--json").out)
    assert answer["schema"] == "neurobin.methods/2"
    years = [method["year"] for method in answer["methods"]]
    assert years == sorted(years)
    bnn = next(method for method in answer["methods"] if method["name"] == "bnn")
    assert bnn["accuracy"]["deployed"] > 0.5
    assert bnn["targets"]["stm32l4r5"] == "fits"
    refused = neurobin("methods", "--json", "show", "bnn")
    assert refused.code == 2


def test_validate_holds_the_engines_against_each_other_without_a_target(neurobin):
    shown = neurobin("validate", "bnn_digits", "twn_digits", "-t", "none", "--images", "all", "--processes", "2", "--json")
    assert shown.code == 0
    pairs = json.loads(shown.out)["pairs"]
    assert [(pair["model"], pair["target"], pair["status"], pair["images"]) for pair in pairs] == [
        ("bnn_digits", "packed", "equal", 364),
        ("twn_digits", "packed", "equal", 364),
    ]
