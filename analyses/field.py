"""The field in one table: a row per network with its paper, accuracies, size, and one chip of every family.

Accuracies compare within one data set only, so there is a table per data set; the difference to full precision is taken
within one data set and one topology, from deployed integers to deployed integers.
"""

from __future__ import annotations

from statistics import fmean, stdev

from analyses.energy import priced, without
from analyses.pareto import Point, points
from analyses.refusals import phrase
from analyses.results import Comparison, ModelInfo, PairResult
from analyses.table import Cell, Column, Table, table


def datasets(comparison: Comparison) -> tuple[str, ...]:
    """The data sets of the networks, those of most networks first."""
    names = [model.dataset for model in comparison.models]
    return tuple(sorted(dict.fromkeys(names), key=lambda name: -names.count(name)))


def representatives(comparison: Comparison) -> dict[str, str]:
    """Family -> the chip of it that prices most networks (the first of equals), in the order of the comparison."""
    found: dict[str, tuple[int, str]] = {}
    for target in comparison.targets:
        family = comparison.target(target).family or target
        results = [result for result in comparison.results if result.target == target]
        count = sum(result.report is not None and priced(result.report) is not None for result in results)
        if family not in found or count > found[family][0]:
            found[family] = (count, target)
    return {family: target for family, (_, target) in found.items()}


def family_points(comparison: Comparison) -> dict[str, tuple[Point, ...]]:
    """Accuracy and energy of the networks on every family's representative."""
    everything = points(comparison)
    return {
        family: tuple(point for point in everything if point.target == target)
        for family, target in representatives(comparison).items()
    }


def spread(shares: list[float]) -> tuple[float, float] | None:
    """Mean and standard deviation; None for fewer than two."""
    return (fmean(shares), stdev(shares)) if len(shares) > 1 else None


def field(comparison: Comparison, dataset: str) -> Table:
    """Networks of one data set by year; `loss` is in percentage points, positive where the network is better.

    Per family f: `f_energy_j` with low and high, `f_without` (what the energy leaves out), `f_latency_s`, and `f_reason`,
    the first obstacle where the chip refuses.
    """
    chips = representatives(comparison)
    columns = [
        Column("title", "method"),
        Column("model", "network"),
        Column("paper", "paper"),
        Column("year", "year"),
        Column("operands", "weights x activations"),
        Column("accuracy_torch", "accuracy, torch", "share"),
        Column("accuracy", "accuracy, deployed", "share"),
        Column("map_torch", "mAP, torch", "share"),
        Column("map", "mAP, deployed", "share"),
        Column("mean", "mean over seeds", "share"),
        Column("deviation", "deviation over seeds", "share"),
        Column("seeds", "seeds", "1"),
        Column("loss", "to full precision", "points"),
        Column("size_bytes", "size", "B"),
    ]
    for family, target in chips.items():
        columns += [
            Column(f"{family}_energy_j", f"energy, {target}", "J"),
            Column(f"{family}_energy_low_j", "low", "J"),
            Column(f"{family}_energy_high_j", "high", "J"),
            Column(f"{family}_without", "energy leaves out"),
            Column(f"{family}_latency_s", f"latency, {target}", "s"),
            Column(f"{family}_reason", f"refused by {target}"),
        ]
    pairs = {(result.model, result.target): result for result in comparison.results}
    models = sorted((m for m in comparison.models if m.dataset == dataset), key=_by_year)
    rows = []
    for model in models:
        row = _about(comparison, model)
        for family, target in chips.items():
            row |= {f"{family}_{name}": cell for name, cell in _costs(pairs.get((model.name, target))).items()}
        rows.append(row)
    note = (
        "Accuracy on the test split; difference to the full-precision network of the same data set and topology, in "
        "percentage points, both deployed. Size: all parameters in their stored width."
    )
    return table(f"Methods on {dataset or 'unnamed data'}", columns, rows, note)


def reference(comparison: Comparison, model: ModelInfo) -> ModelInfo | None:
    """The full-precision network of the same data set and topology; None where the comparison has none, or it is this."""
    if model.literature is None or model.literature.baseline or not model.literature.topology:
        return None
    for other in comparison.models:
        paper = other.literature
        if paper and paper.baseline and (other.dataset, paper.topology) == (model.dataset, model.literature.topology):
            return other
    return None


def size_bytes(model: ModelInfo) -> int | None:
    """Bytes of all parameters, from the last row of the work table."""
    found = model.work.column("weight_bytes") if model.work is not None and len(model.work) else []
    return int(str(found[-1])) if found else None


def _by_year(model: ModelInfo) -> tuple[int, str, str]:
    return (model.literature.year if model.literature else 9999, model.title.lower(), model.name)


def _about(comparison: Comparison, model: ModelInfo) -> dict[str, Cell]:
    paper, base = model.literature, reference(comparison, model)
    over = spread([deployed for _, deployed in model.seeds])
    loss = None
    if base is not None and base.accuracy_deployed is not None and model.accuracy_deployed is not None:
        loss = round(100 * (model.accuracy_deployed - base.accuracy_deployed), 6)
    return {
        "title": model.title or model.method or model.name,
        "model": model.name,
        "paper": paper.short if paper else None,
        "year": str(paper.year) if paper else None,
        "operands": ", ".join(model.operands) or None,
        "accuracy_torch": model.accuracy_torch,
        "accuracy": model.accuracy_deployed,
        "map_torch": model.map_torch,
        "map": model.map_deployed,
        "mean": over[0] if over else None,
        "deviation": over[1] if over else None,
        "seeds": len(model.seeds) if over else None,
        "loss": loss,
        "size_bytes": size_bytes(model),
    }


def _costs(result: PairResult | None) -> dict[str, Cell]:
    report = result.report if result is not None else None
    total = priced(report) if report is not None else None
    reasons = result.pair.reasons if result is not None and result.fits is False else ()
    return {
        "energy_j": total.energy_j if total else None,
        "energy_low_j": total.energy_low_j if total else None,
        "energy_high_j": total.energy_high_j if total else None,
        "without": (without(report) or None) if report is not None else None,
        "latency_s": report.latency_s if report is not None else None,
        "reason": phrase(reasons[0]) if reasons else None,
    }
