"""Validation: did the mapped network compute the reference's integers?"""

from __future__ import annotations

from dataclasses import replace

from analyses.refusals import phrase
from analyses.results import Pair
from analyses.validation import validation
from reports.html import table_html
from reports.sections.headline import LONG
from reports.view import Section, View


def render(view: View) -> Section:
    table = validation(view.comparison)
    counts = {status: table.column("status").count(status) for status in ("equal", "mismatch", "refused", "not run")}
    said = ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "no pairs"
    lead = f"Mapped execution against the reference, compared with == on every output: {said}. Problems come first."
    pairs = {(result.model, result.target): result.pair for result in view.comparison.results}
    whys = (_short(pairs[str(row["model"]), str(row["target"])]) for row in table)
    shown = replace(table, rows=tuple((*row[:-1], why) for row, why in zip(table.rows, whys, strict=True)))
    return Section(
        "validation", "Validation", lead, table_html(shown, "validation-table", caption=False, scroll=len(shown) > LONG)
    )


def _short(pair: Pair) -> str | None:
    """The first reason of a refusal and how many more All pairs lists; the reasons of a mismatch whole."""
    if pair.status != "refused" or len(pair.reasons) < 2:
        return "; ".join(pair.reasons) or None
    return f"{phrase(pair.reasons[0])} (the first of {len(pair.reasons)} reasons; All pairs lists them)"
