"""Tables in their four forms: precision kept, nothing runs as a formula, nothing leaves its cell."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyses.table import Cell, Column, Table, number, show, table
from analyses.text import shorten, visible
from neurobin.errors import FormatError

COLUMNS = (Column("name", "name"), Column("energy_j", "energy", "J"), Column("ok", "ok"))
SAMPLE = Table("t", COLUMNS, (("conv|1", 4.3e-6, True), ("=SUM(A1)", None, False), ("-5", -5.0, None)))


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_csv_keeps_numbers_and_defuses_text_only() -> None:
    assert read(SAMPLE.to_csv()) == [
        ["name", "energy_j", "ok"], ["conv|1", "4.3e-06", "true"], ["'=SUM(A1)", "", "false"], ["'-5", "-5.0", ""],
    ]  # fmt: skip


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\0", " =", "＝", "＠"])
def test_csv_prefixes_every_formula_start(start: str) -> None:
    line = read(Table("t", (Column("a", "a"),), ((f"{start}cmd()",),)).to_csv())[1]
    assert line[0].startswith("'")


@given(st.lists(st.tuples(st.text(), st.floats(allow_nan=False, allow_infinity=False), st.integers()), max_size=5))
def test_csv_rows_and_json_survive_any_text(rows: list[tuple[str, float, int]]) -> None:
    made = Table("t", (Column("a", "a"), Column("b", "b", "J"), Column("c", "c", "1")), tuple(rows))
    back = list(csv.reader(io.StringIO(made.to_csv(), newline="")))[1:]
    assert [(float(b), int(c)) for _, b, c in back] == [(b, c) for _, b, c in rows]
    assert Table.from_dict(json.loads(made.to_json())) == made


@given(st.text())
def test_markdown_and_latex_keep_one_line_per_row(text: str) -> None:
    made = Table(text, (Column("a", text), Column("b", "b")), ((text, "x"),))
    lines = made.to_markdown().split("\n")
    assert len(lines) == 4
    assert all(line.replace("\\\\", "").replace("\\|", "").count("|") == 3 for line in lines[:3])
    assert len(made.to_latex().split("\n")) == 8


def test_markdown_and_latex_escape_what_is_active() -> None:
    made = Table("t", (Column("a", "a_b"),), (("<img> [x](y) 50% \\input{x} #1 $m$",),))
    assert "<img>" not in made.to_markdown()
    assert r"\[x\]" in made.to_markdown()
    latex = made.to_latex()
    assert r"a\_b" in latex
    assert r"\textbackslash{}input\{x\} \#1 \$m\$" in latex
    assert r"50\%" in latex


def test_golden_forms() -> None:
    made = Table("t", COLUMNS, (("conv1", 4.3e-6, True), ("fc", None, None)))
    assert made.to_markdown() == ("| name | energy | ok |\n| --- | ---: | --- |\n| conv1 | 4.3 µJ | yes |\n| fc | – | – |\n")
    assert made.to_latex() == (
        "\\begin{tabular}{lrl}\n\\toprule\nname & energy & ok \\\\\n\\midrule\nconv1 & 4.3 \\textmu{}J & yes \\\\\n"
        "fc & -- & -- \\\\\n\\bottomrule\n\\end{tabular}\n"
    )


@pytest.mark.parametrize(
    ("columns", "rows", "words"),
    [
        ((Column("a", "a"), Column("a", "b")), (), "same name"),
        ((Column("a", "a"),), (("x", "y"),), "row 0 has 2 cells"),
        ((Column("a", "a", "J"),), ((float("nan"),),), "nan is no result"),
        ((Column("a", "a", "J"),), ((float("inf"),),), "inf is no result"),
    ],
)
def test_bad_tables_are_refused(columns: tuple[Column, ...], rows: tuple[tuple[Cell, ...], ...], words: str) -> None:
    with pytest.raises(FormatError, match=words):
        Table("t", columns, rows)


def test_rows_by_name_have_exactly_the_columns() -> None:
    with pytest.raises(FormatError, match="expected"):
        table("t", (Column("a", "a"),), [{"b": 1}])
    with pytest.raises(FormatError, match="no column"):
        SAMPLE.column("nope")
    with pytest.raises(FormatError, match="schema"):
        Table.from_dict({"schema": "neurobin.table/99"})
    assert SAMPLE.select("ok", "name").rows[0] == (True, "conv|1")


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [(12345, "1", "12 345"), (0.5, "share", "50.00 %"), (0.0, "points", "0.00 points"), (1.5, "points", "+1.50 points"),
     (1536, "B", "1.5 KiB"), (88, "cores", "88 cores"), (2, "core", "2 cores"), (1, "core", "1 core"), (3, "LUT", "3 LUT"),
     (2.5e-14, "J/bit", "25 fJ/bit"), (0.7, "V", "700 mV")],
)  # fmt: skip
def test_numbers_as_people_read_them(value: float, unit: str, shown: str) -> None:
    assert number(value, unit) == shown


def test_none_is_said_never_zero() -> None:
    assert show(Column("energy_j", "energy", "J", "not modelled"), None) == "not modelled"


@given(st.text())
def test_visible_text_is_printable_and_stable(text: str) -> None:
    assert all(character.isprintable() for character in visible(text) if character != "\u00a0" and not character.isspace())
    assert visible(visible(text)) == visible(text)
    assert len(shorten(text, 12)) <= 12
