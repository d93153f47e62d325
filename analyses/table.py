"""`Table`: typed columns with units, rows of plain values, and its four text forms (CSV, JSON, LaTeX, Markdown).

Values are SI floats, counts, texts, truth values or None (not known, not modelled). JSON and CSV keep full precision;
LaTeX, Markdown and every presentation use `show`, which picks SI prefixes.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from analyses.text import visible
from neurobin.errors import FormatError
from neurobin.ir import Json
from neurobin.units import format_bytes, format_si

Cell = str | int | float | bool | None
SCHEMA = "neurobin.table/1"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "µ": r"\textmu{}", "–": "--", "×": r"$\times$", "→": r"$\to$", "±": r"$\pm$", "…": r"\ldots{}",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """`name` is the machine's word with its unit suffix, `label` the reader's, `unit` the SI unit of the values.

    Units: "J" "s" "W" "V" "Hz" "J/bit" ... scaled by prefixes; "B" bytes; "share" a fraction shown in percent; "points"
    percentage points; "1" a plain count; "" text or truth value. `missing` is shown for None.
    """

    name: str
    label: str
    unit: str = ""
    missing: str = "–"

    @property
    def numeric(self) -> bool:
        return bool(self.unit)


@dataclass(frozen=True)
class Table:
    """Rows of cells in the order of the columns. Raises FormatError for ragged rows, non-finite numbers, doubled columns."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        if len({column.name for column in self.columns}) != len(self.columns):
            raise FormatError("two columns have the same name", where=f"table {self.title!r}")
        for index, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise FormatError(f"row {index} has {len(row)} cells, expected {len(self.columns)}", where=self.title)
            for column, cell in zip(self.columns, row, strict=True):
                if isinstance(cell, float) and not math.isfinite(cell):
                    raise FormatError(f"row {index}, column {column.name}: {cell} is no result", where=self.title)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Cell]]:
        """Rows as dicts by column name."""
        names = [column.name for column in self.columns]
        return (dict(zip(names, row, strict=True)) for row in self.rows)

    def column(self, name: str) -> list[Cell]:
        """The cells of one column. Raises FormatError when there is none of that name."""
        for index, column in enumerate(self.columns):
            if column.name == name:
                return [row[index] for row in self.rows]
        raise FormatError(f"no column {name!r}; there are {', '.join(c.name for c in self.columns)}", where=self.title)

    def numbers(self, name: str) -> list[float]:
        """A numeric column as floats, None as 0.0 (for drawing; the table keeps the None)."""
        return [float(cell) if isinstance(cell, int | float) else 0.0 for cell in self.column(name)]

    def select(self, *names: str) -> Table:
        """The same rows with only these columns, in this order."""
        cells = [self.column(name) for name in names]
        by_name = {column.name: column for column in self.columns}
        rows = tuple(zip(*cells, strict=True)) if cells else ()
        return Table(self.title, tuple(by_name[name] for name in names), rows, self.note)

    def to_dict(self) -> dict[str, Json]:
        """JSON-ready, versioned; the inverse is `from_dict`."""
        return {
            "schema": SCHEMA,
            "title": self.title,
            "note": self.note,
            "columns": [{"name": c.name, "label": c.label, "unit": c.unit, "missing": c.missing} for c in self.columns],
            "rows": [dict(row) for row in self],
        }

    @staticmethod
    def from_dict(data: Mapping[str, Json]) -> Table:
        """Raises FormatError for another schema or missing fields."""
        if data.get("schema") != SCHEMA:
            raise FormatError(f"expected schema {SCHEMA}, got {data.get('schema')!r}", where="table")
        try:
            columns = tuple(Column(**column) for column in data["columns"])  # type: ignore[union-attr, arg-type]
            return table(str(data["title"]), columns, data["rows"], str(data["note"]))  # type: ignore[arg-type]
        except (KeyError, TypeError) as error:
            raise FormatError(f"is incomplete: {error}", where="table") from None

    def to_json(self) -> str:
        """The schema-versioned object as text, full precision, never NaN."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, indent=1) + "\n"

    def to_csv(self) -> str:
        """RFC 4180 with `\\n`, a header of machine names, full precision.

        Text that a spreadsheet would run as a formula gets a leading apostrophe (CWE-1236); numbers never do.
        """
        out = io.StringIO()
        writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerow(column.name for column in self.columns)
        for row in self.rows:
            writer.writerow(_csv_cell(cell) for cell in row)
        return out.getvalue()

    def to_markdown(self) -> str:
        """A pipe table with units in the cells; names cannot break out of their cell."""
        head = [_markdown(column.label) for column in self.columns]
        rule = ["---:" if column.numeric else "---" for column in self.columns]
        body = [[_markdown(show(c, cell)) for c, cell in zip(self.columns, row, strict=True)] for row in self.rows]
        return "".join("| " + " | ".join(line) + " |\n" for line in (head, rule, *body))

    def to_latex(self) -> str:
        """A booktabs tabular (needs `booktabs` and `textcomp`), every text escaped."""
        align = "".join("r" if column.numeric else "l" for column in self.columns)
        head = " & ".join(_latex(column.label) for column in self.columns)
        lines = [
            " & ".join(_latex(show(c, cell)) for c, cell in zip(self.columns, row, strict=True)) + r" \\"
            for row in self.rows
        ]
        parts = [rf"\begin{{tabular}}{{{align}}}", r"\toprule", head + r" \\", r"\midrule", *lines, r"\bottomrule"]
        return "\n".join([*parts, r"\end{tabular}"]) + "\n"


def table(title: str, columns: Iterable[Column], rows: Iterable[Mapping[str, Cell]], note: str = "") -> Table:
    """A table from rows by column name; every row has exactly the columns' names."""
    columns = tuple(columns)
    names = [column.name for column in columns]
    made = []
    for row in rows:
        if set(row) != set(names):
            raise FormatError(f"row has {sorted(row)}, expected {sorted(names)}", where=f"table {title!r}")
        made.append(tuple(row[name] for name in names))
    return Table(title, columns, tuple(made), note)


