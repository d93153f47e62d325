"""Work per layer of every model: shapes, weight bits, MACs by operand types, parameters, bytes."""

from __future__ import annotations

from markupsafe import Markup

from reports.html import join, table_html, text
from reports.view import Part, Section, View


def render(view: View) -> Section | None:
    found = {key: (model.name, model.work) for key, model in view.models.items() if model.work is not None}
    if not found:
        return None
    body = join(view.fold("work", key, f"{name}: {max(len(work) - 1, 0)} operations") for key, (name, work) in found.items())
    folds = {key: Part(table_html(work, f"work-table-{key}", sort=False, caption=False)) for key, (_, work) in found.items()}
    note = next(work.note for _, work in found.values())
    lead = f"What each layer asks of any machine, before any chip is chosen. {note}"
    explained = Markup("<p class='note'>{}</p>").format(text(_EXPLAINED))
    return Section("work", "Work by layer", lead, body + explained, folds=folds)


_EXPLAINED = (
    "A column “MAC u8 x bipolar” counts multiply-accumulates of 8-bit unsigned activations with ±1 weights; zeros are "
    "counted. Weights are stored bits without padding, scales and thresholds included."
)
