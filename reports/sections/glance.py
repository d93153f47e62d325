"""At a glance: the counts that matter and a matrix of models and targets."""

from __future__ import annotations

from markupsafe import Markup

from analyses.energy import priced, priced_components, without
from analyses.field import datasets
from analyses.refusals import phrases
from analyses.results import ModelInfo, PairResult, TargetInfo
from analyses.summary import listing, sentences
from analyses.table import number
from hwmodels.cost import CostReport
from neurobin.units import format_si
from reports.figures import COMPONENT_COLOURS
from reports.html import around, badge, breakable, bullets, frame, join, meter, text
from reports.view import Section, View

COMPACT = 20  # networks from which a cell says less, so that the matrix stays a few screens long


def render(view: View) -> Section:
    lead = (
        "Joules and seconds per inference of one example. Every cell is an estimate from published constants with the range "
        "that their ranges give; “equal” means that the mapped network computed exactly the reference’s integers."
    )
    said = sentences(view.comparison)
    summary = Markup('<div class="summary">{}</div>').format(bullets(said)) if said else Markup("")
    return Section("glance", "At a glance", lead, summary + _cards(view) + _matrix(view) + _legend(view))


def _cards(view: View) -> Markup:
    results = view.comparison.results
    fits = sum(result.fits is True for result in results)
    refused = sum(result.fits is False for result in results)
    equal = sum(result.valid is True for result in results)
    wrong = sum(result.valid is False for result in results)
    images = [result.pair.images for result in results if result.valid is not None]
    checked = f"{equal} of {equal + wrong} pairs" if images else "nothing was run"
    on = f"integer for integer on {_span(images)} images each" if images else "no mapped execution in this comparison"
    cards = [
        _card(
            "fit", f"{fits} of {len(results)} pairs", f"{refused} refused with reasons" if refused else "none refused", ""
        ),
        _card("equal to the reference", checked, f"{wrong} with mismatches" if wrong else on, "bad" if wrong else ""),
    ]
    cards += [_extreme(view), _worst_loss(view)]
    return Markup('<div class="cards">{}</div>').format(join(cards))


def _span(images: list[int]) -> str:
    low, high = min(images), max(images)
    return str(low) if low == high else f"{low} to {high}"


def _card(title: str, value: str, detail: str, kind: str) -> Markup:
    return Markup('<div class="card {}"><h3>{}</h3><p class="big">{}</p><p>{}</p></div>').format(
        kind, text(title), text(value), text(detail)
    )


def _extreme(view: View) -> Markup:
    """Within the data set of most networks: what others solve costs less or more for other reasons."""
    found = datasets(view.comparison)
    title = "lowest energy" if len(found) < 2 else f"lowest energy, {found[0] or 'data set not named'}"
    rows = [row for row in view.headline if isinstance(row["energy_j"], float) and row["dataset"] == found[0]]
    if not rows:
        return _card(title, "–", "nothing was priced", "")
    best = min(rows, key=lambda row: float(str(row["energy_j"])))
    left_out = f", without {best['energy_without']}" if best["energy_without"] else ""
    return _card(title, format_si(float(str(best["energy_j"])), "J"), f"{best['model']} on {best['target']}{left_out}", "")


def _worst_loss(view: View) -> Markup:
    lost = [
        (round(100 * (model.accuracy_torch - model.accuracy_deployed), 6), model.name)
        for model in view.comparison.models
        if model.accuracy_torch is not None and model.accuracy_deployed is not None
    ]
    if not lost:
        return _card("accuracy lost by deployment", "–", "not measured", "")
    worst = max(points for points, _ in lost)
    names = [name for points, name in lost if points == worst] if worst > 0 else []
    who = listing(names) if 0 < len(names) <= 3 else f"{len(names)} networks"
    return _card("largest accuracy loss by deployment", f"{max(worst, 0.0):.2f} points", who if names else "no model", "")


def _matrix(view: View) -> Markup:
    """A matrix per data set; large ones without what the other sections repeat."""
    targets = view.comparison.targets
    by_place = {(result.model, result.target): (key, result) for key, result in view.pairs.items()}
    head = join(_target(view.comparison.target(name)) for name in targets)
    found = datasets(view.comparison) or ("",)
    compact = len(view.comparison.models) > COMPACT
    made = Markup("")
    for index, dataset in enumerate(found):
        models = [model for model in view.comparison.models if model.dataset == dataset]
        rows = join(
            Markup("<tr>{}{}</tr>").format(
                _model(model, compact),
                join(_pair(view, by_place.get((model.name, target)), compact) for target in targets),
            )
            for model in models
        )
        matrix_id = f"glance-matrix-{index}" if index else "glance-matrix"
        if len(found) > 1:
            made += Markup("<h3><bdi>{}</bdi>: {} network{}</h3>").format(
                text(dataset or "data set not named"), len(models), "s" * (len(models) != 1)
            )
        kind = "matrix compact" if compact else "matrix"
        made += frame(matrix_id, kind, Markup('<th scope="col">model</th>{}').format(head), rows)
    return Markup('<div style="--targets:{}">{}</div>').format(len(targets), made)


def _target(about: TargetInfo) -> Markup:
    """Name, family and the first clause of the description, which tell two sizes of one chip apart."""
    words = Markup('<span class="sub"><em>{}</em> <bdi>{}</bdi></span>').format(text(about.family), text(about.short))
    return Markup('<th scope="col" title="{}"><bdi class="name">{}</bdi>{}</th>').format(
        text(about.description), text(about.name), words if about.family or about.description else Markup("")
    )


