"""Reads a page as a browser would, as far as the tests need: tags, tables with full values, figures, texts.

What the page keeps packed is unpacked and read as if every pair had been chosen and every fold opened.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from reports.packs import unpack


@dataclass
class Page(HTMLParser):
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    tables: dict[str, list[list[float | str]]] = field(default_factory=dict)
    scripts: list[tuple[dict[str, str], str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    packed: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # the parts of every pack

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
        found = dict(self.data("figure-data")["figures"])
        for part in self.parts():
            assert not set(found) & set(part["figures"])
            found |= part["figures"]
        return found

    def parts(self) -> list[dict[str, Any]]:
        """Every part of every pack: the id of its place, its markup and its figures."""
        return [part for parts in self.packed.values() for part in parts]

    def data(self, script_id: str) -> dict[str, Any]:
        return dict(json.loads(self.text(script_id)))

    def text(self, script_id: str) -> str:
        """The content of the script element of that id."""
        return next(text for given, text in self.scripts if given.get("id") == script_id)

    def numbers(self, table_id: str) -> set[float]:
        """Every number of one table."""
        return {cell for row in self.tables[table_id] for cell in row if isinstance(cell, float)}


def read(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.packed = {key: json.loads(unpack(packed)) for key, packed in page.data("pack-data").items()}
    for part in page.parts():
        page.feed(part["html"])
    page.close()
    return page
