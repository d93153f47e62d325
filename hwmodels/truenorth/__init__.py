"""TrueNorth-style cores: 256 x 256 one-bit crossbars of spiking neurons, one network layer per tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hwmodels.cost import CostReport
from hwmodels.target import Issue, parse_chip, require_fit
from hwmodels.trace import Trace
from hwmodels.truenorth.census import Census, counted
from hwmodels.truenorth.chip import TrueNorthChip
from hwmodels.truenorth.estimate import estimate
from hwmodels.truenorth.execute import Run, host_after, host_before, injected, run_frames
from hwmodels.truenorth.map import TrueNorthMapping, plan
from hwmodels.truenorth.semantics.neuron import SEMANTICS, Semantics
from neurobin.exec.activity import Activity
from neurobin.ir import Graph

_BATCH = 1024  # images whose host tensors are held at a time


@dataclass(frozen=True)
class TrueNorthTarget:
    """A chip that runs a network's single-bit layers on cores and the rest on a host."""

    chip: TrueNorthChip

    @classmethod
    def from_data(cls, data: Mapping[str, object], where: str) -> TrueNorthTarget:
        """Read a chip file's content. Raises FormatError naming every fault with its path."""
        return cls(parse_chip(data, TrueNorthChip, where))

    @property
    def name(self) -> str:
        return self.chip.name

    def check(self, graph: Graph) -> list[Issue]:
        """Every reason why the graph does not fit, at once."""
        return plan(graph, self.chip)[1]

    def map(self, graph: Graph) -> TrueNorthMapping:
        """The graph on cores. Raises DoesNotFitError with every reason."""
        mapping, issues = plan(graph, self.chip)
        require_fit(self.name, issues)
        assert mapping is not None
        return mapping

    def execute(self, mapping: TrueNorthMapping, x: np.ndarray) -> np.ndarray:
        """int64 outputs [N, ...]: host, then cores tick by tick, then host."""
        batches = [self._run(mapping, x[k : k + _BATCH])[0] for k in range(0, len(x), _BATCH)]
        shape = mapping.graph.types[mapping.graph.output].shape
        return np.concatenate(batches) if batches else np.zeros((0, *shape), np.int64)

    def census(self, mapping: TrueNorthMapping, x: np.ndarray) -> Census:
        """Events, spikes and hops per inference, counted while the cores run the images `x`."""
        return counted(mapping, self._run(mapping, x)[1])

    def estimate(self, mapping: TrueNorthMapping, activity: Activity) -> CostReport:
        return estimate(mapping, activity, self.name)

    def simulate(self, mapping: TrueNorthMapping, activity: Activity) -> Trace:
        """One inference in ticks. Activity does not change it: the tick is fixed and spikes do not contend."""
        from hwmodels.truenorth.simulate import simulate

        return simulate(mapping)

    def _run(self, mapping: TrueNorthMapping, x: np.ndarray) -> tuple[np.ndarray, Run]:
        values = host_before(mapping, x)
        bits = injected(mapping, values)
        run = run_frames(mapping, bits, self.semantics)
        return host_after(mapping, values, bits, run.outputs), run

    @property
    def semantics(self) -> Semantics:
        """The paper's neuron with this chip's potential width."""
        return Semantics(int(self.chip.structure.potential_bits.value), SEMANTICS["truenorth"].negative_inclusive)


TARGET = TrueNorthTarget
