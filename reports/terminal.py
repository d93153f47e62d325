"""Tables for the terminal. Texts are never read as markup, and hidden characters are shown as escapes.

Rich honours NO_COLOR and writes no colour to pipes; every sign that is coloured is a word too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TextIO

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from analyses import energy
from analyses.provenance import constants
from analyses.results import Comparison, Pair
from analyses.table import Cell, Column, Table, show
from analyses.text import visible
from hwmodels.cost import CostReport
from hwmodels.sourced import Sourced
from neurobin.units import format_si
from reports import compared

_STYLES = {"equal": "green", "mismatch": "bold red", "refused": "yellow", "not run": "dim"}
WIDE = 160  # columns of text when the output is no terminal: files and pipes are not folded to 80


def console(file: TextIO | None = None) -> Console:
    """A console for data (stdout by default)."""
    made = Console(file=file, highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made = Console(file=file, highlight=False, markup=False, emoji=False, width=WIDE)
    return made


def plain(table: Table) -> RichTable:
    """Any table of `analyses` with units in its cells."""
    made = _frame(table.title, table.note)
    for column in table.columns:
        _add(made, column)
    for row in table.rows:
        made.add_row(*(_cell(column, value) for column, value in zip(table.columns, row, strict=True)))
    return made


def compare(comparison: Comparison) -> RenderableType:
    """Models on targets, one line per pair: accuracy, energy with its range, latency, memory, and whether it is true.

    Below it, why targets refuse. A narrow terminal gets fewer columns, and is told which.
    """
    return compared.Compared(comparison)


def explain(report: CostReport, node: str) -> RichTable:
    """count x constant = energy by row, the node's sum, and the source of every constant."""
    table = energy.explain(report, node)
    total = report.by("node").get(node)
    shown = table.select("action", "component", "count", "constant", "unit_energy_j", "energy_j", "status", "source")
    made = _frame(table.title, "")
    for column in shown.columns:
        _add(made, column)
    for row in shown.rows:
        made.add_row(*(_cell(column, value) for column, value in zip(shown.columns, row, strict=True)))
    made.add_section()
    energy_j = "not modelled" if total is None else format_si(total.energy_j, "J")
    around = "" if total is None else f"{format_si(total.energy_low_j, 'J')} – {format_si(total.energy_high_j, 'J')}"
    made.add_row("sum", "", "", "", "", Text(energy_j, style="bold"), "", around)
    return made


def target(name: str, found: Mapping[str, Sourced]) -> RichTable:
    """Every constant of one target with its range, status and source: `hwmodels.target.constants(target.chip)`."""
    return plain(constants(name, found.items()))


def validate(pairs: Iterable[Pair]) -> RichTable:
    """A row per pair, and a line with the reasons under those that are not equal."""
    pairs = tuple(pairs)
    wrong = sum(pair.mismatches for pair in pairs)
    made = _frame("Validation: mapped execution against the reference", f"{wrong} mismatches in {len(pairs)} pairs")
    for name, right in (("model", 0), ("target", 0), ("status", 0), ("images", 1), ("mismatches", 1), ("reasons", 0)):
        made.add_column(name, justify="right" if right else "left", overflow="fold")
    for pair in pairs:
        run = pair.status in ("equal", "mismatch")
        made.add_row(
            _text(pair.model),
            _text(pair.target),
            Text(pair.status, style=_STYLES[pair.status]),
            str(pair.images),
            str(pair.mismatches) if run else "–",
            _text("; ".join(pair.reasons)),
        )
    return made


def _frame(title: str, note: str) -> RichTable:
    return RichTable(
        title=_text(title), title_justify="left", title_style="bold", caption=_text(note) if note else None,
        caption_justify="left", box=box.SIMPLE_HEAD, pad_edge=False,
    )  # fmt: skip


def _add(made: RichTable, column: Column) -> None:
    made.add_column(_text(column.label), justify="right" if column.numeric else "left", overflow="fold")


def _cell(column: Column, value: Cell) -> Text:
    return Text(visible(show(column, value)), style="dim" if value is None else "")


def _text(value: str) -> Text:
    return Text(visible(value))
