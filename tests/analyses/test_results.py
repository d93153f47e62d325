"""Comparisons survive JSON whole, and damaged ones are refused."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from analyses.results import Comparison, Pair
from neurobin.errors import FormatError
from tests.reports.sample import comparison


def test_round_trip_through_json() -> None:
    made = comparison(4, 3)
    data = made.to_dict()
    back = Comparison.from_dict(json.loads(json.dumps(data, allow_nan=False)))
    assert back.to_dict() == data
    assert back.models == made.models
    assert back.chips == made.chips
    for one, two in zip(made.results, back.results, strict=True):
        assert one.report == two.report
        assert (one.pair, one.spans, one.resources, one.steps) == (two.pair, two.spans, two.resources, two.steps)
        assert (one.trace is None) == (two.trace is None)
        if one.trace is not None and two.trace is not None:
            assert one.trace.busy() == two.trace.busy()


def test_pair_has_the_fields_of_validate() -> None:
    assert set(Pair("m", "t", "equal").to_dict()) == {"model", "target", "status", "images", "mismatches", "reasons"}


def test_fits_and_valid_have_three_values() -> None:
    states = {(r.fits, r.valid) for r in comparison(8, 3).results}
    assert states == {(True, True), (True, False), (False, None)}


def damaged(change: str) -> dict[str, Any]:
    data: dict[str, Any] = copy.deepcopy(comparison(2, 3).to_dict())
    first = data["results"][0]
    if change == "schema":
        data["schema"] = "neurobin.comparison/2"
    elif change == "field":
        data["surprise"] = 1
    elif change == "missing":
        del data["models"][0]["method"]
    elif change == "constant":
        first["report"]["rows"][0]["unit"] = 99
    elif change == "range":
        first["report"]["units"][0]["low"] = 1.0
    elif change == "status":
        first["pair"]["status"] = "fine"
    elif change == "trace":
        data["results"][2]["trace"]["start"].pop()
    return data


@pytest.mark.parametrize(
    ("change", "words"),
    [("schema", "expected schema"), ("field", "unknown fields surprise"), ("missing", "incomplete"),
     ("constant", "not there"), ("range", "low <= value"), ("status", "expected one of"), ("trace", "differ in length")],
)  # fmt: skip
def test_damaged_comparisons_are_refused(change: str, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        Comparison.from_dict(damaged(change))


def test_results_name_models_of_the_comparison() -> None:
    with pytest.raises(FormatError, match="not in the comparison"):
        comparison(1, 1).model("other")
