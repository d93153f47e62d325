"""NIR, the Neuromorphic Intermediate Representation (Pedersen et al. 2024, arXiv 2311.14641): its networks without time.

NIR describes networks whose neurons have state. A binary network has none: what it needs are the linear nodes, pools and
`Threshold`, and those are read. A node with state (IF, LIF, ...) is refused by name.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from neurobin.frontend.description import Description, Operator
from neurobin.frontend.hdf5.reading import Content, read
from neurobin.frontend.images import Images
from neurobin.frontend.limits import DEFAULT, Limits
from neurobin.frontend.nir.convert import RULES, to_graph
from neurobin.frontend.nir.reader import model_of
from neurobin.ir import Graph


def from_nir(path: Path, images: Images | None = None, limits: Limits = DEFAULT) -> Graph:
    """The graph of the network in a file, as trained. Raises FormatError, GraphError or UnsupportedError."""
    return from_content(read(path, limits), images, limits)


def from_content(content: Content, images: Images | None, limits: Limits) -> Graph:
    """The same for a file that was read. Raises as `from_nir` does."""
    return to_graph(model_of(content), images, limits)


def describe_content(content: Content, limits: Limits) -> Description:
    """What the network in a file holds. Raises FormatError or UnsupportedError."""
    model = model_of(content)
    counts = Counter(node.kind for node in model.nodes.values())
    facts = {"format": f"NIR {model.version}", "nodes": str(len(model.nodes)), "edges": str(len(model.edges))}
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Description(facts, tuple(Operator(kind, "nir", count, kind in RULES) for kind, count in ordered))
