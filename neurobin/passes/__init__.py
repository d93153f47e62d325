"""One file per rewrite, applied in one explicit order: `lower` takes a graph as trained to a deployed graph of integers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurobin.ir import Graph
from neurobin.passes._rewrite import Pass
from neurobin.passes.absorb_flatten import AbsorbFlatten
from neurobin.passes.deploy import Deploy
from neurobin.passes.drop_channels import DropChannels
from neurobin.passes.fold_batch_norm import FoldBatchNorm
from neurobin.passes.hoist_quantizers import HoistQuantizers
from neurobin.passes.integer_input import IntegerInput
from neurobin.passes.planes import Planes
from neurobin.passes.precision import Precision
from neurobin.passes.sink_scales import SinkScales
from neurobin.passes.thresholds import Thresholds

# Scales sink before planes (to make operands integers) and after (past pools); thresholds fold while batch norms are still
# whole, so that they agree with the graph as trained to the last bit; only then may real arithmetic be merged.
EXACT: tuple[Pass, ...] = (
    DropChannels(),
    AbsorbFlatten(),
    IntegerInput(),
    SinkScales(),
    Planes(),
    SinkScales(),
    HoistQuantizers(),
    Thresholds(),
    HoistQuantizers(),
    FoldBatchNorm(),
)

Observer = Callable[[str, Graph], None]


def run_passes(graph: Graph, passes: tuple[Pass, ...], observe: Observer | None = None) -> Graph:
    """Apply passes in order, verifying after each; `observe(pass name, graph)` sees every intermediate graph."""
    for step in passes:
        graph = step.apply(graph.verify()).verify()
        if observe is not None:
            observe(step.name, graph)
    return graph


def lower(graph: Graph, images: np.ndarray, precision: Precision | None = None, observe: Observer | None = None) -> Graph:
    """The deployed graph, calibrated on raw `images` [N, ...]. Raises UnsupportedError listing what has no integer form."""
    return run_passes(graph, (*EXACT, Deploy(images, precision or Precision())), observe)


__all__ = ["EXACT", "Deploy", "Pass", "Precision", "lower", "run_passes"]
