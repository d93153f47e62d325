"""Figures as plain Plotly specifications: one shared template, fixed ids, labels that cannot carry markup.

Colours are those of Okabe and Ito (Color Universal Design, 2008), told apart with every kind of colour vision.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from analyses.text import shorten, visible
from neurobin.ir import Json
from neurobin.units import format_si
from reports.html import text

BLUE, ORANGE, GREEN, PINK, SKY, VERMILION, YELLOW, GREY = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#8A8F98",
)  # fmt: skip
SERIES = (BLUE, ORANGE, GREEN, PINK, SKY, VERMILION)
VIOLET, OLIVE, TEAL = "#7A5CC7", "#8C7A1E", "#4DB6AC"  # for more than six; their lightness differs from their neighbours'
MANY = (*SERIES, VIOLET, OLIVE, TEAL, GREY)
COMPONENT_COLOURS = {
    "compute": BLUE,
    "weight memory": ORANGE,
    "activation memory": SKY,
    "network": GREEN,
    "static": GREY,
    "host": PINK,
}
STATE_COLOURS = {"run": BLUE, "send": GREEN, "receive": SKY, "stall": VERMILION}
SYMBOLS = (
    "circle", "square", "diamond", "triangle-up", "cross", "star", "triangle-down", "pentagon", "hexagon", "x",
    "bowtie", "hourglass", "triangle-left", "triangle-right", "star-square", "star-diamond",
)  # fmt: skip
HEAT = "Cividis"

# Colours of text and lines are filled in by the page's script from its style sheet, for light and dark.
TEMPLATE: dict[str, Json] = {
    "layout": {
        "font": {"family": "system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif", "size": 13},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": list(SERIES),
        "margin": {"l": 8, "r": 40, "t": 8, "b": 8},  # the tools stand in the right margin
        "hoverlabel": {"align": "left"},
        "hovermode": "closest",
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"},
        "xaxis": {"automargin": True, "zeroline": False, "ticks": "outside", "ticklen": 4, "title": {"standoff": 10}},
        "yaxis": {"automargin": True, "zeroline": False, "ticks": "", "ticklabelstandoff": 6, "title": {"standoff": 10}},
    }
}


@dataclass(frozen=True)
class Figure:
    """A drawing of the table `table_id`: traces and layout in Plotly's words, its height in pixels, and what it says."""

    id: str
    says: str
    data: list[Json]
    layout: dict[str, Json]
    height: int
    table_id: str
    tools: Markup = field(default=Markup(""))

    @property
    def spec(self) -> dict[str, Json]:
        return {"data": self.data, "layout": self.layout}

    def html(self) -> Markup:
        """The empty box that the page's script fills, with the words for those who do not see it."""
        return Markup('{}<div class="figure" id="{}" role="img" aria-label="{}" style="height:{}px"></div>').format(
            self.tools, self.id, text(f"{self.says} The values are in the table that follows."), self.height
        )


def label(name: str, limit: int = 32) -> str:
    """A name for an axis, legend or hover text: short, hidden characters shown, Plotly's <b>, <a> and $TeX$ markup inert."""
    return _inert(shorten(name, limit))


def full(name: str) -> str:
    """A whole text for hover boxes, inert."""
    return _inert(visible(name))


def _inert(words: str) -> str:
    return html.escape(words, quote=False).replace("$", "&#36;")


def named_axis(names: Sequence[str], limit: int = 32) -> dict[str, Json]:
    """An axis of positions 0, 1, ... with names as ticks: equal, numeric or date-like names cannot merge or be re-read."""
    return {
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticktext": [label(name, limit) for name in names],
        "range": [len(names) - 0.5, -0.5],
        "showgrid": False,
        "type": "linear",
    }


def share_axis(title: str) -> dict[str, Json]:
    """From 0 to a little above 100 % at most, also round a lone value, for which Plotly would go from -6 to 194 %."""
    return {"title": {"text": title}, "tickformat": ".1%", "autorangeoptions": {"clipmin": 0, "clipmax": 1.02}}


def energy_axis(title: str, kind: str = "linear") -> dict[str, Json]:
    return {"title": {"text": title}, "type": kind, "exponentformat": "SI", "minexponent": 0, "ticksuffix": "J",
            "nticks": 8}  # fmt: skip


def log_ticks(low: float, high: float, unit: str) -> dict[str, Json]:
    """Ticks at 1, 2 and 5 of every decade around a positive range, in words: plain exponents are hard to read."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = [float(f"{step}e{decade}") for decade in decades for step in (1, 2, 5)]
    return {"tickmode": "array", "tickvals": list(values), "ticktext": [format_si(value, unit) for value in values]}


def switch(figure_id: str, what: str, options: Sequence[tuple[str, str]]) -> Markup:
    """Buttons over a figure; the page's script knows `scale` (linear, log) and `show` (trace number)."""
    buttons = Markup("").join(
        Markup('<button type="button" data-{}="{}" aria-pressed="{}">{}</button>').format(
            what, value, "true" if k == 0 else "false", text(words)
        )
        for k, (value, words) in enumerate(options)
    )
    return Markup('<div class="tools" data-for="{}">{}</div>').format(figure_id, buttons)
