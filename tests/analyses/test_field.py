"""The field's table: representatives, the reference of a topology, spreads, sizes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyses.field import datasets, field, reference, representatives, size_bytes, spread
from analyses.literature import Literature
from analyses.results import Comparison, TargetInfo
from neurobin.errors import FormatError
from tests.reports.sample import CHIPS, comparison

ABOUT = tuple(TargetInfo(name, family, "") for name, family in CHIPS.items())
SAMPLE = replace(comparison(8, 6, hostile=False), about=ABOUT)


def test_data_sets_of_most_networks_come_first() -> None:
    models = tuple(replace(m, dataset="few" if k < 3 else "many") for k, m in enumerate(SAMPLE.models))
    assert datasets(replace(SAMPLE, models=models)) == ("many", "few")
    assert datasets(Comparison((), (), {}, "", {}, "")) == ()


def test_the_chip_that_prices_most_networks_stands_for_its_family() -> None:
    counts = {t: sum(r.report is not None for r in SAMPLE.results if r.target == t) for t in SAMPLE.targets}
    chosen = representatives(SAMPLE)
    assert set(chosen) == set(CHIPS.values())
    for family, target in chosen.items():
        assert counts[target] == max(counts[t] for t in SAMPLE.targets if CHIPS[t] == family)


def test_a_loss_is_taken_within_data_set_and_topology() -> None:
    rows = {str(row["model"]): row for row in field(SAMPLE, "digits")}
    base = next(model for model in SAMPLE.models if model.literature and model.literature.baseline)
    assert rows[base.name]["loss"] is None
    other = SAMPLE.models[0]
    assert rows[other.name]["loss"] == pytest.approx(100 * (other.accuracy_deployed - base.accuracy_deployed))
    assert other.literature is not None
    apart = replace(other, literature=replace(other.literature, topology="shortcuts"))
    assert reference(SAMPLE, other) is base
    assert reference(SAMPLE, apart) is None
    assert reference(SAMPLE, replace(other, dataset="fashion_mnist")) is None


def test_a_spread_needs_two() -> None:
    assert spread([0.5]) is None
    assert spread([0.4, 0.6]) == pytest.approx((0.5, 0.02**0.5))


def test_size_is_that_of_the_work_table() -> None:
    model = SAMPLE.models[0]
    assert model.work is not None
    assert size_bytes(model) == sum(int(value) for value in model.work.numbers("weight_bytes")[:-1])
    assert size_bytes(replace(model, work=None)) is None


def test_what_is_kept_of_a_paper_survives_json() -> None:
    paper = SAMPLE.models[1].literature
    assert paper is not None
    assert Literature.from_dict(paper.to_dict()) == paper
    assert paper.short == "Rastegari et al., NeurIPS 2016"
    with pytest.raises(FormatError, match="unknown fields extra"):
        Literature.from_dict({**paper.to_dict(), "extra": 1})
