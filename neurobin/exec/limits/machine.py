"""Everything about this computer in one answer: what it is, its limits, and what kernels and layers reach of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from neurobin.exec.kernels.machine import Backend
from neurobin.exec.limits import kernels, layers, rates
from neurobin.exec.limits.host import back_ends, host, units
from neurobin.exec.limits.operands import Shape
from neurobin.exec.limits.timing import clock
from neurobin.ir import Json

T = TypeVar("T")
SHARE = "its operations per second / those of its limit, median over pairs of turns"
RATIO = "operations per second of the first / those of the second, median over pairs of turns"


class Watch(Protocol):
    """Shows progress while items are worked through."""

    def __call__(self, items: Sequence[T], what: str) -> Iterable[T]: ...


def measured(chosen: Sequence[Backend], watch: Watch) -> dict[str, Json]:
    """JSON-ready: limits of the CPU, kernels and layers of the back ends `chosen`, the first of which counts as the one in
    use. Raises MismatchError where sums are wrong."""
    found, idle = host(), rates.clock()
    limits = [idle, *(rates.measured(limit, idle) for limit in watch(rates.LIMITS, "limits"))]
    return {
        "host": {**vars(found), "caches": [{"cache": name, "bytes": size} for name, size in found.caches]},
        "clock": clock().name,
        "share_formula": SHARE,
        "instruction_sets": [{**vars(unit), "used_by": list(unit.used_by)} for unit in units()],
        "backends": [dict(vars(b)) for b in back_ends(chosen[0])],
        "limits": [rate.to_dict() for rate in limits],
        "kernels": [kernels.reached(k, s).to_dict() for k, s in watch(_runnable(chosen), "micro-kernels")],
        "layers": [layers.reached(x, b).to_dict() for b in chosen for x in watch(layers.LAYERS, f"layers, {b.name}")],
        "ternary_binary": _ternary_binary(chosen, watch),
    }


def _runnable(chosen: Sequence[Backend]) -> list[tuple[kernels.Kernel, Shape]]:
    names = {b.name for b in chosen}
    here = [k for k in kernels.KERNELS if k.back_end in names and kernels.runs_here(k)]
    return [(kernel, shape) for kernel in here for shape in kernels.SHAPES]


def _ternary_binary(chosen: Sequence[Backend], watch: Watch) -> list[Json]:
    """How fast ternary weights are, with binary activations, relative to binary ones."""
    names, rows = {b.name for b in chosen}, list[Json]()
    pairs = [tuple(map(kernels.find, pair)) for pair in kernels.TERNARY_BINARY]
    for ternary, binary in watch([pair for pair in pairs if pair[0].back_end in names], "ternary x binary"):
        for shape in (kernels.WINDOW, kernels.MATRICES[-1]):
            ratio = kernels.faster(ternary, binary, shape)
            rows.append(_ratio(ternary.name, binary.name, shape.name, ternary.back_end, ratio))
    first, second = layers.TERNARY_BINARY
    for b in chosen:
        rows.append(_ratio(first.name, second.name, "layer", b.name, layers.faster(first, second, b)))
    return rows


def _ratio(ternary: str, binary: str, operands: str, back_end: str, ratio: float) -> dict[str, Json]:
    return {"ternary": ternary, "binary": binary, "operands": operands, "backend": back_end, "ratio": ratio, "unit": "1",
            "formula": RATIO}  # fmt: skip
