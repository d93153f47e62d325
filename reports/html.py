"""Markup from tables. Every text is untrusted: hidden characters become visible, then everything is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from markupsafe import Markup, escape

from analyses.table import Cell, Column, Table, show, span
from analyses.text import visible

_NOTHING = Markup("")
NAME_COLUMNS = ("model", "target", "node", "layer", "tensor", "constant")  # names: monospaced, kept apart from bidi text


def text(value: str) -> Markup:
    """Untrusted text as markup."""
    return escape(visible(value))


def breakable(name: str) -> Markup:
    """A name that a narrow cell may break after its underscores."""
    return text(name).replace(Markup("_"), Markup("_<wbr>"))


def join(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)


def table_html(table: Table, table_id: str, *, sort: bool = True, caption: bool = True, scroll: bool = False) -> Markup:
    """A table with a caption; `data-v` of a number cell holds the full value (what figures plot and sorting uses), or
    nothing where the text is that value, thousands spaced."""
    head = join(_header(column) for column in table.columns)
    body = Markup("".join(_row(table.columns, row) for row in table.rows))
    title = Markup("<caption>{}</caption>").format(text(table.title)) if caption else Markup("")
    note = Markup('<p class="note">{}</p>').format(text(table.note)) if table.note and caption else Markup("")
    kind = ("data sortable" if sort else "data") + _named(table.columns)
    return frame(table_id, kind, head, body, title, scroll=scroll) + note


def frame(
    table_id: str, kind: str, head: Markup, body: Markup, caption: Markup = _NOTHING, *, scroll: bool = False
) -> Markup:
    """A table that scrolls sideways in its own box, with `scroll` up and down too; `head` has header cells, `body` rows."""
    return Markup(
        '<div class="{}" tabindex="0"><table id="{}" class="{}">{}<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format("scroll long" if scroll else "scroll", table_id, kind, caption, head, body)


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


def around(low: float, high: float, unit: str) -> Markup:
    """The range on its own line, `37.4 – 187 µJ`: a common unit is said once; nothing where the range is a point."""
    if low == high:
        return _NOTHING
    return Markup(' <small class="range">{}</small>').format(span(low, high, unit))


def _header(column: Column) -> Markup:
    kind = Markup(' class="num"') if column.numeric else _NOTHING
    return Markup('<th{} data-name="{}">{}</th>').format(kind, column.name, text(column.label))


def _row(columns: tuple[Column, ...], row: tuple[Cell, ...]) -> str:
    """Without the end tags of row and cells, which HTML lets one omit: tables are most of what is not Plotly."""
    return "<tr>" + "".join(_cell(c, v) for c, v in zip(columns, row, strict=True))


def _cell(column: Column, value: Cell) -> str:
    """Put together as plain strings, for pages have hundreds of thousands: the only text in it is escaped here."""
    shown = text(show(column, value))
    if column.numeric and value is not None:
        if column.name.startswith("share"):
            width = f"{100 * min(max(float(value), 0.0), 1.0):.1f}"
            return f'<td class="share" data-v="{value!r}" style="--w:{width}%">{shown}'
        if repr(value) == shown.replace(" ", ""):
            return f"<td data-v>{shown}"
        return f'<td data-v="{value!r}">{shown}'
    if column.numeric or value is None:
        return f'<td class="{"num none" if column.numeric else "none"}">{shown}'
    return f"<td>{shown}"


def _named(columns: tuple[Column, ...]) -> str:
    """Classes m1, m2, ... for the columns that hold names, said once for the whole table."""
    return "".join(f" m{place}" for place, column in enumerate(columns, start=1) if column.name in NAME_COLUMNS)
