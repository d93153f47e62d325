"""Claims say what was wanted, what came and who ran; the page and its picture show both, and our contender is exact."""

from __future__ import annotations

import platform
from importlib import import_module

import numpy as np
import pytest

from benchmarks.bireal18 import random_image
from benchmarks.bireal18_graph import pixels
from benchmarks.claim import Claim, Goal, Options, Race, best_of, hold
from benchmarks.claims import CLAIMS
from benchmarks.contender import check
from benchmarks.machine_info import page_name
from benchmarks.ours import Neurobin
from benchmarks.peers.torch_fp32 import TorchFp32
from benchmarks.report import figures, markdown, overview, picture
from benchmarks.timing import Samples, Timing
from benchmarks.workloads import ConvSpec, GemmSpec, conv_sums, gemm_sums
from neurobin.exec.kernels.machine import NUMPY, available, cpu

BACK_ENDS = [b.name for b in available() if b is not NUMPY]


def timing(*values: float) -> Timing:
    return Timing(Samples(values), Samples(values), 1)


FAST, SLOW = timing(1.0, 1.0, 1.0), timing(4.0, 4.0, 4.0)
RACE = Race(
    "a layer", {"ours": FAST, "peer": SLOW}, {"ours": "ours, 1 thread", "peer": "theirs"}, {"other": "not installed"}, 1000
)
CLAIM = Claim(
    "Layers",
    "About layers.",
    [RACE],
    [Goal("a against b", 3.0, 4.0), Goal("c against d", 5.0, 4.0, why="memory"), Goal("e against f", 2.0, None)],
    ["A note."],
)


def test_ratios_are_of_the_fastest_of_ours() -> None:
    assert RACE.ratio("peer", "ours") == 4.0
    assert RACE.ratio("other", "ours") is None
    two = [RACE, Race("b", {"ours": SLOW, "mine": FAST, "peer": timing(16.0, 16.0, 16.0)}, {})]
    got, winners = best_of(two, ("ours", "mine"), "peer")
    assert got == pytest.approx(8.0)  # the geometric mean of 4 and 16
    assert winners == ["ours", "mine"]
    assert best_of(two, ("ours",), "other") == (None, [])


def test_the_page_shows_goals_contenders_and_who_is_absent() -> None:
    machine = {
        "cpu": "A CPU",
        "date": "2000-01-01",
        "cores_usable": 2,
        "os": "an OS",
        "python": "3",
        "units": ["avx2"],
        "packages": {"numpy": "2"},
        "environments": {"larq": {"larq": "0.14"}},
    }
    page = markdown([CLAIM], machine, 120.0, "a-generic")
    assert "| a against b | 3 x | 4 x | reached |" in page
    assert "| c against d | 5 x | 4 x | missed: memory |" in page
    assert "| e against f | 2 x | not measured |  |" in page
    assert "| peer | 4000 | 4000 | 0.0% | 4000 | 0 |" in page
    assert "- other: not installed" in page
    assert "larq 0.14" in page
    assert "A note." in page
    drawing = picture([CLAIM])
    assert drawing.startswith("<svg")
    assert "a against b" in drawing
    assert "e against f" not in drawing  # nothing was measured
    kept = figures([CLAIM], machine, 120.0)
    assert kept["claims"][0]["races"][0]["contenders"]["peer"]["cpu_s"] == [4.0, 4.0, 4.0]
    assert [goal["reached"] for goal in kept["claims"][0]["goals"]] == [True, False, None]
    all_goals = overview({"a-generic": kept, "b-amx": {**kept, "claims": []}})
    for name in ("a-generic", "b-amx"):
        assert f"[A CPU, {name[2:]}](performance/{name}.md), 2000-01-01 |" in all_goals
    assert "| a against b | 3 x | 4 x | not measured |" in all_goals
    assert "| c against d | 5 x | 4 x, missed | not measured |" in all_goals


def test_pages_are_named_after_the_cpu_and_our_back_end() -> None:
    assert page_name() == f"{cpu() or platform.machine().lower()}-{available()[0].name}"


def test_every_claim_is_a_file_with_a_run() -> None:
    for name in CLAIMS:
        assert callable(import_module(f"benchmarks.claims.{name}").run)


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_our_contender_gives_the_exact_sums(back_end: str) -> None:
    ours = Neurobin(1, back_end)
    conv, gemm = ConvSpec(32, 9, 3), GemmSpec(5, 33, 65)
    check(ours.conv(conv, *conv.operands()), conv_sums(*conv.operands()))
    check(ours.gemm(gemm, *gemm.operands()), gemm_sums(*gemm.operands()))


def test_a_workload_is_checked_before_it_is_timed() -> None:
    spec = ConvSpec(16, 5)
    x, w = spec.operands()
    race = hold(
        "small", [Neurobin(), TorchFp32()], lambda p: p.conv(spec, x, w), conv_sums(x, w), spec.macs, Options(2, 1e-4)
    )
    assert len(race.timings) == 2
    assert race.macs == spec.macs


def test_pixels_are_bytes_round_128() -> None:
    codes = pixels(random_image())
    assert codes.dtype == np.uint8
    assert abs(codes.mean() - 128) < 1
