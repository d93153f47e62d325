"""Markup from tables. Every text is untrusted: hidden characters become visible, then everything is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from markupsafe import Markup, escape

from analyses.table import Cell, Column, Table, show
from analyses.text import visible
from neurobin.units import format_si

_NOTHING = Markup("")
NAME_COLUMNS = ("model", "target", "node", "layer", "tensor", "constant")  # names: monospaced, kept apart from bidi text


def text(value: str) -> Markup:
    """Untrusted text as markup."""
    return escape(visible(value))


def join(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)


def table_html(table: Table, table_id: str, *, sort: bool = True, caption: bool = True) -> Markup:
    """A table with a caption; `data-v` of a number cell holds the full value (what figures plot and sorting uses)."""
    head = join(_header(column) for column in table.columns)
    body = join(_row(table.columns, row) for row in table.rows)
    title = Markup("<caption>{}</caption>").format(text(table.title)) if caption else Markup("")
    note = Markup('<p class="note">{}</p>').format(text(table.note)) if table.note and caption else Markup("")
    return frame(table_id, "data sortable" if sort else "data", head, body, title) + note


def frame(table_id: str, kind: str, head: Markup, body: Markup, caption: Markup = _NOTHING) -> Markup:
    """A table that scrolls sideways in its own box; `head` holds the header cells, `body` the rows."""
    return Markup(
        '<div class="scroll" tabindex="0"><table id="{}" class="{}">{}'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>"
    ).format(table_id, kind, caption, head, body)


def details(summary: str, body: Markup, *, opened: bool = False) -> Markup:
    """A fold. Its content is in the page whether or not it is open."""
    state = Markup(" open") if opened else Markup("")
    return Markup("<details{}><summary>{}</summary>{}</details>").format(state, text(summary), body)


def bullets(items: Iterable[str]) -> Markup:
    return Markup("<ul>{}</ul>").format(join(Markup("<li>{}</li>").format(text(item)) for item in items))


def definitions(items: Mapping[str, str]) -> Markup:
    rows = join(Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(text(k), text(v)) for k, v in items.items())
    return Markup('<dl class="facts">{}</dl>').format(rows)


def badge(kind: str, words: str, title: str = "") -> Markup:
    """`kind` is ok, bad or none; a sign says the same as the colour."""
    sign = {"ok": "✓", "bad": "✗", "none": "○"}[kind]
    return Markup('<span class="badge {}" title="{}"><span aria-hidden="true">{}</span> {}</span>').format(
        kind, text(title), sign, text(words)
    )


def meter(share: float) -> Markup:
    """A bar for a share of a capacity, 0 to 1; the number stands beside it, so the bar is hidden from readers."""
    width = f"{100 * min(max(share, 0.0), 1.0):.2f}"
    return Markup('<span class="meter" aria-hidden="true"><span style="width:{}%"></span></span>').format(width)


def energy_range(value: float, low: float, high: float) -> Markup:
    """`4.3 µJ` with its range under it; the range is left out where it is a point."""
    main = Markup("<strong>{}</strong>").format(format_si(value, "J"))
    if low == high:
        return main
    return main + Markup(' <small class="range">{} – {}</small>').format(format_si(low, "J"), format_si(high, "J"))


def _header(column: Column) -> Markup:
    kind = "num" if column.numeric else "txt"
    return Markup('<th scope="col" class="{}" data-name="{}">{}</th>').format(kind, column.name, text(column.label))


def _row(columns: tuple[Column, ...], row: tuple[Cell, ...]) -> Markup:
    return Markup("<tr>{}</tr>").format(join(_cell(c, v) for c, v in zip(columns, row, strict=True)))


def _cell(column: Column, value: Cell) -> Markup:
    shown = text(show(column, value))
    if column.numeric and value is not None:
        if column.name.startswith("share"):
            width = f"{100 * min(max(float(value), 0.0), 1.0):.1f}"
            return Markup('<td class="share" data-v="{}" style="--w:{}%">{}</td>').format(repr(value), width, shown)
        return Markup('<td data-v="{}">{}</td>').format(repr(value), shown)
    if column.numeric or value is None:
        return Markup('<td class="{}">{}</td>').format("num none" if column.numeric else "none", shown)
    if column.name in NAME_COLUMNS:
        return Markup('<td class="name">{}</td>').format(shown)
    return Markup("<td>{}</td>").format(shown)
