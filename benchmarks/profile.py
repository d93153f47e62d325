"""Where our time goes: the stages of a layer on our back ends, beside what the arithmetic allows, and a miss in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.ours import conv_graph, gemm_graph
from benchmarks.workloads import ConvSpec, GemmSpec
from neurobin.exec.kernels.machine import NUMPY, available, backend
from neurobin.exec.limits import rates
from neurobin.exec.limits.layers import limit_of
from neurobin.exec.limits.stages import Stages, stages
from neurobin.ir import BIPOLAR

Spec = ConvSpec | GemmSpec
SHOWN = 2  # back ends, the best ones
_HEAD = "| ms, best turn | back end | whole | products | at the limit of | | sums stored | map prepared |"
_RULE = "|---|---|---|---|---|---|---|---|"


def profiles(specs: Iterable[Spec], back_ends: Sequence[str] = ()) -> dict[tuple[str, str], Stages]:
    """The stages of each workload on some back ends (the best ones of this machine), by names of both; a back end is left
    out where the limit of its arithmetic is not known."""
    names = back_ends or [b.name for b in available() if b is not NUMPY][:SHOWN]
    known = [name for name in names if not rates.missing(rates.find(limit_of(BIPOLAR, backend(name))))]
    return {(spec.name, name): _stages(spec, name) for spec in specs for name in known}


def _stages(spec: Spec, name: str) -> Stages:
    x, w = spec.operands()
    graph = conv_graph(x, w) if isinstance(spec, ConvSpec) else gemm_graph(w)
    limit = rates.find(limit_of(BIPOLAR, backend(name)))
    return stages(graph, x, backend(name), limit, spec.macs)


def table(found: Mapping[tuple[str, str], Stages]) -> str:
    """A row per workload and back end."""
    rows = [_HEAD, _RULE]
    for (work, name), s in found.items():
        limit = limit_of(BIPOLAR, backend(name))
        cells = (s.total_s, s.products_s, limit, s.limit_s, s.sums_s, s.prepare_s)
        shown = (cell if isinstance(cell, str) else f"{1e3 * cell:.4g}" for cell in cells)
        rows.append(f"| {work} | {name} | {' | '.join(shown)} |")
    return "\n".join(rows)


def why(found: Mapping[tuple[str, str], Stages]) -> str:
    """What the time of all workloads together is made of, on the best back end; "" where nothing was found."""
    if not found:
        return ""
    name = next(iter(found))[1]
    each = [s for (_, back_end), s in found.items() if back_end == name]
    total_ms, products_ms, limit_ms, sums_ms, prepare_ms = (
        1e3 * sum(values)
        for values in zip(*((s.total_s, s.products_s, s.limit_s, s.sums_s, s.prepare_s) for s in each), strict=True)
    )
    limit = limit_of(BIPOLAR, backend(name))
    return (
        f"of {total_ms:.3g} ms ({name}), {limit_ms:.3g} ms are products at the limit of '{limit}', "
        f"{max(0.0, products_ms - limit_ms):.3g} ms what loads, starts of sums and padding add to them, "
        f"{sums_ms:.3g} ms sums being stored, {prepare_ms:.3g} ms the map being prepared"
    )
