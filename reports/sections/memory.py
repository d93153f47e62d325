"""Memory over the schedule: every buffer at its address, live bytes, the capacity, and who is alive at the peak."""

from __future__ import annotations

from markupsafe import Markup

from analyses.memory import Peak, capacity, layout, memories, peak, timeline
from analyses.results import PairResult
from analyses.table import Table
from neurobin.ir import Json
from neurobin.units import format_bytes
from reports.figures import GREY, SERIES, VERMILION, Figure, full, label, named_axis
from reports.html import details, table_html, text
from reports.view import Part, Section, View

NAMED = 8  # tensors named at the peak; the tables name all


def render(view: View) -> Section | None:
    panels = view.panels("memory", _panel, "This target has no memory that layers share over time.")
    lead = (
        "Each box is a buffer: its place in the memory and the steps during which it is needed. "
        "The line is the sum of live bytes."
    )
    return Section("memory", "Memory timeline", lead, panels=panels) if panels else None


def _panel(key: str, result: PairResult) -> Part | None:
    if not result.spans:
        return None
    figures: list[Figure] = []
    body = Markup("")
    for index, memory in enumerate(memories(result.spans)):
        live = timeline(result.steps, result.spans, memory)
        top = peak(result.steps, result.spans, memory)
        if top is None:
            continue
        bound = capacity(result.resources, memory)
        limit = bound.capacity if bound else None
        buffers = layout(result.spans, memory)
        name = f"{key}-{index}"
        body += _says(top, limit)
        if _changes(result, memory):
            figures.append(_figure(name, result.steps, live, buffers, top, limit))
            steps = table_html(live.select("step", "name", "live_bytes", "tensors"), f"memory-live-{name}")
            body += figures[-1].html() + details(f"Live bytes by step, {memory}", steps)
        else:
            body += Markup("<p class='note'>{}</p>").format("The same at every step, so there is nothing to draw over time.")
        body += details(f"Buffers and addresses, {memory}", table_html(buffers, f"memory-table-{name}"))
    return Part(body, tuple(figures))


def _changes(result: PairResult, memory: str) -> bool:
    """False for a memory such as flash whose contents stay for the whole schedule: a table says all of it."""
    whole = (0, len(result.steps) - 1)
    return any((span.first, span.last) != whole for span in result.spans if span.memory == memory)


def _says(top: Peak, limit: float | None) -> Markup:
    names = ", ".join(f"{name} ({format_bytes(size)})" for name, size in top.tensors[:NAMED])
    if len(top.tensors) > NAMED:
        names += f" and {len(top.tensors) - NAMED} smaller ones"
    of = f" of {format_bytes(limit)} ({100 * top.high_water_bytes / limit:.2g} % with gaps)" if limit else ""
    return Markup(
        "<p><strong><bdi>{}</bdi> peak: {}{}</strong> at step {}, <bdi>{}</bdi>. Alive: <bdi>{}</bdi>.</p>"
    ).format(text(top.memory), format_bytes(top.live_bytes), of, top.step, text(top.step_name), text(names))


def _figure(name: str, steps: tuple[str, ...], live: Table, buffers: Table, top: Peak, limit: float | None) -> Figure:
    tensors = [str(value) for value in buffers.column("tensor")]
    address, size, first, last = (buffers.numbers(c) for c in ("address", "size_bytes", "first", "last"))
    low = min(address)
    boxes: Json = {
        "type": "bar",
        "name": "buffers",
        "x": [(a + b) / 2 for a, b in zip(first, last, strict=True)],
        "width": [b - a + 1 for a, b in zip(first, last, strict=True)],
        "base": [value - low for value in address],
        "y": list(size),
        "text": [label(tensor, 18) for tensor in tensors],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "constraintext": "both",
        "marker": {
            "color": [SERIES[k % len(SERIES)] for k in range(len(tensors))],
            "opacity": 0.8,
            "line": {"width": 1, "color": "rgba(128,128,128,0.9)"},
        },
        "customdata": [
            f"<b>{full(t)}</b><br>{format_bytes(s)} at {int(a)}<br>steps {int(f)} to {int(e)}"
            for t, s, a, f, e in zip(tensors, size, address, first, last, strict=True)
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
        "showlegend": False,
    }
    line: Json = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "live bytes",
        "x": list(range(len(steps))),
        "y": list(live.numbers("live_bytes")),
        "line": {"shape": "hvh", "color": GREY, "width": 2},
        "marker": {"size": 4},
        "hovertemplate": "%{y} B live<extra></extra>",
    }
    ceiling, shapes, notes = _limits(top, limit)
    axis = named_axis(steps, 20) | {"range": [-0.5, len(steps) - 0.5], "tickangle": -35, "ticks": ""}
    drawn: dict[str, Json] = {
        "bargap": 0,
        "barmode": "overlay",
        "uniformtext": {"minsize": 10, "mode": "hide"},
        "xaxis": axis,
        "yaxis": {"title": {"text": "bytes"}, "range": [0, ceiling], "exponentformat": "none"},
        "shapes": shapes,
        "annotations": notes,
    }
    says = f"Memory over {len(steps)} steps; the peak is {format_bytes(top.live_bytes)} at step {top.step}."
    return Figure(f"fig-memory-{name}", says, [boxes, line], drawn, 420, f"memory-table-{name}")


def _limits(top: Peak, limit: float | None) -> tuple[float, list[Json], list[Json]]:
    """The top of the axis, the capacity line and its words; a capacity far above the use is said, not drawn to scale."""
    ceiling = 1.25 * top.high_water_bytes
    shapes: list[Json] = [
        {"type": "rect", "xref": "x", "yref": "paper", "x0": top.step - 0.5, "x1": top.step + 0.5, "y0": 0, "y1": 1,
         "fillcolor": VERMILION, "opacity": 0.12, "line": {"width": 0}, "layer": "below"}
    ]  # fmt: skip
    words = f"peak {format_bytes(top.live_bytes)}"
    notes: list[Json] = [
        {"x": top.step, "xref": "x", "y": 1, "yref": "paper", "yanchor": "top", "showarrow": False, "text": words,
         "font": {"color": VERMILION}}
    ]  # fmt: skip
    if limit is None:
        return ceiling, shapes, notes
    said = f"capacity {format_bytes(limit)}"
    if limit <= 3 * top.high_water_bytes:
        ceiling = 1.1 * max(limit, top.high_water_bytes)
        shapes.append(
            {"type": "line", "xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": limit, "y1": limit,
             "line": {"color": VERMILION, "width": 2, "dash": "dash"}}
        )  # fmt: skip
        notes.append({"x": 1, "xref": "paper", "xanchor": "right", "y": limit, "yref": "y", "yanchor": "bottom",
                      "showarrow": False, "text": said})  # fmt: skip
    else:
        said += f", {limit / top.high_water_bytes:.0f} times what is used"
        notes.append({"x": 1, "xref": "paper", "xanchor": "right", "y": 0.98, "yref": "paper", "yanchor": "top",
                      "showarrow": False, "text": said})  # fmt: skip
    return ceiling, shapes, notes
