"""Reads a page as a browser would, as far as the tests need: tags, tables with full values, figures, texts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass
class Page(HTMLParser):
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    tables: dict[str, list[list[float | str]]] = field(default_factory=dict)
    scripts: list[tuple[dict[str, str], str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._table: list[list[float | str]] | None = None
        self._cell: dict[str, str] | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        if tag in ("td", "th", "tr"):
            self._close()
        if tag == "table":
            self._table = self.tables.setdefault(given.get("id", ""), [])
        elif tag == "tr" and self._table is not None:
            self._table.append([])
        elif tag in ("td", "th"):
            self._cell, self._text = given, ""
        elif tag in ("script", "style"):
            self.scripts.append((given | {"tag": tag}, ""))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        else:
            self.words.append(data)
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr", "tbody", "table"):
            self._close()
        if tag == "table":
            self._table = None

    def _close(self) -> None:
        """End the open cell: by its end tag or, as HTML allows, by whatever begins or ends after it."""
        if self._table and self._cell is not None:
            value: float | str = self._text
            if "data-v" in self._cell:
                value = float(self._cell["data-v"] or self._text.replace(" ", ""))
            self._table[-1].append(value)
        self._cell = None

    @property
    def figures(self) -> dict[str, Any]:
        """Figure specifications by id."""
        return dict(self.data("figure-data")["figures"])

    def data(self, script_id: str) -> dict[str, Any]:
        return dict(json.loads(next(text for given, text in self.scripts if given.get("id") == script_id)))

    def numbers(self, table_id: str) -> set[float]:
        """Every number of one table."""
        return {cell for row in self.tables[table_id] for cell in row if isinstance(cell, float)}


def read(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    return page
