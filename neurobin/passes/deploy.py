"""Integer deployment: what is still real after lowering becomes fixed point, with a stated multiplier and shift.

A real tensor is carried as an integer tensor q with a per-channel scale and offset, real = scale * q + offset. Affine maps
only change scale and offset; integers are requantised where an op needs one common scale (sums, maps in memory, operands
of convolutions). Quantizers fold their scale and offset exactly into integer thresholds, as in `thresholds`.

Rounding happens in four places only: real weights (symmetric, per filter), requantised maps (half up), PReLU slopes and
position factors, tables of real functions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.ir import Graph, Json
from neurobin.ir.dtype import i
from neurobin.passes.calibrate import ranges
from neurobin.passes.deployer import Deployer
from neurobin.passes.fixed_point import exact
from neurobin.passes.integer_forms import RULES
from neurobin.passes.precision import Precision

LOGIT_BITS = 16  # class scores that need rescaling keep this many bits at least, so that rounding makes no ties


@dataclass(frozen=True)
class Deploy:
    """Makes every tensor an integer, calibrated on `images`. Raises UnsupportedError listing every op it cannot carry."""

    images: np.ndarray
    precision: Precision = Precision()
    name: str = "deploy"

    def apply(self, graph: Graph) -> Graph:
        if graph.is_deployed:
            return graph
        unknown = [node for node in graph.nodes if graph.types[node.name].dtype.is_float and node.op.name not in RULES]
        if unknown:
            names = ", ".join(f"{node.name!r} ({node.op.name})" for node in unknown)
            raise UnsupportedError(f"no integer form for {names}", hint="neurobin ops lists what deploys")
        return _deployed(Deployer(graph, ranges(graph, self.images), self.precision))


def _deployed(d: Deployer) -> Graph:
    """Every node in order: integers as they are, real values by their rules; at last the output, and all known scales."""
    for node in d.graph.nodes:
        integer = not any(d.graph.types[name].dtype.is_float for name in (*node.inputs, node.name))
        if integer:
            sources = tuple(d.fixed[name].tensor for name in node.inputs)
            d.fixed[node.name] = exact(d.builder.add(node.op, *sources, name=node.name))
        else:
            d.fixed[node.name] = RULES[node.op.name](d, node)
    result = d.fixed[d.graph.output]
    if not result.uniform:
        result = d.store(d.graph.output, i(max(d.precision.map_bits, LOGIT_BITS)))
    scales: dict[str, Json] = {name: float(f.scale[0]) for name, f in d.fixed.items() if f.uniform and f.tensor == name}
    scales[result.tensor] = float(result.scale[0])
    graph = d.builder.graph(result.tensor, **dict(d.graph.meta))
    return graph.with_meta(scales=scales, precision=dict(vars(d.precision))).pruned()
