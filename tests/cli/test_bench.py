"""`neurobin bench`: one JSON object of a fixed form, tables, exit codes, and what it says where things are missing."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from neurobin.exec import reference
from neurobin.exec.kernels import machine
from neurobin.exec.limits import kernels, layers, network, timing
from neurobin.ir import TERNARY

MODE = {"batch", "threads", "runs", "image_s", "best_image_s", "images_per_s", "unit", "formula"}
TIMING = {"backend", "equal_to_reference", "first_result_s", "kernels_compiled", "kernels_loaded", "latency", "throughput",
          "in_numpy", "memory"}  # fmt: skip
MEMORY = {"unit", "arena_bytes", "chunk", "chunk_arena_bytes", "constant_bytes"}
MACHINE = {"schema", "host", "clock", "share_formula", "instruction_sets", "backends", "limits", "kernels", "layers",
           "ternary_binary"}  # fmt: skip
LIMIT = {"name", "what", "unit", "formula", "needs", "missing", "step_instructions", "step_macs", "step_cycles", "clock_hz",
         "instructions_per_s", "sustained_instructions_per_s", "ops_per_s", "sustained_ops_per_s"}  # fmt: skip
KERNEL = {"kernel", "backend", "operands", "operand_bytes", "rows", "channels", "terms", "time_s", "unit", "formula",
          "ops_per_s", "limit", "share"}  # fmt: skip
LAYER = {"layer", "channels", "size", "weights", "backend", "time_s", "unit", "formula", "ops_per_s", "limit", "share"}
RATIO = {"ternary", "binary", "operands", "backend", "ratio", "unit", "formula"}
BEST = machine.available()[0].name
needs_native = pytest.mark.skipif(BEST == "numpy", reason="numpy has no plans and no kernels")


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short turns and small layers: what is shown, not what is true."""
    monkeypatch.delenv(machine.VARIABLE, raising=False)
    monkeypatch.setattr(timing, "EFFORT", timing.Effort(1e-5, 1e-4, 1e-4))
    monkeypatch.setattr(network, "SPAN_S", 1e-3)
    small, ternary = layers.Layer(64, 4), layers.Layer(64, 4, TERNARY)
    monkeypatch.setattr(layers, "LAYERS", (small, ternary))
    monkeypatch.setattr(layers, "TERNARY_BINARY", (ternary, small))
    monkeypatch.setattr(kernels, "SHAPES", (kernels.WINDOW,))


def test_help_shows_an_example(neurobin):
    shown = neurobin("bench", "--help")
    assert shown.code == 0
    assert "Examples:" in shown.out


def test_a_network_on_every_back_end(neurobin):
    answer = json.loads(neurobin("bench", "bnn_digits", "--json").out)
    assert set(answer) == {"schema", "model", "images", "real_images", "threads", "clock", "rows"}
    assert answer["schema"] == "neurobin.bench/1"
    assert (answer["images"], answer["real_images"], answer["threads"]) == (4, True, 1)
    assert [row["backend"] for row in answer["rows"]] == [b.name for b in machine.available()]
    for row in answer["rows"]:
        assert set(row) == TIMING
        for mode in ("latency", "throughput"):
            assert set(row[mode]) == MODE
            assert row[mode]["images_per_s"] > 0
        native = row["backend"] != "numpy"
        assert (row["memory"] is not None, row["kernels_compiled"] is not None) == (native, native)
        assert row["memory"] is None or set(row["memory"]) == MEMORY


def test_a_network_as_a_table(neurobin):
    shown = neurobin("bench", "bnn_digits", "--images", "1", "--batch", "3", "--threads", "2", "--backend", BEST)
    assert shown.code == 0, shown.err
    assert "bnn_digits, 2 threads, median wall time" in shown.out
    assert "Outputs equal the reference's on 1 image." in shown.out
    assert [line.split()[0] for line in shown.out.splitlines() if line.strip().startswith(BEST)] == [BEST]


def test_the_environment_chooses(neurobin, monkeypatch):
    monkeypatch.setenv(machine.VARIABLE, "numpy")
    answer = json.loads(neurobin("bench", "bnn_digits", "--json").out)
    assert [row["backend"] for row in answer["rows"]] == ["numpy"]
    if BEST != "numpy":
        answer = json.loads(neurobin("bench", "bnn_digits", "--json", "--backend", "generic").out)
        assert [row["backend"] for row in answer["rows"]] == ["generic"]


