"""The field: one row per network with its paper, accuracies, size, and one chip of every family; a table per data set."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from analyses.field import datasets, family_points, field, representatives
from analyses.literature import Claim
from analyses.results import ModelInfo
from analyses.table import Cell, Table, number
from reports.html import around, breakable, frame, join, text
from reports.sections.methods_figure import figure
from reports.view import Section, View

CLAIMS = 2  # of the literature shown per method before a fold

_HEADS = (
    ("title", "method", False, ""),
    ("year", "year", False, "of the paper"),
    ("operands", "w × a", False, "bits of weights × activations, most MACs first"),
    ("accuracy_torch", "torch", True, "accuracy as trained, in floating point"),
    ("accuracy", "deployed", True, "accuracy of the integers that run"),
    ("loss", "to full precision", True, "percentage points, same data set and topology"),
    ("size_bytes", "size", True, "of all parameters"),
)


def render(view: View) -> Section | None:
    comparison = view.comparison
    if not any(model.literature for model in comparison.models):
        return None
    chips = representatives(comparison)
    found = datasets(comparison)
    drawn = figure(family_points(comparison), found)
    body = Markup("")
    for index, dataset in enumerate(found):
        models = {model.name: model for model in comparison.models if model.dataset == dataset}
        body += _heading(dataset, len(models), len(found)) + _table(
            view, field(comparison, dataset), models, chips, f"methods-table-{index}"
        )
    lead = (
        "Every network by the year of its paper; choose a column head to sort. One chip of each family stands for it "
        "here, the one that takes most of these networks; all others are under All pairs."
    )
    if len(found) > 1:
        lead += " Accuracies of different data sets do not compare, so each has a table of its own."
    figures = (drawn,) if drawn else ()
    return Section("methods", "Methods", lead, join(part.html() for part in figures) + body + _note(view), figures)


def _heading(dataset: str, count: int, tables: int) -> Markup:
    if tables < 2:
        return Markup("")
    return Markup("<h3><bdi>{}</bdi>: {} network{}</h3>").format(
        text(dataset or "data set not named"), count, "s" * (count != 1)
    )


def _note(view: View) -> Markup:
    words = (
        "Deployed accuracy is of the whole test split, in integers; ± is one standard deviation over seeds, where more than "
        "one was trained. The difference to full precision is in percentage points, both deployed, and – where no such "
        "network is in this comparison. Size counts all parameters in their stored width, thresholds and scales too. "
        "The last column is what the literature claims, on other networks and mostly other data: never compare it with ours."
    )
    return Markup('<p class="note">{}</p>').format(words) + view.marks_explained()


def _table(view: View, table: Table, models: dict[str, ModelInfo], chips: dict[str, str], table_id: str) -> Markup:
    heads = [
        Markup('<th scope="col" class="{}" data-name="{}" title="{}">{}</th>').format(
            "num" if numeric else "txt", name, title, label
        )
        for name, label, numeric, title in _HEADS
    ]
    heads += [
        Markup('<th scope="col" class="num" data-name="{}_energy_j"><bdi>{}</bdi><span class="sub">{}</span></th>').format(
            text(family), text(target), text(family if family != target else "")
        )
        for family, target in chips.items()
    ]
    heads.append(Markup('<th scope="col" class="txt elsewhere" data-name="published">published elsewhere</th>'))
    rows = join(_row(view, row, models[str(row["model"])], list(chips)) for row in table)
    return frame(table_id, "data sortable field", join(heads), rows)


def _row(view: View, row: dict[str, Cell], model: ModelInfo, families: Sequence[str]) -> Markup:
    cells = [
        _method(row, model),
        Markup("<td>{}").format(text(str(row["year"] or "–"))),
        _operands(row, model),
        _share(row["accuracy_torch"]) + _precision(row["map_torch"]),
        _deployed(row),
        _loss(row["loss"]),
        _size(row["size_bytes"]),
        *(_chip(view, row, family) for family in families),
        _published(model.literature.claims if model.literature else ()),
    ]
    return Markup("<tr>{}").format(join(cells))


def _method(row: dict[str, Cell], model: ModelInfo) -> Markup:
    paper = model.literature
    cited = Markup('<span class="sub" title="{}">{}</span>').format(
        text(paper.paper if paper else ""), text(str(row["paper"] or "no paper named"))
    )
    return Markup('<td class="who"><strong>{}</strong>{}<span class="sub name">{}</span>').format(
        text(str(row["title"])), cited, breakable(model.name)
    )


def _operands(row: dict[str, Cell], model: ModelInfo) -> Markup:
    """Plane counts, and behind them in words what is quantized how."""
    paper = model.literature
    words = f"weights: {paper.weights}; activations: {paper.activations}" if paper else ""
    shown = str(row["operands"] or "–").replace("x", "×")
    return Markup('<td class="left planes" title="{}">{}').format(text(words), text(shown))


def _share(value: Cell) -> Markup:
    if not isinstance(value, float):
        return Markup('<td class="num none">–')
    return Markup('<td data-v="{}">{}').format(repr(value), number(value, "share"))


def _precision(value: Cell) -> Markup:
    if not isinstance(value, float):
        return Markup("")
    return Markup('<span class="sub">mAP {}</span>').format(number(value, "share"))


def _deployed(row: dict[str, Cell]) -> Markup:
    cell = _share(row["accuracy"]) + _precision(row["map"])
    mean, deviation = row["mean"], row["deviation"]
    if not isinstance(mean, float) or not isinstance(deviation, float):
        return cell
    said = f"{100 * mean:.2f} ± {100 * deviation:.2f} % ({row['seeds']} seeds)"
    return cell + Markup('<span class="sub">{}</span>').format(said)


def _loss(value: Cell) -> Markup:
    if not isinstance(value, float):
        return Markup('<td class="num none">–')
    return Markup('<td data-v="{}">{}').format(repr(value), f"{value:+.2f}".replace("-", "−") if value else "0.00")


def _size(value: Cell) -> Markup:
    if not isinstance(value, int):
        return Markup('<td class="num none">–')
    return Markup('<td data-v="{}">{}').format(value, number(value, "B"))


def _chip(view: View, row: dict[str, Cell], family: str) -> Markup:
    """Energy with range and latency; the first obstacle where the chip refuses."""
    energy, low, high, latency, reason, without = (
        row[f"{family}_{name}"] for name in ("energy_j", "energy_low_j", "energy_high_j", "latency_s", "reason", "without")
    )
    if reason is not None:
        return Markup('<td class="none why" title="{}"><span>{}</span>').format(text(str(reason)), text(str(reason)))
    if not isinstance(latency, float | int):
        return Markup('<td class="num none">not tried')
    if not (isinstance(energy, float | int) and isinstance(low, float | int) and isinstance(high, float | int)):
        return Markup('<td class="num none">not modelled<span class="sub">{}</span>').format(number(latency, "s"))
    return Markup('<td data-v="{}"><strong>{}</strong>{}{}<span class="sub">{}</span>').format(
        repr(energy), number(energy, "J"), view.mark(str(without or "")), around(low, high, "J"), number(latency, "s")
    )


def _published(claims: Sequence[Claim]) -> Markup:
    """The first claims with their sources, the others behind a fold."""
    if not claims:
        return Markup('<td class="none elsewhere">–')
    lines = [
        Markup('<span class="claim">{} % {} <small>({})</small></span>').format(
            f"{claim.accuracy_percent:g}", text(claim.network), text(claim.source)
        )
        for claim in claims
    ]
    more = len(lines) - CLAIMS
    rest = Markup("<details><summary>{} more</summary>{}</details>").format(more, join(lines[CLAIMS:])) if more > 0 else ""
    return Markup('<td class="elsewhere">{}{}').format(join(lines[:CLAIMS]), rest)
