"""The result in plain sentences, every one computed from the comparison; what the data cannot say is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from analyses.energy import priced, without
from analyses.field import datasets
from analyses.pareto import Point, points
from analyses.results import Comparison, PairResult
from analyses.table import number
from hwmodels.cost import CostReport
from neurobin.units import format_si

NAMED = 4  # at most so many names are said one by one


def sentences(comparison: Comparison) -> tuple[str, ...]:
    """What a first-time reader wants to know: what takes what, what is cheapest, fastest, best, and how sure that is."""
    within = (_cheapest, _per_model, _accurate, _fastest)  # what only networks of one task can be asked
    names = datasets(comparison)
    said = [*_tasks(comparison), *_fitting(comparison)]
    for name in names:
        part, before = (_of(comparison, name), f"{name or 'Other data'}: ") if len(names) > 1 else (comparison, "")
        found = [sentence for make in within for sentence in make(part)]
        said += [before + sentence[0].lower() + sentence[1:] for sentence in found] if before else found
    return (*said, *_equal(comparison), *_caution(comparison))


def _of(comparison: Comparison, dataset: str) -> Comparison:
    """Only the networks of one data set."""
    models = tuple(model for model in comparison.models if model.dataset == dataset)
    names = {model.name for model in models}
    return replace(comparison, models=models, results=tuple(r for r in comparison.results if r.model in names))


def listing(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`.

    >>> listing(["a"]), listing(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *head, last = names
    return f"{', '.join(head)} and {last}" if head else last


def executed(comparison: Comparison) -> str:
    """On how many images of what the executions were compared, in one sentence."""
    counts: dict[tuple[str, int | None], set[int]] = {}
    for result in comparison.results:
        if result.valid is not None:
            model = comparison.model(result.model)
            counts.setdefault((model.dataset, model.test_images), set()).add(result.pair.images)
    if not counts:
        return "No pair was executed: nothing is known about its integers."
    return f"Executed on {listing(_images(dataset, whole, found) for (dataset, whole), found in counts.items())}."


def _images(dataset: str, whole: int | None, counts: set[int]) -> str:
    """`200 of the 10 000 test images of fashion_mnist`."""
    low, high = min(counts), max(counts)
    some = number(high, "1") if low == high else f"{number(low, '1')} to {number(high, '1')}"
    of = f" of {dataset}" if dataset else ""
    if whole is None:
        return f"{some} images{of}"
    if whole == 0:
        return f"{some} random images (the test images{of} were not at hand)"
    return f"all {some} test images{of}" if low == whole else f"{some} of the {number(whole, '1')} test images{of}"


def _fitting(comparison: Comparison) -> Iterator[str]:
    """Targets that take the same networks share a sentence."""
    tried = [result for result in comparison.results if result.fits is not None]
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for target in comparison.targets:
        here = [result for result in tried if result.target == target]
        taken = tuple(result.model for result in here if result.fits)
        if here:
            groups.setdefault((taken, tuple(result.model for result in here if not result.fits)), []).append(target)
    if groups:
        yield "; ".join(_takes(targets, *models) for models, targets in groups.items()) + "."


def _takes(targets: list[str], taken: Sequence[str], refused: Sequence[str]) -> str:
    who, verb = listing(targets), "takes" if len(targets) == 1 else "take"
    every = len(taken) + len(refused)
    if not refused:
        return f"{who} {verb} {'all ' if every > 1 else ''}{_networks(every)}"
    if not taken:
        return f"{who} {verb} none of {_networks(every)}"
    if len(refused) <= min(NAMED, len(taken)):
        return f"{who} {verb} all but {listing(refused)}"
    named = listing(taken) if len(taken) <= NAMED else f"{len(taken)} of {_networks(every)}"
    return f"{who} {verb} only {named}"


def _networks(count: int) -> str:
    return f"{count} network{'s' * (count != 1)}"


def _cheapest(comparison: Comparison) -> Iterator[str]:
    """The pair of least energy, and whether the next one could be cheaper within the ranges."""
    ranked = sorted(_priced(comparison), key=lambda entry: entry[0].total.energy_j)
    if not ranked:
        return
    report, best = ranked[0]
    total = report.total
    left_out = f", not counting {said}" if (said := without(report)) else ""
    said = (
        f"Lowest energy: {best.model} on {best.target}, {format_si(total.energy_j, 'J')} per inference "
        f"({format_si(total.energy_low_j, 'J')} to {format_si(total.energy_high_j, 'J')}{left_out})"
    )
    if len(ranked) > 1:
        rival = min(ranked[1:], key=lambda entry: entry[0].total.energy_low_j)
        clear = total.energy_high_j < rival[0].total.energy_low_j
        name = f"{rival[1].model} on {rival[1].target}"
        said += (
            "; no other pair comes as low anywhere in its range"
            if clear
            else f"; the ranges leave open whether {name} is lower"
        )
    yield said + "."


def _per_model(comparison: Comparison) -> Iterator[str]:
    """The cheapest network of every target; targets with the same winner are said together."""
    winners: dict[str, list[str]] = {}
    for target in comparison.targets:
        here = [(r.total.energy_j, p.model) for r, p in _priced(comparison) if p.target == target]
        if len(here) > 1:
            winners.setdefault(min(here)[1], []).append(target)
    if winners:
        yield (
            "Of the networks that a target takes, the least energy is that of "
            + "; ".join(f"{model} on {listing(targets)}" for model, targets in winners.items())
            + "."
        )


def _accurate(comparison: Comparison) -> Iterator[str]:
    """The best accuracy among priced pairs and the cheapest way to it."""
    found = points(comparison)
    best = max((p.accuracy for p in found), default=None)
    if best is None or len({p.model for p in found}) < 2:
        return
    top: list[Point] = [p for p in found if p.accuracy == best]
    cheapest = min(top, key=lambda p: p.energy_j)
    names = list(dict.fromkeys(p.model for p in top))
    yield (
        f"Highest accuracy: {number(best, 'share')} ({listing(names)}); with least energy on this level: "
        f"{cheapest.model} on {cheapest.target}, {format_si(cheapest.energy_j, 'J')}."
    )


def _fastest(comparison: Comparison) -> Iterator[str]:
    timed = [(result.report.latency_s, result) for result in comparison.results if result.report is not None]
    if len(timed) > 1:
        latency, result = min(timed, key=lambda entry: entry[0])
        yield f"Shortest latency: {result.model} on {result.target}, {format_si(latency, 's')}."


def _equal(comparison: Comparison) -> Iterator[str]:
    run = [result for result in comparison.results if result.valid is not None]
    wrong = [result for result in run if result.valid is False]
    if wrong:
        names = [f"{result.model} on {result.target}" for result in wrong]
        said = listing(names) if len(names) <= NAMED else f"{len(names)} of {len(run)} pairs"
        yield f"Not the reference’s integers: {said}. Do not use the figures of these pairs."
    elif run:
        yield (
            f"All {len(run)} pairs that were run gave exactly the reference’s integers."
            if len(run) > 1
            else ("The pair gave exactly the reference’s integers.")
        )
    if run:
        yield executed(comparison)
    missing = [target for target in comparison.targets if _unpriced(comparison, target)]
    if missing:
        yield f"No energy, for want of constants: {listing(missing)}."


def _caution(comparison: Comparison) -> Iterator[str]:
    """Totals that leave out different things must not be compared without a word."""
    kinds: dict[str, list[str]] = {}
    for report, result in _priced(comparison):
        targets = kinds.setdefault(without(report), [])
        if result.target not in targets:
            targets.append(result.target)
    if len(kinds) > 1:
        parts = [f"{said or 'nothing'} on {listing(targets)}" for said, targets in kinds.items()]
        yield f"Compare energies across chips with care: they leave out different things, namely {'; '.join(parts)}."


def _tasks(comparison: Comparison) -> Iterator[str]:
    """Networks of different data sets are different tasks."""
    names = list(dict.fromkeys(model.dataset for model in comparison.models if model.dataset))
    if len(names) > 1:
        yield (
            f"The networks solve {len(names)} tasks ({listing(names)}), whose accuracies do not compare: "
            "compare accuracy and energy within one of them, as the sentences below do."
        )


def _priced(comparison: Comparison) -> list[tuple[CostReport, PairResult]]:
    return [(r.report, r) for r in comparison.results if r.report is not None and priced(r.report) is not None]


def _unpriced(comparison: Comparison, target: str) -> bool:
    reports = [r.report for r in comparison.results if r.target == target and r.report is not None]
    return bool(reports) and all(priced(report) is None for report in reports)
