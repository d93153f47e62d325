"""Files are whole or absent, in the form their suffix names."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from analyses.table import Column, Table
from neurobin.errors import FormatError, UsageError
from reports.export import write_table, write_text

SAMPLE = Table("t", (Column("a", "a"), Column("b", "b", "J")), (("=x", 1e-6),))


@pytest.mark.parametrize(("suffix", "words"), [(".csv", '"\'=x"'), (".md", "1 µJ"), (".tex", "toprule")])
def test_tables_by_suffix(tmp_path: Path, suffix: str, words: str) -> None:
    path = tmp_path / f"t{suffix}"
    write_table(path, SAMPLE)
    assert words in path.read_text(encoding="utf-8")


def test_json_reads_back(tmp_path: Path) -> None:
    write_table(tmp_path / "t.json", SAMPLE)
    assert Table.from_dict(json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))) == SAMPLE


def test_unknown_suffix_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.xlsx"):
        write_table(tmp_path / "t.xlsx", SAMPLE)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.html"
    write_text(path, "old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(FormatError, match="No space"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["page.html"]


def test_lone_surrogates_do_not_stop_a_page(tmp_path: Path) -> None:
    write_text(tmp_path / "a.html", "x\ud800y")
    assert (tmp_path / "a.html").read_text() == "x\\ud800y"