def _model(model: ModelInfo, compact: bool) -> Markup:
    deployed = "not measured" if model.accuracy_deployed is None else number(model.accuracy_deployed, "share")
    if compact:
        return Markup(
            '<th scope="row"><bdi class="name">{}</bdi><span class="sub"><strong>{}</strong> {}</span></th>'
        ).format(breakable(model.name), deployed, text(model.title or model.method))
    torch = "" if model.accuracy_torch is None else f" (torch {number(model.accuracy_torch, 'share')})"
    return Markup(
        '<th scope="row"><bdi class="name">{}</bdi><span class="sub"><bdi>{}</bdi></span>'
        '<span class="sub"><strong>{}</strong>{}<bdi>{}</bdi></span></th>'
    ).format(
        breakable(model.name),
        text(model.title or model.method),
        deployed,
        torch,
        text(f" · {model.dataset}" if model.dataset else ""),
    )


def _pair(view: View, found: tuple[str, PairResult] | None, compact: bool) -> Markup:
    if found is None:
        return Markup('<td class="void">–</td>')
    key, result = found
    link = Markup('<a class="pick" href="#energy-{}" data-pair="{}">{}</a>')
    if result.report is None:
        return Markup('<td class="refused">{}</td>').format(link.format(key, key, _refused(result, compact)))
    if compact:
        return Markup('<td>{}{}<span class="sub">{} {}</span></td>').format(
            link.format(key, key, _energy(view, result.report, ranged=False)),
            _stack(result.report),
            format_si(result.report.latency_s, "s"),
            _sign(result),
        )
    return Markup('<td>{}{}<span class="sub">{}</span><span class="sub">{}</span><div>{}</div></td>').format(
        link.format(key, key, _energy(view, result.report)),
        _stack(result.report),
        format_si(result.report.latency_s, "s"),
        _resource(result),
        valid_badge(result),
    )


def _refused(result: PairResult, compact: bool) -> Markup:
    """The first obstacle in a few words; the panel behind the link has all of them."""
    short = phrases(result.pair.reasons)
    words = "refused" if result.fits is False else "not priced"
    said, count = short[0][0] if short else "", len(result.pair.reasons)
    more = f"{count} reasons" if count > 1 and not compact else ""
    return Markup('{}<span class="why" title="{}"><bdi>{}</bdi></span><span class="sub">{}</span>').format(
        badge("bad" if result.fits is False else "none", words), text(said), text(said), more
    )


def _energy(view: View, report: CostReport, *, ranged: bool = True) -> Markup:
    total = priced(report)
    if total is None:
        return Markup('<span class="none">{}</span>').format("energy not modelled" if ranged else "not modelled")
    said = around(total.energy_low_j, total.energy_high_j, "J") if ranged else Markup("")
    return Markup("<strong>{}</strong>{}{}").format(format_si(total.energy_j, "J"), view.mark(without(report)), said)


def valid_badge(result: PairResult) -> Markup:
    """Whether the integers were the same, in one badge."""
    if result.valid is None:
        return badge("none", "not run")
    if result.valid:
        return badge("ok", "equal", f"{result.pair.images} images, integer for integer")
    return badge("bad", f"{result.pair.mismatches} of {result.pair.images} differ", "; ".join(result.pair.reasons))


def _sign(result: PairResult) -> Markup:
    """The same as one character, with the words for those who hover or listen."""
    kind, sign, words = {True: ("ok", "✓", "equal"), False: ("bad", "✗", "differs"), None: ("none", "○", "not run")}[
        result.valid
    ]
    return Markup('<span class="sign {}" title="{}" role="img" aria-label="{}">{}</span>').format(kind, words, words, sign)


def _resource(result: PairResult) -> Markup:
    if not result.resources:
        return Markup("")
    main = result.resources[0]
    share = main.used / main.capacity if main.capacity else 0.0
    title = f"{main.name}: {number(main.used, main.unit)} of {number(main.capacity, main.unit)}"
    return Markup('<span title="{}">{} {}</span>').format(text(title), text(number(main.used, main.unit)), meter(share))


def _stack(report: CostReport) -> Markup:
    """The shares of the components as one bar; the numbers are in the energy section's table."""
    if priced(report) is None:
        return Markup("")
    whole = report.total.energy_j
    groups = report.by("component")
    shares = [(name, groups[name].energy_j / whole if whole else 0.0) for name in priced_components(report)]
    title = ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares)
    bars = join(
        Markup('<span style="width:{}%;background:{}"></span>').format(f"{100 * share:.2f}", COMPONENT_COLOURS[name])
        for name, share in shares
    )
    return Markup('<span class="stack" role="img" aria-label="{}" title="{}">{}</span>').format(title, title, bars)


def _legend(view: View) -> Markup:
    present = {name for result in view.comparison.results if result.report for name in priced_components(result.report)}
    keys = join(
        Markup('<span><i style="background:{}"></i>{}</span>').format(colour, name)
        for name, colour in COMPONENT_COLOURS.items()
        if name in present
    )
    hint = _COMPACT if len(view.comparison.models) > COMPACT else _WHOLE
    return Markup('<p class="legend">{}</p><p class="note">{}</p>{}').format(keys, hint, view.marks_explained())


_WHOLE = (
    "From the top: energy per inference and its range; a bar of what it is spent on; latency; use of the main resource, "
    "with a meter of how full it is; whether the integers are equal. Choose a cell for its details below."
)
_COMPACT = (
    "From the top: energy per inference; a bar of what it is spent on; latency, and whether the integers are equal (✓), "
    "differ (✗) or were not compared (○). Ranges and resources are under All pairs. Choose a cell for its details below."
)
