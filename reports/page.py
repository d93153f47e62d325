"""`render`: a comparison as one HTML page that works from a file, without network, in any current browser.

Figures are data that the page's own script draws with Plotly when they come into view, all with one template. The first
pair's panels are open in the page, those of all others packed (`reports.packs`), and so is the script of Plotly, which the
page's own adds as one more inline script. A content security policy allows exactly these two, by hash, and no connection
at all: what is unpacked runs only if it is Plotly, byte for byte.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from analyses.results import Comparison
from neurobin.ir import Json
from reports.figures import TEMPLATE
from reports.html import text
from reports.packs import pack, packs
from reports.sections import (
    accuracy,
    cores,
    energy,
    events,
    glance,
    glossary,
    headline,
    mapping,
    memory,
    methods,
    omissions,
    provenance,
    sensitivity,
    tradeoff,
    validation,
    work,
)
from reports.view import Section, View

ASSETS = Path(__file__).parent / "assets"

SECTIONS: tuple[Callable[[View], Section | None], ...] = (
    glance.render,
    methods.render,
    headline.render,
    tradeoff.render,
    energy.render,
    sensitivity.render,
    memory.render,
    cores.render,
    events.render,
    mapping.render,
    work.render,
    validation.render,
    accuracy.render,
    omissions.render,
    provenance.render,
    glossary.render,
)


def render(comparison: Comparison) -> str:
    """The page as text. The same comparison gives the same bytes; only its `date` varies between equal runs."""
    view = View(comparison)
    sections = [section for make in SECTIONS if (section := make(view)) is not None]
    opened = [part for section in sections for key, part in section.panels.items() if key == view.first]
    drawn = [figure for section in sections for figure in section.figures]
    drawn += [figure for part in opened for figure in part.figures]
    figures: dict[str, Json] = {figure.id: figure.spec for figure in drawn}
    script = _asset("tables.js") + _asset("page.js")
    return _template().render(
        view=view,
        comparison=comparison,
        sections=sections,
        title=f"neurobin: {_subject(comparison)}",
        subject=_subject(comparison),
        text=text,
        style=Markup(_asset("page.css")),
        data=json_script({"template": TEMPLATE, "figures": figures}),
        pairs=json_script(_places(view)),
        packs=json_script({**packs(sections, view.first)}),
        plotly=_plotly(),
        script=Markup(script),
        policy=_policy(get_plotlyjs(), script),
    )


def json_script(value: Json) -> Markup:
    """JSON that cannot end its script element, begin a comment in it, or break a JavaScript line."""
    dumped = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        dumped = dumped.replace(character, f"\\u{ord(character):04x}")
    return Markup(dumped)


def _places(view: View) -> Json:
    """For the page's selectors: the pair shown first, and model and target number of every pair."""
    models = [model.name for model in view.comparison.models]
    targets = list(view.comparison.targets)
    places: dict[str, Json] = {
        key: [models.index(result.model), targets.index(result.target)] for key, result in view.pairs.items()
    }
    return {"first": view.first, "pairs": places}


def _subject(comparison: Comparison) -> str:
    models, targets = len(comparison.models), len(comparison.targets)
    return f"{models} network{'s' * (models != 1)} on {targets} target{'s' * (targets != 1)}"


def _policy(*scripts: str) -> str:
    """No connection, no frame, no form; scripts by hash. Plotly sets styles from script and saves pictures as blobs."""
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


@cache
def _plotly() -> Markup:
    return Markup(pack(get_plotlyjs()))  # the alphabet of base64 needs no escaping


@cache
def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(ASSETS), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template("page.html")
