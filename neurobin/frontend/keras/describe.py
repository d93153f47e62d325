"""What a Keras file holds, before anything is made of it: its version, its image, its layers, its weights."""

from __future__ import annotations

from collections import Counter

from neurobin.frontend.description import Description, Operator
from neurobin.frontend.keras.convert import kind_of, unsupported
from neurobin.frontend.keras.model import FUNCTION, Layer
from neurobin.frontend.keras.saved import Saved
from neurobin.ir.text import shown


def describe(saved: Saved) -> Description:
    """Layers by how often they are applied, most often first."""
    model = saved.model
    counts: Counter[tuple[str, str]] = Counter()
    unknown: set[tuple[str, str]] = set()
    for call in model.calls:
        key = (shown(kind_of(call.layer)[:80]), _domain(call.layer))
        counts[key] += 1
        if any(True for _ in unsupported(call.layer)):
            unknown.add(key)
    facts = {
        "format": f"Keras {shown(model.version[:20]) or 'of no stated version'}, {saved.kind}",
        "input": str([None, *model.shape]).replace("None", "null"),
        "weights": _weights(saved),
    }
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Description(facts, tuple(Operator(*key, count, key not in unknown) for key, count in ordered))


def _domain(layer: Layer) -> str:
    if layer.kind == FUNCTION:
        return "tensorflow"
    return "larq" if layer.kind.startswith("Quant") else "keras"


def _weights(saved: Saved) -> str:
    if saved.content is None:
        return "none: a description alone"
    arrays = saved.content.arrays.values()
    return f"{len(arrays)} arrays with {sum(values.nbytes for values in arrays)} bytes"