def show(column: Column, cell: Cell) -> str:
    """A cell as people read it. Text is returned as it is: the writer of each form escapes it.

    >>> show(Column("energy_j", "energy", "J"), 4.3e-6), show(Column("accuracy", "accuracy", "share"), 0.97222)
    ('4.3 µJ', '97.22 %')
    """
    if cell is None:
        return column.missing
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, str):
        return cell
    return number(cell, column.unit)


def number(value: float, unit: str) -> str:
    """A quantity as people read it, by its unit.

    >>> number(12345, "1"), number(-0.5, "points"), number(2048, "B"), number(88, "core")
    ('12 345', '-0.50 points', '2 KiB', '88 cores')
    """
    if unit == "share":
        return f"{100 * value:.2f} %"
    if unit == "points":
        return f"{value:+.2f} points" if value else "0.00 points"
    if unit == "B":
        return format_bytes(value)
    if unit in _SCALED:
        return format_si(value, unit)
    if len(unit) > 2 and unit.isalpha() and unit.islower() and value != 1 and not unit.endswith("s"):
        unit += "s"  # "core" is how a mapping names it, "88 cores" how people say it
    digits = f"{value:,.0f}".replace(",", " ") if float(value).is_integer() and abs(value) < 1e15 else f"{value:.4g}"
    return digits if unit in ("1", "") else f"{digits} {unit}"


def span(low: float, high: float, unit: str) -> str:
    """Two quantities as a range; a common unit is said once.

    >>> span(37.4e-6, 187e-6, "J"), span(321e-6, 1.38e-3, "J")
    ('37.4 – 187 µJ', '321 µJ – 1.38 mJ')
    """
    first, last = number(low, unit), number(high, unit)
    (digits, _, small), large = first.partition(" "), last.partition(" ")[2]
    return f"{digits if small == large else first} – {last}"


_SCALED = {"J", "s", "W", "V", "A", "Hz", "J/bit", "A/Hz", "J/B", "W/Hz"}


def _csv_cell(cell: Cell) -> str | float | int:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if not isinstance(cell, str):
        return cell
    text = _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", cell)
    return "'" + text if cell.lstrip(" ").startswith(_FORMULA) else text


def _markdown(text: str) -> str:
    text = re.sub(r"([\\`*_\[\]|#~$!])", r"\\\1", visible(text))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in visible(text))
