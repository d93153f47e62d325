"""Files: pages and tables, whole or absent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from analyses.table import Table
from neurobin.errors import UsageError
from neurobin.files import write_atomic

FORMS: dict[str, Callable[[Table], str]] = {
    ".csv": Table.to_csv,
    ".json": Table.to_json,
    ".md": Table.to_markdown,
    ".tex": Table.to_latex,
}


def write_text(path: Path, content: str) -> None:
    """Write aside, then replace: no partial file is ever left. Lone surrogates are escaped. Raises FormatError."""
    write_atomic(path, [content.encode("utf-8", "backslashreplace")])


def write_table(path: Path, table: Table) -> None:
    """A table in the form its suffix names. Raises UsageError for another suffix, before anything is written."""
    form = FORMS.get(path.suffix)
    if form is None:
        raise UsageError(f"cannot write a table as {path.suffix or 'no suffix'!r}", where=str(path), hint=", ".join(FORMS))
    write_text(path, form(table))
