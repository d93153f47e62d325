"""A broken execution is counted, located and never called equal."""

from __future__ import annotations

import pytest

from analyses.evaluate import Checked, activity_of, check, evaluate
from hwmodels.target import load_target
from neurobin.exec import packed
from tests.networks import binary_convnet, images

GRAPH = binary_convnet()
X = images(GRAPH, 6)


def test_agreement_is_equal() -> None:
    checked = check(GRAPH, X)
    assert (checked.packed_mismatches, checked.divergence) == (0, "")
    pair = evaluate("net", GRAPH, load_target("stm32l4r5"), activity_of(GRAPH, X), checked).pair
    assert (pair.status, pair.images, pair.mismatches, pair.reasons) == ("equal", 6, 0, ())


def test_a_mapped_execution_that_differs_is_a_mismatch_with_its_place() -> None:
    honest = check(GRAPH, X)
    other = honest.outputs.copy()
    other[4, 7] += 1
    pair = evaluate("net", GRAPH, load_target("stm32l4r5"), activity_of(GRAPH, X), Checked(X, other, 0, "")).pair
    assert (pair.status, pair.mismatches) == ("mismatch", 1)
    assert pair.reasons == (f"image 4, output (7,): expected {other[4, 7]}, got {honest.outputs[4, 7]}",)


def test_a_packed_engine_that_differs_is_a_mismatch(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = packed.run

    def broken(graph, x):  # type: ignore[no-untyped-def]
        values = honest(graph, x)
        values[2, 0] += 1
        return values

    monkeypatch.setattr(packed, "run", broken)
    checked = check(GRAPH, X)
    assert checked.packed_mismatches == 1
    pair = evaluate("net", GRAPH, load_target("stm32l4r5"), activity_of(GRAPH, X), checked).pair
    assert (pair.status, pair.mismatches) == ("mismatch", 1)


def test_a_network_that_does_not_fit_is_refused_not_run() -> None:
    wide = binary_convnet(channels=64, groups=1)
    result = evaluate("net", wide, load_target("truenorth"), activity_of(wide, None), check(wide, images(wide, 2)))
    assert result.pair.status == "refused"
    assert result.report is None
    assert any("128" in reason for reason in result.pair.reasons)
    assert result.placement == ()
