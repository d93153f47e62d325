"""`McuTarget`: a microcontroller behind the interface of all hardware."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hwmodels.cost import CostReport
from hwmodels.mcu.check import check
from hwmodels.mcu.chip import McuChip
from hwmodels.mcu.choose import Prefer
from hwmodels.mcu.estimate import estimate
from hwmodels.mcu.execute import execute
from hwmodels.mcu.map import McuMapping, place
from hwmodels.mcu.simulate import simulate
from hwmodels.target import Issue, parse_chip, require_fit
from hwmodels.trace import Trace
from neurobin.exec.activity import Activity
from neurobin.ir import Graph


@dataclass(frozen=True)
class McuTarget:
    """One chip. Cycles and energy do not depend on the data, so `activity` is accepted and not used.

    `prefer` names a kernel to take wherever it can serve instead of the cheapest.
    """

    chip: McuChip
    prefer: Prefer = ""

    @classmethod
    def from_data(cls, data: Mapping[str, object], where: str) -> McuTarget:
        """The target of a chip file's content. Raises FormatError listing every fault."""
        return cls(parse_chip(data, McuChip, where))

    @property
    def name(self) -> str:
        return self.chip.name

    def check(self, graph: Graph) -> list[Issue]:
        return check(self.chip, graph, self.prefer)

    def map(self, graph: Graph) -> McuMapping:
        require_fit(self.name, self.check(graph))
        return place(self.chip, graph, self.prefer)

    def execute(self, mapping: McuMapping, x: np.ndarray) -> np.ndarray:
        return execute(mapping, x)

    def estimate(self, mapping: McuMapping, activity: Activity) -> CostReport:
        return estimate(mapping)

    def simulate(self, mapping: McuMapping, activity: Activity) -> Trace:
        return simulate(mapping)
