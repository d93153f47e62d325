"""`CostReport`: flat rows of count x constant, and totals that are group-bys over them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Literal

from hwmodels.sourced import Sourced
from neurobin.ir import Json

Component = Literal["compute", "weight memory", "activation memory", "network", "static", "host"]
GroupKey = Literal["node", "component", "resource", "action", "constant"]
CHIP = "(chip)"  # the node of rows that belong to no single node, such as static power


@dataclass(frozen=True)
class Energy:
    """Joules with the range that follows from the ranges of the constants (all at their low, all at their high)."""

    energy_j: float
    energy_low_j: float
    energy_high_j: float


@dataclass(frozen=True)
class CostRow:
    """`count` actions of one kind for one node on one resource, each costing `unit` (None: not modelled).

    `constant` is the path of the constant in the chip file, `time_s` how long the resource is busy with it, `bits` what
    it moves. Energy is always count * unit: nothing is amortised or hidden.
    """

    node: str
    resource: str
    component: Component
    action: str
    count: float
    constant: str
    unit: Sourced | None
    time_s: float = 0.0
    bits: float = 0.0

    @property
    def energy_j(self) -> float:
        return self.count * self.unit.value if self.unit else 0.0

    @property
    def energy_low_j(self) -> float:
        return self.count * self.unit.low if self.unit else 0.0

    @property
    def energy_high_j(self) -> float:
        return self.count * self.unit.high if self.unit else 0.0

    @property
    def source(self) -> str:
        return self.unit.source if self.unit else "not modelled"

    def to_dict(self) -> dict[str, Json]:
        """Flat and JSON-ready; a cost that is not modelled has null joules, never 0."""
        row: dict[str, Json] = asdict(replace(self, unit=None))
        del row["unit"]
        modelled = self.unit is not None
        for name in ("energy_j", "energy_low_j", "energy_high_j"):
            row[name] = getattr(self, name) if modelled else None
        row["unit_energy_j"] = self.unit.value if self.unit else None
        row["status"] = self.unit.status if self.unit else "not modelled"
        return row | {"source": self.source}


@dataclass(frozen=True)
class CostReport:
    """The price of one inference: rows, latency with its range, and in words what the model leaves out."""

    target: str
    rows: tuple[CostRow, ...]
    latency_s: float
    latency_low_s: float
    latency_high_s: float
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> Energy:
        return _sum(self.rows)

    @property
    def priced(self) -> bool:
        """False when no row has a constant: then there is no energy to speak of, and totals mean nothing."""
        return any(row.unit is not None for row in self.rows)

    def by(self, key: GroupKey) -> dict[str, Energy]:
        """Energy grouped by a column, in order of first appearance; a group without any constant is absent, never 0."""
        groups: dict[str, list[CostRow]] = {}
        for row in self.rows:
            if row.unit is not None:
                groups.setdefault(getattr(row, key), []).append(row)
        return {name: _sum(rows) for name, rows in groups.items()}

    def of(self, node: str) -> tuple[CostRow, ...]:
        """The rows of one node."""
        return tuple(row for row in self.rows if row.node == node)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Every node that costs something, priced or not, in order of first appearance."""
        return tuple(dict.fromkeys(row.node for row in self.rows))

    @property
    def not_modelled(self) -> tuple[CostRow, ...]:
        return tuple(row for row in self.rows if row.unit is None)


def _sum(rows: Iterable[CostRow]) -> Energy:
    rows = tuple(rows)
    return Energy(
        math.fsum(row.energy_j for row in rows),
        math.fsum(row.energy_low_j for row in rows),
        math.fsum(row.energy_high_j for row in rows),
    )
