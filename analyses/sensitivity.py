"""Which constant matters: the total energy when one constant goes through its range and the others stay."""

from __future__ import annotations

import math

from analyses.table import Cell, Column, Table, table
from hwmodels.cost import CostReport, CostRow

COLUMNS = (
    Column("constant", "constant"),
    Column("value_j", "value", "J"),
    Column("low_j", "low", "J"),
    Column("high_j", "high", "J"),
    Column("share", "share of energy", "share"),
    Column("total_low_j", "total at its low", "J"),
    Column("total_high_j", "total at its high", "J"),
    Column("swing_j", "swing", "J"),
    Column("status", "status"),
    Column("source", "source"),
)


def tornado(report: CostReport) -> Table:
    """A row per constant, widest swing first: the total with this constant at its low and at its high.

    Energy is linear in every constant, so the changes of all rows add up to the report's own range.
    """
    total = report.total.energy_j
    rows: list[dict[str, Cell]] = []
    for path, group in _groups(report).items():
        energy = math.fsum(row.energy_j for row in group)
        down = math.fsum(row.energy_low_j for row in group) - energy
        up = math.fsum(row.energy_high_j for row in group) - energy
        unit = group[0].unit
        if unit is None:
            continue
        rows.append(
            {
                "constant": path,
                "value_j": unit.value,
                "low_j": unit.low,
                "high_j": unit.high,
                "share": energy / total if total else None,
                "total_low_j": total + down,
                "total_high_j": total + up,
                "swing_j": up - down,
                "status": unit.status,
                "source": unit.source,
            }
        )
    rows.sort(key=lambda row: (-float(str(row["swing_j"])), str(row["constant"])))
    return table(f"Sensitivity of the energy on {report.target}", COLUMNS, rows)


def _groups(report: CostReport) -> dict[str, list[CostRow]]:
    groups: dict[str, list[CostRow]] = {}
    for row in report.rows:
        if row.unit is not None:
            groups.setdefault(row.constant, []).append(row)
    return groups
