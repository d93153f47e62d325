"""Validation: did the mapped network compute the reference's integers?"""

from __future__ import annotations

from analyses.validation import validation
from reports.html import table_html
from reports.view import Section, View


def render(view: View) -> Section:
    table = validation(view.comparison)
    counts = {status: table.column("status").count(status) for status in ("equal", "mismatch", "refused", "not run")}
    said = ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "no pairs"
    lead = f"Mapped execution against the reference, compared with == on every output: {said}. Problems come first."
    return Section("validation", "Validation", lead, table_html(table, "validation-table", caption=False))
