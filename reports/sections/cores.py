"""Core placement: the chip's grid, one heat map per quantity, with the borders between layers."""

from __future__ import annotations

from markupsafe import Markup

from analyses.placement import by_layer, core_map
from analyses.results import PairResult
from analyses.table import Cell, Column, Table, show
from analyses.text import shorten
from neurobin.ir import Json
from reports.figures import GREY, HEAT, SERIES, Figure, full, label, switch
from reports.html import details, join, table_html
from reports.view import Part, Section, View

LISTED = 512  # cores listed one by one in the page; beyond that the table has the sums by layer

Grid = dict[tuple[int, int], dict[str, Cell]]


def render(view: View) -> Section | None:
    panels = view.panels("cores", _panel, "This target does not place layers on a grid of cores.")
    lead = "Which core serves which layer, and how much of it is used. Lines are borders between layers."
    return Section("cores", "Core placement", lead, panels=panels) if panels else None


def _panel(key: str, result: PairResult) -> Part | None:
    if not result.placement:
        return None
    cores = core_map(result.placement)
    layers = by_layer(cores)
    figure = _figure(key, cores)
    listed = len(cores) <= LISTED
    note = "" if listed else f"{len(cores)} cores are drawn one by one and listed as sums by layer, to keep the page small."
    body = (
        _legend([str(name) for name in layers.column("node")])
        + figure.html()
        + (Markup('<p class="note">{}</p>').format(note) if note else Markup(""))
        + table_html(layers, f"cores-layers-{key}")
        + (details(f"All {len(cores)} cores", table_html(cores, f"cores-table-{key}")) if listed else Markup(""))
    )
    return Part(body, (figure,))


def _legend(layers: list[str]) -> Markup:
    keys = join(
        Markup('<span><i style="background:{}"></i><bdi>{}</bdi></span>').format(SERIES[k % len(SERIES)], shorten(name, 32))
        for k, name in enumerate(layers)
    )
    return Markup('<p class="legend">{}</p>').format(keys)


def _figure(key: str, cores: Table) -> Figure:
    grid: Grid = {(int(str(row["x"])), int(str(row["y"]))): row for row in cores}
    columns, lines = sorted({x for x, _ in grid}), sorted({y for _, y in grid})
    xs, ys = list(range(columns[0], columns[-1] + 1)), list(range(lines[0], lines[-1] + 1))
    common: dict[str, Json] = {
        "type": "heatmap", "x": list(xs), "y": list(ys), "xgap": 1, "ygap": 1, "hoverongaps": False,
    }  # fmt: skip
    hover: Json = [[_hover(cores.columns, grid.get((x, y))) for x in xs] for y in ys]
    traces: list[Json] = [
        common | _layers(grid, xs, ys) | {"customdata": hover, "hovertemplate": "%{customdata}<extra></extra>"}
    ]
    for column in cores.columns[3:]:
        z: Json = [[_value(grid.get((x, y)), column.name) for x in xs] for y in ys]
        name = label(column.label)
        traces.append(common | {"z": z, "colorscale": HEAT, "visible": False, "name": name,
                                "hovertemplate": f"core (%{{x}}, %{{y}})<br>{name}: %{{z}}<extra></extra>",
                                "colorbar": {"title": {"text": name}, "thickness": 12}})  # fmt: skip
    traces.append(_borders(grid))
    figure_id = f"fig-cores-{key}"
    tools = switch(
        figure_id, "show", [("0", "layer"), *((str(k), c.label) for k, c in enumerate(cores.columns[3:], start=1))]
    )
    cell = max(8, min(34, 900 // len(xs), 620 // len(ys)))
    layout: dict[str, Json] = {
        "xaxis": {"title": {"text": "core column"}, "showgrid": False, "constrain": "domain", "ticks": "",
                  "tickformat": "d", "range": [xs[0] - 0.5, xs[-1] + 0.5]},
        "yaxis": {"title": {"text": "core row"}, "showgrid": False, "scaleanchor": "x", "constrain": "domain",
                  "tickformat": "d", "range": [ys[-1] + 0.5, ys[0] - 0.5]},
        "showlegend": False,
    }  # fmt: skip
    says = f"{len(grid)} cores in columns {xs[0]} to {xs[-1]} and rows {ys[0]} to {ys[-1]}, by layer."
    return Figure(figure_id, says, traces, layout, 110 + max(cell * len(ys), 60), f"cores-table-{key}", tools)


def _layers(grid: Grid, xs: list[int], ys: list[int]) -> dict[str, Json]:
    """A stepped colour scale: one colour per layer, repeated after the palette's end (borders and hover tell them apart)."""
    names = list(dict.fromkeys(str(row["node"]) for row in grid.values()))
    steps = len(SERIES)
    scale: list[Json] = []
    for k, colour in enumerate(SERIES):
        scale += [[k / steps, colour], [(k + 1) / steps, colour]]
    z: Json = [[names.index(str(grid[x, y]["node"])) % steps if (x, y) in grid else None for x in xs] for y in ys]
    return {"z": z, "colorscale": scale, "zmin": -0.5, "zmax": steps - 0.5, "showscale": False, "name": "layer"}


def _borders(grid: Grid) -> Json:
    """Line segments between neighbouring cores of different layers, as one trace with gaps."""
    x: list[Json] = []
    y: list[Json] = []
    for cx, cy in sorted(grid):
        for dx, dy in ((1, 0), (0, 1)):
            other = grid.get((cx + dx, cy + dy))
            if other is not None and other["node"] != grid[cx, cy]["node"]:
                x += [cx + 0.5, cx + 0.5 if dx else cx - 0.5, None]
                y += [cy + 0.5, cy - 0.5 if dx else cy + 0.5, None]
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "hoverinfo": "skip", "line": {"color": GREY, "width": 2.5}}


def _hover(columns: tuple[Column, ...], row: dict[str, Cell] | None) -> str:
    if row is None:
        return ""
    lines = [f"<b>{full(str(row['node']))}</b>, core ({row['x']}, {row['y']})"]
    return "<br>".join(lines + [f"{full(c.label)}: {full(show(c, row[c.name]))}" for c in columns[3:]])


def _value(row: dict[str, Cell] | None, name: str) -> Json:
    return None if row is None else row[name]
