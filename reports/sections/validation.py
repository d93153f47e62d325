"""Validation: did the mapped network compute the reference's integers?"""

from __future__ import annotations

from dataclasses import replace

from analyses.refusals import phrases
from analyses.results import Pair
from analyses.validation import validation
from reports.html import table_html
from reports.view import Section, View


def render(view: View) -> Section:
    table = validation(view.comparison)
    counts = {status: table.column("status").count(status) for status in ("equal", "mismatch", "refused", "not run")}
    said = ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "no pairs"
    lead = f"Mapped execution against the reference, compared with == on every output: {said}. Problems come first."
    pairs = {(result.model, result.target): result.pair for result in view.comparison.results}
    whys = (_short(pairs[str(row["model"]), str(row["target"])]) for row in table)
    shown = replace(table, rows=tuple((*row[:-1], why) for row, why in zip(table.rows, whys, strict=True)))
    return Section("validation", "Validation", lead, table_html(shown, "validation-table", caption=False))


def _short(pair: Pair) -> str | None:
    """Reasons of a refusal without repetition, since All pairs lists each; those of a mismatch whole."""
    if pair.status != "refused":
        return "; ".join(pair.reasons) or None
    return "; ".join(f"{said} ({count} times)" if count > 1 else said for said, count in phrases(pair.reasons)) or None
