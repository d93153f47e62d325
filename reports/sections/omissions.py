"""What the cost models leave out or assume."""

from __future__ import annotations

from analyses.provenance import omissions
from reports.html import table_html
from reports.view import Section, View


def render(view: View) -> Section | None:
    table = omissions(view.comparison)
    if not len(table):
        return None
    lead = "A cost without a constant is listed here and is not part of any sum; it is never counted as zero silently."
    return Section("omissions", "Not modelled", lead, table_html(table, "omissions-table", caption=False))
