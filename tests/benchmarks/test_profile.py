"""A miss is told by what was measured of the best back end, all workloads together."""

from __future__ import annotations

import pytest

from benchmarks.profile import profiles, table, why
from benchmarks.workloads import ConvSpec, GemmSpec
from neurobin.exec.kernels.machine import NUMPY, available
from neurobin.exec.limits.stages import Stages


@pytest.mark.skipif(available()[0] is NUMPY, reason="llvmlite is not installed")
def test_stages_of_layers_and_products() -> None:
    best = available()[0].name
    found = profiles([ConvSpec(64, 6), GemmSpec(8, 64, 64)], [best])
    assert list(found) == [("conv 64@6", best), ("gemm 8x64x64", best)]
    assert len(table(found).split("\n")) == 4
    assert all(f"| {work} | {best} |" in table(found) for work, _ in found)


@pytest.mark.skipif(available()[0] is NUMPY, reason="llvmlite is not installed")
def test_words_are_sums_over_workloads() -> None:
    best = available()[0].name
    one, other = Stages(10e-3, 1e-3, 6e-3, 5e-3), Stages(20e-3, 2e-3, 15e-3, 10e-3)
    told = why({("a", best): one, ("b", best): other, ("a", "another"): other})
    assert told.startswith(f"of 30 ms ({best}), 15 ms are products at the limit")
    assert "6 ms what loads" in told
    assert "6 ms sums" in told
    assert "3 ms the map" in told


def test_nothing_is_told_of_nothing() -> None:
    assert why({}) == ""
