"""The sentences and refusal phrases say what the comparison holds, and nothing it does not hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyses.refusals import by_phrase, phrase, phrases
from analyses.results import Comparison, TargetInfo
from analyses.summary import executed, listing, sentences
from analyses.table import span
from tests.reports.sample import comparison

SAMPLE = comparison(8, 3, hostile=False)


def said(given: Comparison) -> str:
    return "\n".join(sentences(given))


def test_the_lowest_energy_is_named_with_its_pair() -> None:
    priced = [result for result in SAMPLE.results if result.report is not None]
    best = min(priced, key=lambda result: result.report.total.energy_j if result.report else 0.0)
    assert f"Lowest energy: {best.model} on {best.target}" in said(SAMPLE)
    others = replace(SAMPLE, results=tuple(result for result in SAMPLE.results if result is not best))
    assert f"Lowest energy: {best.model} on {best.target}" not in said(others)


def test_mismatches_are_said_and_equality_only_without_them() -> None:
    wrong = [result for result in SAMPLE.results if result.valid is False]
    assert wrong
    assert f"Not the reference’s integers: {wrong[0].model} on {wrong[0].target}" in said(SAMPLE)
    right = tuple(result for result in SAMPLE.results if result.valid)
    assert f"All {len(right)} pairs that were run" in said(replace(SAMPLE, results=right))
    assert "Not the reference’s" not in said(replace(SAMPLE, results=right))


def test_every_refused_network_is_counted_for_its_target() -> None:
    first = next(sentence for sentence in sentences(SAMPLE) if "take" in sentence)
    for target in SAMPLE.targets:
        refused = [r.model for r in SAMPLE.results if r.target == target and r.fits is False]
        part = next(part for part in first.split("; ") if target in part)
        assert all(name in part for name in refused)


def test_an_empty_comparison_says_nothing() -> None:
    assert sentences(Comparison((), (), {}, "", {}, "")) == ()


@pytest.mark.parametrize("count", [1, 2])
def test_small_comparisons_have_sentences(count: int) -> None:
    assert "Lowest energy" in said(comparison(count, 1, hostile=False))


def test_phrases_drop_layers_and_count() -> None:
    reasons = ("conv1.sums: reads u8, an axon carries one bit", "conv2.sums: reads u8, an axon carries one bit", "too large")
    assert phrases(reasons) == (("reads u8, an axon carries one bit", 2), ("too large", 1))
    assert phrase("no layer is left for the cores: none") == "no layer is left for the cores: none"


def test_every_refusal_is_grouped_once() -> None:
    grouped = [
        (model, target) for models in by_phrase(SAMPLE).values() for model, found in models.items() for target in found
    ]
    assert sorted(grouped) == sorted((r.model, r.target) for r in SAMPLE.results if r.fits is False)


def test_lists_ranges_and_short_descriptions() -> None:
    assert listing(["a", "b"]) == "a and b"
    assert span(2e-6, 3e-3, "J") == "2 µJ – 3 mJ"
    assert TargetInfo("m", "mcu", "A core at 3.0 V; more. And more").short == "A core at 3.0 V"
    assert TargetInfo("m", "mcu", "Overlay at 200 MHz (port). More").short == "Overlay at 200 MHz"


def test_descriptions_survive_json() -> None:
    given = replace(SAMPLE, about=(TargetInfo("truenorth", "truenorth", "One chip at 0.8 V"),))
    assert Comparison.from_dict(given.to_dict()).target("truenorth").description == "One chip at 0.8 V"
    assert given.target("bitserial").family == ""


def test_on_how_many_images_is_said_for_every_data_set() -> None:
    assert executed(SAMPLE) == "Executed on 360 of the 10 000 test images of digits."
    kinds = {0: ("a", 360), 1: ("b", 0), 2: ("c", None)}
    models = tuple(
        replace(model, dataset=kinds[k % 3][0], test_images=kinds[k % 3][1]) for k, model in enumerate(SAMPLE.models)
    )
    words = executed(replace(SAMPLE, models=models))
    assert "all 360 test images of a" in words
    assert "360 random images (the test images of b were not at hand)" in words
    assert words.endswith("and 360 images of c.")
    idle = tuple(replace(r, pair=replace(r.pair, status="not run", images=0)) for r in SAMPLE.results if r.fits)
    assert executed(replace(SAMPLE, results=idle)).startswith("No pair was executed")


def test_superlatives_are_said_within_a_data_set() -> None:
    models = tuple(replace(model, dataset="a" if k < 5 else "b") for k, model in enumerate(SAMPLE.models))
    words = said(replace(SAMPLE, models=models))
    assert "a: lowest energy: " in words
    assert "b: lowest energy: " in words
    assert "\nLowest energy" not in words
    assert "whose accuracies do not compare" in words
