"""At a glance: the counts that matter and a matrix of models and targets."""

from __future__ import annotations

from markupsafe import Markup

from analyses.energy import priced, priced_components, unpriced_components
from analyses.results import ModelInfo, PairResult
from analyses.table import number
from hwmodels.cost import CostReport
from neurobin.units import format_si
from reports.figures import COMPONENT_COLOURS
from reports.html import badge, energy_range, frame, join, meter, text
from reports.view import Section, View


def render(view: View) -> Section:
    lead = (
        "Joules and seconds per inference of one example. Every cell is an estimate from published constants with the range "
        "that their ranges give; “equal” means that the mapped network computed exactly the reference’s integers."
    )
    return Section("glance", "At a glance", lead, _cards(view) + _matrix(view) + _legend(view))


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
    cards += [_extreme(view, "lowest energy"), _worst_loss(view)]
    return Markup('<div class="cards">{}</div>').format(join(cards))


def _span(images: list[int]) -> str:
    low, high = min(images), max(images)
    return str(low) if low == high else f"{low} to {high}"


def _card(title: str, value: str, detail: str, kind: str) -> Markup:
    return Markup('<div class="card {}"><h3>{}</h3><p class="big">{}</p><p>{}</p></div>').format(
        kind, text(title), text(value), text(detail)
    )


def _extreme(view: View, title: str) -> Markup:
    rows = [row for row in view.headline if isinstance(row["energy_j"], float)]
    if not rows:
        return _card(title, "–", "nothing was priced", "")
    best = min(rows, key=lambda row: float(str(row["energy_j"])))
    without = f", without {best['energy_without']}" if best["energy_without"] else ""
    return _card(title, format_si(float(str(best["energy_j"])), "J"), f"{best['model']} on {best['target']}{without}", "")


def _worst_loss(view: View) -> Markup:
    lost = [
        (100 * (model.accuracy_torch - model.accuracy_deployed), model.name)
        for model in view.comparison.models
        if model.accuracy_torch is not None and model.accuracy_deployed is not None
    ]
    if not lost:
        return _card("accuracy lost by deployment", "–", "not measured", "")
    worst, name = max(lost)
    return _card(
        "largest accuracy loss by deployment", f"{max(worst, 0.0):.2f} points", name if worst > 0 else "no model", ""
    )


def _matrix(view: View) -> Markup:
    targets = view.comparison.targets
    by_place = {(result.model, result.target): (key, result) for key, result in view.pairs.items()}
    head = join(Markup('<th scope="col" class="name"><bdi>{}</bdi></th>').format(text(target)) for target in targets)
    rows = join(
        Markup("<tr>{}{}</tr>").format(
            _model(model), join(_pair(*by_place.get((model.name, target), ("", None))) for target in targets)
        )
        for model in view.comparison.models
    )
    return frame("glance-matrix", "matrix", Markup('<th scope="col">model</th>{}').format(head), rows)


def _model(model: ModelInfo) -> Markup:
    deployed = "not measured" if model.accuracy_deployed is None else number(model.accuracy_deployed, "share")
    torch = "" if model.accuracy_torch is None else f" (torch {number(model.accuracy_torch, 'share')})"
    return Markup(
        '<th scope="row"><bdi class="name">{}</bdi><span class="sub"><bdi>{}</bdi></span>'
        '<span class="sub"><strong>{}</strong>{}<bdi>{}</bdi></span></th>'
    ).format(
        text(model.name),
        text(model.title or model.method),
        deployed,
        torch,
        text(f" · {model.dataset}" if model.dataset else ""),
    )


def _pair(key: str, result: PairResult | None) -> Markup:
    if result is None:
        return Markup('<td class="void">–</td>')
    if result.report is None:
        reasons = "; ".join(result.pair.reasons)
        words = "refused" if result.fits is False else "not priced"
        return Markup('<td class="refused"><div>{}</div><p class="why" title="{}"><bdi>{}</bdi></p></td>').format(
            badge("bad" if result.fits is False else "none", words, reasons), text(reasons), text(reasons)
        )
    return Markup(
        '<td><a class="pick" href="#energy-{}" data-pair="{}">{}</a>{}<span class="sub">{} · {}</span><div>{}</div></td>'
    ).format(
        key,
        key,
        _energy(result.report),
        _stack(result.report),
        format_si(result.report.latency_s, "s"),
        _resource(result),
        valid_badge(result),
    )


def _energy(report: CostReport) -> Markup:
    total, missing = priced(report), unpriced_components(report)
    if total is None:
        return Markup('<strong class="none">energy not modelled</strong>')
    without = Markup('<small class="range">without {}</small>').format(", ".join(missing)) if missing else Markup("")
    return energy_range(total.energy_j, total.energy_low_j, total.energy_high_j) + without


def valid_badge(result: PairResult) -> Markup:
    """Whether the integers were the same, in one badge."""
    if result.valid is None:
        return badge("none", "not run")
    if result.valid:
        return badge("ok", f"equal · {result.pair.images}", f"{result.pair.images} images, integer for integer")
    return badge("bad", f"{result.pair.mismatches} of {result.pair.images} differ", "; ".join(result.pair.reasons))


def _resource(result: PairResult) -> Markup:
    if not result.resources:
        return Markup("")
    main = result.resources[0]
    share = main.used / main.capacity if main.capacity else 0.0
    title = f"{main.name}: {number(main.used, main.unit)} of {number(main.capacity, main.unit)}"
    return Markup('<span title="{}">{} {}</span>').format(text(title), text(number(main.used, main.unit)), meter(share))


def _stack(report: CostReport) -> Markup:
    """The shares of the components as one bar; the numbers are in the energy section's table."""
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
    hint = (
        "Thin bar: what the energy is spent on. Small meter: how full the main resource is. Choose a cell for its details."
    )
    return Markup('<p class="legend">{}</p><p class="note">{}</p>').format(keys, hint)
