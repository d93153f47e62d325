"""Work per layer of every model: shapes, weight bits, MACs by operand types, parameters, bytes."""

from __future__ import annotations

from markupsafe import Markup

from reports.html import details, table_html, text
from reports.view import Section, View


def render(view: View) -> Section | None:
    body = Markup("")
    for index, model in enumerate(view.comparison.models):
        if model.work is not None:
            heading = f"{model.name}: {max(len(model.work) - 1, 0)} operations"
            body += details(heading, table_html(model.work, f"work-{index}", sort=False, caption=False))
    if not body:
        return None
    note = next(model.work.note for model in view.comparison.models if model.work is not None)
    lead = f"What each layer asks of any machine, before any chip is chosen. {note}"
    return Section("work", "Work by layer", lead, body + Markup("<p class='note'>{}</p>").format(text(_EXPLAINED)))


_EXPLAINED = (
    "A column “MAC u8 x bipolar” counts multiply-accumulates of 8-bit unsigned activations with ±1 weights; zeros are "
    "counted. Weights are stored bits without padding, scales and thresholds included."
)
