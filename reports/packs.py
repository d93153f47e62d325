"""What the page does not show at first, packed: one gzip string in base64 per pair and per network.

A page of hundreds of pairs repeats the same layers, units and table markup in every panel; packed it takes a fifth of the
room, and the browser lays out only what is looked at. The page's script unpacks a string when its pair is chosen or its
fold is opened. A pack is a JSON list of parts: the id of the element a part belongs into, its markup, its figures.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Iterator

from neurobin.ir import Json
from reports.view import Part, Section

LEVEL = 9


def packs(sections: Iterable[Section], first: str) -> dict[str, str]:
    """Packed parts by pair and network, all but those of the pair `first`, which the page holds open."""
    found: dict[str, list[Json]] = {}
    for key, place, part in _parts(sections):
        if key != first:  # a figure right behind the table of its values, where gzip still sees the same digits
            figures: dict[str, Json] = {figure.id: figure.spec for figure in part.figures}
            found.setdefault(key, []).append({"at": place, "html": str(part.body), "figures": figures})
    return {key: pack_json(parts) for key, parts in found.items()}


def pack_json(value: Json) -> str:
    """JSON as `pack` packs it."""
    return pack(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")))


def pack(content: str) -> str:
    """Gzip in base64, without a time stamp: the same content gives the same characters."""
    return base64.b64encode(gzip.compress(content.encode("utf-8", "backslashreplace"), LEVEL, mtime=0)).decode("ascii")


def unpack(packed: str) -> str:
    """The inverse of `pack`; the page's script does the same."""
    return gzip.decompress(base64.b64decode(packed)).decode("utf-8")


def _parts(sections: Iterable[Section]) -> Iterator[tuple[str, str, Part]]:
    """Key of the pack, id of the element the part belongs into, the part."""
    for section in sections:
        for key, part in section.panels.items():
            yield key, f"panels-{section.id}", part
        for key, part in section.folds.items():
            yield key, f"{section.id}-{key}", part
