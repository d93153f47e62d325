"""What is said about a method: its paper, its blocks, its networks, and the targets that carry them."""

from __future__ import annotations

import json

import pytest

from analyses.methods import (
    accuracy_table,
    block_table,
    described,
    listed,
    literature,
    network,
    networks,
    overview,
    spread,
    statuses,
    target_table,
)
from hwmodels.target import chip_names
from neurobin import zoo
from neurobin.methods import load_method, method_names
from neurobin.nets.task import topology


def test_networks_of_the_common_data_set_come_first() -> None:
    assert networks("bnn")[0] == "bnn_fashion_mnist"
    assert "bnn_digits" in networks("bnn")
    assert network("bnn") == "bnn_fashion_mnist"
    assert (network("nothing"), networks("nothing")) == (None, ())


def test_listed_is_json_with_every_target() -> None:
    row = listed(load_method("bnn"))
    assert json.loads(json.dumps(row)) == row
    assert set(row["targets"]) == set(chip_names())
    assert row["targets"]["stm32l4r5"] == "fits"
    assert row["planes"][0] == "1x1"
    assert row["accuracy"] == zoo.load("bnn_fashion_mnist").meta["accuracy"]


def test_formulas_name_estimators_and_repeat_no_code() -> None:
    rows = list(block_table(load_method("bnn")))
    assert any("sign" in str(row["block"]).lower() for row in rows)
    assert not any("Estimator(" in str(row["block"]) for row in rows)
    assert all(row["forward"] and row["backward"] for row in rows)
    assert described(load_method("bnn"))["deployment"]


def test_a_target_fits_or_says_why_not() -> None:
    found = statuses("full_precision_digits")
    assert found["stm32l4r5"] == ""
    assert "more)" in found["truenorth"]
    assert {row["status"] for row in target_table("bnn_digits")} == {"fits"}


def test_accuracies_are_those_of_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoo, "seeds", lambda name: {0: {"deployed": 0.9}, 1: {"deployed": 0.92}} if "digits" in name else {})
    rows = {str(row["network"]): row for row in accuracy_table("bnn")}
    accuracy = zoo.load("bnn_digits").meta["accuracy"]
    assert isinstance(accuracy, dict)
    assert rows["bnn_digits"]["deployed"] == pytest.approx(100 * accuracy["deployed"])
    assert rows["bnn_digits"]["seeds"] == "91.00 ± 1.41 % (2 seeds)"
    assert rows["bnn_fashion_mnist"]["seeds"] == spread("bnn_fashion_mnist") == ""


def test_the_overview_has_a_row_per_method() -> None:
    methods = [load_method(name) for name in ("bnn", "full_precision", "birealnet")]
    assert overview(methods).column("method") == ["bnn", "full_precision", "birealnet"]


def test_literature_is_that_of_the_method_file() -> None:
    found, method = literature("bnn"), load_method("bnn")
    assert found is not None
    assert (found.year, found.paper, found.baseline) == (method.year, method.paper, False)
    assert [claim.accuracy_percent for claim in found.claims] == [a.accuracy_percent for a in method.literature_accuracy]
    assert literature("nothing") is None
    base = literature("full_precision")
    assert base is not None
    assert base.baseline


def test_every_topology_of_several_methods_has_a_baseline() -> None:
    """Or a difference to full precision could not be stated."""
    found = {name: topology(load_method(name).build) for name in method_names()}
    assert {found["bnn"], found["birealnet"], found["xnornet_pp"], found["benn"]} == {"plain", "shortcuts"}
    based = {kind for name, kind in found.items() if load_method(name).baseline}
    assert {name: kind for name, kind in found.items() if kind not in based} == {"dbnn": "dense"}
    assert topology(lambda task: load_method("bnn").build(task)) == ""
