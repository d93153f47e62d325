"""Builds `.nbin` files by hand, with plain json and hashlib: an attacker's tool, and a second opinion on the format."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from neurobin.ir import Graph
from neurobin.ir.container import header_bytes, read_header
from neurobin.ir.store import decode, encode


@dataclass
class Parts:
    """A file taken apart. `seal` puts it together with a fitting SHA-256 unless told otherwise."""

    document: Any
    entries: dict[str, Any]
    data: bytes
    metadata: dict[str, Any] = field(default_factory=dict)

    def seal(self) -> bytes:
        text = self.document if isinstance(self.document, str) else json.dumps(self.document)
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass") + self.data).hexdigest()
        header = json.dumps({"__metadata__": {"nbin": text, "sha256": digest, **self.metadata}, **self.entries}).encode()
        return len(header).to_bytes(8, "little") + header + self.data


def take_apart(raw: bytes) -> Parts:
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    return Parts(json.loads(header.pop("__metadata__")["nbin"]), header, raw[8 + length :])


def written(graph: Graph) -> bytes:
    return b"".join(encode(graph))


def read(raw: bytes) -> Graph:
    """What `load` does with a file of these bytes, without the file."""
    length = header_bytes(raw[:8], len(raw))
    return decode(read_header(raw[8 : 8 + length], len(raw) - 8 - length), raw[8 + length :])


def forged(graph: Graph, *edits: Callable[[Parts], object]) -> bytes:
    """The graph's file after `edits`, with a fitting SHA-256."""
    parts = take_apart(written(graph))
    for edit in edits:
        edit(parts)
    return parts.seal()
