"""Whether the integers were the same, and what accuracy deployment cost."""

from __future__ import annotations

from analyses.results import Comparison
from analyses.table import Cell, Column, Table, table

_ORDER = {"mismatch": 0, "not run": 1, "refused": 2, "equal": 3}


def validation(comparison: Comparison) -> Table:
    """A row per pair, mismatches first, then what was not run, what was refused, and what is equal."""
    pairs = sorted(
        (result.pair for result in comparison.results), key=lambda pair: (_ORDER[pair.status], pair.model, pair.target)
    )
    rows: list[dict[str, Cell]] = [
        {
            "model": pair.model,
            "target": pair.target,
            "status": pair.status,
            "images": pair.images,
            "mismatches": pair.mismatches if pair.status in ("equal", "mismatch") else None,
            "reasons": "; ".join(pair.reasons) or None,
        }
        for pair in pairs
    ]
    columns = (
        Column("model", "model"),
        Column("target", "target"),
        Column("status", "status"),
        Column("images", "images", "1"),
        Column("mismatches", "mismatches", "1"),
        Column("reasons", "reasons"),
    )
    return table("Validation", columns, rows, "Mapped execution against the reference, integer for integer.")


def accuracy_loss(comparison: Comparison) -> Table:
    """Accuracy of the trained module, of the real-valued graph and of the deployed integers; the points lost on the way."""
    rows: list[dict[str, Cell]] = []
    for model in comparison.models:
        lost = None
        if model.accuracy_torch is not None and model.accuracy_deployed is not None:
            lost = 100 * (model.accuracy_torch - model.accuracy_deployed)
        rows.append(
            {
                "model": model.name,
                "dataset": model.dataset,
                "accuracy_torch": model.accuracy_torch,
                "accuracy_float": model.accuracy_float,
                "accuracy_deployed": model.accuracy_deployed,
                "lost_points": lost,
                "codes_flipped": model.codes_flipped,
                "first_flip": model.first_flip or None,
            }
        )
    columns = (
        Column("model", "model"),
        Column("dataset", "data"),
        Column("accuracy_torch", "torch", "share"),
        Column("accuracy_float", "graph, real numbers", "share"),
        Column("accuracy_deployed", "deployed integers", "share"),
        Column("lost_points", "lost", "points"),
        Column("codes_flipped", "codes flipped", "share", "no quantizer"),
        Column("first_flip", "first at"),
    )
    note = (
        "Positive: points lost by deployment; negative: gained. Codes flipped: quantizer results on test images that differ"
        " between the graph in real numbers and the deployed integers; neurobin lower says how near a threshold they were."
    )
    return table("Accuracy, torch to deployed", columns, rows, note)
