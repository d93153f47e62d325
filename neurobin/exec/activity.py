"""`Activity`: how often each bit of a network is 1 on real data. Spikes and data-dependent energy are counted from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurobin.errors import FormatError, GraphError
from neurobin.exec import packed
from neurobin.ir import Graph, Json
from neurobin.ir.op import MAX_PACKED_BITS


@dataclass(frozen=True)
class Activity:
    """For every narrow tensor the share of images in which an element is positive (float64, shape of the tensor).

    Counts that are linear in spikes (synaptic operations, packets) are exact means over the measured images.
    """

    images: int
    positive: Mapping[str, np.ndarray]
    source: str = "measured"

    def of(self, name: str) -> np.ndarray:
        """The rates of tensor `name`. Raises GraphError when they were not measured."""
        if name not in self.positive:
            raise GraphError(f"no activity was measured for tensor {name!r}", hint="measure(graph, images)")
        return self.positive[name]

    def summary(self) -> dict[str, Json]:
        """Mean rates per tensor: what a model file keeps, for estimates without the data set."""
        return {"images": self.images, "positive": {name: float(rate.mean()) for name, rate in self.positive.items()}}


def measure(graph: Graph, x: np.ndarray, batch: int = packed.BATCH) -> Activity:
    """Activity of a deployed graph over the images `x` [N, ...], run by the packed engine."""
    if not len(x):
        raise GraphError("activity is measured on at least one image, got none")
    narrow = [name for name, kind in graph.types.items() if kind.dtype.bits <= MAX_PACKED_BITS]
    totals: dict[str, np.ndarray] = {}
    for start in range(0, len(x), batch):
        for name, values in packed.tensors(graph, x[start : start + batch], narrow).items():
            count = (values > 0).sum(axis=0).astype(np.float64)
            totals[name] = totals[name] + count if name in totals else count
    return Activity(len(x), {name: total / len(x) for name, total in totals.items()})


def from_summary(graph: Graph) -> Activity | None:
    """The activity kept in the graph's meta data, spread evenly over each tensor; None when there is none.

    Raises FormatError for a rate that is no share, or a count of images that is none. The arrays are read-only views.
    """
    kept = graph.meta.get("activity")
    if not isinstance(kept, dict) or not isinstance(kept.get("positive"), dict):
        return None
    images, rates = kept.get("images"), kept["positive"]
    if type(images) is not int or images < 0:
        raise FormatError(f"expected a count of images, got {images!r}", where="activity in the model's meta data")
    positive = {}
    for name, rate in rates.items():  # type: ignore[union-attr]
        if not isinstance(rate, (int, float)) or isinstance(rate, bool) or not 0 <= rate <= 1:
            raise FormatError(f"expected a share from 0 to 1, got {rate!r}", where=f"activity of tensor {name!r}")
        if name in graph.types:
            positive[name] = np.broadcast_to(np.float64(rate), graph.types[name].shape)
    return Activity(images, positive, "mean rates stored with the model")
