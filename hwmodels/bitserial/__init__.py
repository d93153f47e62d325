"""Bit-serial matrix overlays after BISMO: every convolution and matrix product as plane-by-plane GEMM on an array."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf

import numpy as np

from hwmodels.bitserial.chip import BitSerialChip
from hwmodels.bitserial.estimate import estimate
from hwmodels.bitserial.execute import execute
from hwmodels.bitserial.fit import issues, memory_issues
from hwmodels.bitserial.mapping import BitSerialMapping, memory_of, plan_of
from hwmodels.cost import CostReport
from hwmodels.target import Issue, parse_chip, require_fit
from hwmodels.trace import Trace
from neurobin.exec.activity import Activity
from neurobin.ir import Graph


class BitSerial:
    """One chip file of this family behind the `Target` protocol."""

    def __init__(self, chip: BitSerialChip) -> None:
        self._chip = chip

    @classmethod
    def from_data(cls, data: MappingOf[str, object], where: str) -> BitSerial:
        """Raises FormatError listing every fault of the file's content."""
        return cls(parse_chip(data, BitSerialChip, where))

    @property
    def name(self) -> str:
        return self._chip.name

    @property
    def chip(self) -> BitSerialChip:
        return self._chip

    def check(self, graph: Graph) -> list[Issue]:
        """Every reason why the graph does not fit, at once; whether DRAM suffices is known once all else fits."""
        found = issues(self._chip, graph)
        return found or memory_issues(self._mapped(graph))

    def map(self, graph: Graph) -> BitSerialMapping:
        """Raises DoesNotFitError with every issue."""
        require_fit(self.name, issues(self._chip, graph))
        mapping = self._mapped(graph)
        require_fit(self.name, memory_issues(mapping))
        return mapping

    def execute(self, mapping: BitSerialMapping, x: np.ndarray) -> np.ndarray:
        return execute(mapping, x)

    def estimate(self, mapping: BitSerialMapping, activity: Activity) -> CostReport:
        """The array and its buffers do the same work for all data: `activity` changes nothing."""
        return estimate(mapping)

    def simulate(self, mapping: BitSerialMapping, activity: Activity) -> Trace:
        from hwmodels.bitserial.simulate import simulate  # simpy only when something is simulated

        return simulate(mapping)

    def _mapped(self, graph: Graph) -> BitSerialMapping:
        plan = plan_of(self._chip, graph)
        spans, fixed = memory_of(graph, plan)
        return BitSerialMapping(self._chip, graph, plan, spans, fixed)


TARGET = BitSerial
