"""Accuracy against energy: which points nothing beats, and which are beaten only within their ranges.

Networks of different data sets solve different tasks, so none beats another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analyses.energy import priced
from analyses.results import Comparison
from analyses.table import Cell, Column, Table, table


@dataclass(frozen=True)
class Point:
    """One model on one target."""

    model: str
    target: str
    accuracy: float
    energy_j: float
    energy_low_j: float
    energy_high_j: float
    dataset: str = ""


def points(comparison: Comparison) -> tuple[Point, ...]:
    """Every priced pair whose deployed accuracy is known."""
    made = []
    for result in comparison.results:
        model = comparison.model(result.model)
        accuracy = model.accuracy_deployed
        total = priced(result.report) if result.report is not None else None
        if total is not None and accuracy is not None:
            energies = (total.energy_j, total.energy_low_j, total.energy_high_j)
            made.append(Point(result.model, result.target, accuracy, *energies, model.dataset))
    return tuple(made)


def front(candidates: Sequence[Point]) -> tuple[Point, ...]:
    """The points that no other one dominates (no more energy, no less accuracy, one of them strictly).

    Ordered by data set, then by energy.
    """
    kept = [p for p in candidates if not any(_dominates(q, p) for q in candidates)]
    return tuple(sorted(kept, key=lambda p: (p.dataset, p.energy_j, -p.accuracy, p.model, p.target)))


def standing(point: Point, candidates: Sequence[Point]) -> str:
    """`front`, `within range` (beaten, but not when ranges overlap the other way) or `dominated` for any constants.

    The ranges are taken as independent, so `within range` is said rather too often than too rarely.
    """
    if not any(_dominates(q, point) for q in candidates):
        return "front"
    rivals = [q for q in candidates if q.dataset == point.dataset]
    sure = any(q.accuracy >= point.accuracy and q.energy_high_j < point.energy_low_j for q in rivals)
    return "dominated" if sure else "within range"


def pareto(comparison: Comparison) -> Table:
    """All points with their standing, cheapest first."""
    found = points(comparison)
    columns = (
        Column("model", "model"),
        Column("target", "target"),
        Column("accuracy", "accuracy, deployed", "share"),
        Column("energy_j", "energy", "J"),
        Column("energy_low_j", "low", "J"),
        Column("energy_high_j", "high", "J"),
        Column("standing", "standing"),
    )
    ordered = sorted(found, key=lambda p: (p.energy_j, p.model, p.target))
    rows: list[dict[str, Cell]] = [
        {
            "model": p.model,
            "target": p.target,
            "accuracy": p.accuracy,
            "energy_j": p.energy_j,
            "energy_low_j": p.energy_low_j,
            "energy_high_j": p.energy_high_j,
            "standing": standing(p, found),
        }
        for p in ordered
    ]
    return table("Accuracy and energy", columns, rows)


def _dominates(a: Point, b: Point) -> bool:
    no_worse = a.dataset == b.dataset and a.energy_j <= b.energy_j and a.accuracy >= b.accuracy
    return no_worse and (a.energy_j < b.energy_j or a.accuracy > b.accuracy)