def test_more_threads_than_cores_are_told(neurobin):
    shown = neurobin("bench", "bnn_digits", "--backend", "numpy", "--threads", "1000")
    assert shown.code == 0
    assert "1000 threads share" in shown.err


def test_other_outputs_than_the_references_are_an_error(neurobin, monkeypatch):
    run = reference.run
    monkeypatch.setattr(reference, "run", lambda graph, x: run(graph, x) + (np.arange(len(x)) == 1)[:, None])
    shown = neurobin("bench", "bnn_digits", "--backend", BEST)
    assert shown.code == 5
    assert f"back end '{BEST}': 1 of 4 outputs differ from the reference" in shown.err
    assert not shown.out


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ("bench", 2, "expected one network, or --machine"),
        ("bench --machine bnn_digits", 2, "expected one network, or --machine"),
        ("bench --machine --batch 3", 2, "--images, --batch and --threads time a network"),
        ("bench bnn_digits --backend avx3", 2, "--backend: unknown back end 'avx3' (try: amx, avx512"),
        ("bench bnn_digits --images 0", 2, "0 is not in the range"),
        ("bench nowhere/to.nbin", 1, "there is no such file"),
    ],
)
def test_usage(neurobin, arguments, code, told):
    shown = neurobin(*arguments.split())
    assert told in shown.err
    assert shown.code == code
    assert not shown.out


def test_a_back_end_that_cannot_run(neurobin, monkeypatch):
    monkeypatch.setattr(machine, "available", lambda: (machine.NUMPY,))
    monkeypatch.setattr(machine, "units", frozenset)
    shown = neurobin("bench", "--machine", "--backend", "avx2")
    assert shown.code == 3
    assert "--backend: this CPU cannot run the back end 'avx2', it lacks avx" in shown.err


def check_rows(answer):
    """Every row has its fields, a unit and a formula, and a number or nothing, never 0."""
    for part, fields in (("limits", LIMIT), ("kernels", KERNEL), ("layers", LAYER), ("ternary_binary", RATIO)):
        for row in answer[part]:
            assert set(row) == fields
            assert row["unit"]
            assert row["formula"]
            for name in fields & {"ops_per_s", "instructions_per_s", "share", "clock_hz", "time_s", "ratio"}:
                assert row[name] is None or row[name] > 0
    for row in answer["limits"]:
        assert (row["instructions_per_s"] is None) == bool(row["missing"])


@needs_native
@pytest.mark.parametrize("back_end", ["generic", BEST])
def test_the_machine(neurobin, back_end):
    answer = json.loads(neurobin("bench", "--machine", "--backend", back_end, "--json").out)
    assert set(answer) == MACHINE
    assert answer["schema"] == "neurobin.machine/1"
    assert {"cpu", "kind", "architecture", "cores", "cores_usable", "caches", "llvm"} == set(answer["host"])
    assert [b["name"] for b in answer["backends"]] == [b.name for b in machine.BACKENDS]
    assert [b["name"] for b in answer["backends"] if b["chosen"]] == [back_end]
    check_rows(answer)
    assert answer["limits"][0]["name"] == "clock"
    assert {row["backend"] for part in ("kernels", "layers", "ternary_binary") for row in answer[part]} == {back_end}


@needs_native
def test_the_machine_as_tables(neurobin, monkeypatch):
    monkeypatch.setattr(machine, "units", frozenset)
    shown = neurobin("bench", "--machine", "--backend", "generic")
    assert shown.code == 0, shown.err
    titles = ("Computer", "Back ends", "Limits", "Micro-kernels", "Layers", "Ternary weights against binary ones")
    assert [line.strip() for line in shown.out.splitlines() if line.strip() in titles] == list(titles)
    assert "this CPU lacks amx-tile, amx-int8" in shown.out
    assert "not available" in shown.out
    assert "plain popcount" in shown.out


def test_without_llvmlite(neurobin, monkeypatch):
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.setattr(machine, "units", frozenset)
    monkeypatch.setattr(machine, "cpu", str)
    monkeypatch.setattr(machine, "available", lambda: (machine.NUMPY,))
    shown = neurobin("bench", "--machine", "--json")
    assert shown.code == 0
    assert "llvmlite is not installed" in shown.err
    answer = json.loads(shown.out)
    check_rows(answer)
    assert {row["missing"] for row in answer["limits"]} == {"llvmlite is not installed"}
    assert answer["kernels"] == []
    assert {row["backend"] for row in answer["layers"]} == {"numpy"}
    shown = neurobin("bench", "bnn_digits")
    assert shown.code == 0
    assert "numpy is the only back end" in shown.err
