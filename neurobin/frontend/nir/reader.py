"""A NIR file's content -> `NirModel`: nodes with their parameters, and edges, each checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurobin.errors import FormatError, UnsupportedError
from neurobin.frontend.hdf5.reading import Content
from neurobin.ir.container import parse_json, short


@dataclass(frozen=True)
class NirNode:
    """A node: its kind, such as Conv2d, and its parameters by name."""

    name: str
    kind: str
    arrays: Mapping[str, np.ndarray]
    texts: Mapping[str, str]

    @property
    def where(self) -> str:
        return f"node {self.name!r} ({self.kind})"

    def array(self, name: str) -> np.ndarray:
        """A parameter. Raises FormatError when it is missing or not finite."""
        if name not in self.arrays:
            raise FormatError(f"has no {name}", where=self.where)
        values = self.arrays[name]
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
            raise FormatError(f"{name} is {values[place]} at {list(place)}", where=self.where)
        return values

    def sizes(self, name: str) -> tuple[int, ...]:
        """A parameter that is a list of whole numbers; one number stands for itself."""
        values = self.array(name)
        if values.dtype.kind not in "iu" or values.size > 8:
            raise FormatError(f"{name} is no short list of whole numbers", where=self.where)
        return tuple(int(value) for value in values.reshape(-1))


@dataclass(frozen=True)
class NirModel:
    """Nodes by name, and edges (from, to)."""

    nodes: Mapping[str, NirNode]
    edges: tuple[tuple[str, str], ...]
    version: str


def model_of(content: Content) -> NirModel:
    """The network in a file. Raises FormatError or UnsupportedError."""
    texts, arrays = content.texts, content.arrays
    if texts.get("node/type") != "NIRGraph":
        raise FormatError(
            f"its root is {short(texts.get('node/type', 'missing'))}, expected a NIRGraph", hint="is it a NIR file?"
        )
    nodes = {}
    for key, kind in texts.items():
        parts = key.split("/")
        if parts[:2] == ["node", "nodes"] and parts[3:] == ["type"]:
            nodes[parts[2]] = _node(parts[2], kind, texts, arrays)
        elif parts[:2] == ["node", "nodes"] and len(parts) > 4 and "metadata" not in parts:
            raise UnsupportedError("networks within networks", where=f"node {short(parts[2])}")
    edges = parse_json(texts.get("node/edges", "[]").encode(), "list of edges")
    if not isinstance(edges, list) or not all(isinstance(e, list) and len(e) == 2 for e in edges):
        raise FormatError("the edges are no list of pairs")
    for edge in edges:
        for name in edge:
            if name not in nodes:
                raise FormatError(f"leads to {short(name)}, which is no node", where=f"edge {short(edge)}")
    return NirModel(nodes, tuple((a, b) for a, b in edges), texts.get("version", "of no stated version"))


def _node(name: str, kind: str, texts: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> NirNode:
    prefix = f"node/nodes/{name}/"

    def under(values: Mapping[str, object]) -> dict[str, object]:
        return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}

    return NirNode(name, kind, under(arrays), under(texts))  # type: ignore[arg-type]
