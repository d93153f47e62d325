"""Where the joules go: node x component, and `explain`, which shows count x constant x source of one node."""

from __future__ import annotations

import math
from typing import get_args

from analyses.table import Cell, Column, Table, table
from hwmodels.cost import CHIP, Component, CostReport, CostRow, Energy
from neurobin.errors import UsageError, nearest

COMPONENTS: tuple[str, ...] = get_args(Component)


def components(report: CostReport) -> tuple[str, ...]:
    """The components that occur, in the fixed order compute, memories, network, static, host."""
    present = {row.component for row in report.rows}
    return tuple(component for component in COMPONENTS if component in present)


def priced_components(report: CostReport) -> tuple[str, ...]:
    """The components that have at least one constant, in the same order: what can be drawn."""
    priced = {row.component for row in report.rows if row.unit is not None}
    return tuple(component for component in components(report) if component in priced)


def priced(report: CostReport) -> Energy | None:
    """The report's total, or None when no cost row has a constant: then the energy is not modelled, not 0."""
    return report.total if any(row.unit is not None for row in report.rows) else None


def unpriced_components(report: CostReport) -> tuple[str, ...]:
    """What the total leaves out: components whose work has no constant, `part of` one where only some of it has none."""
    missing, some = {row.component for row in report.not_modelled}, priced_components(report)
    found = (component for component in components(report) if component in missing)
    return tuple(f"part of {component}" if component in some else component for component in found)


def without(report: CostReport) -> str:
    """What the total leaves out, in words (`static, host`); empty where it leaves out nothing."""
    return ", ".join(unpriced_components(report))


def energy_by_node(report: CostReport) -> Table:
    """Joules per inference: a row per node in schedule order, what belongs to no node (the chip) last; a column per
    component, the node's total and its range.

    A cell is None where the node has no such cost, or where none of its rows of that component is modelled.
    """
    shown = priced_components(report)
    cells: dict[tuple[str, str], list[CostRow]] = {}
    for row in report.rows:
        if row.unit is not None:
            cells.setdefault((row.node, row.component), []).append(row)
    totals = report.by("node")
    whole = report.total.energy_j
    rows: list[dict[str, Cell]] = []
    for node in sorted(report.nodes, key=lambda name: name == CHIP):
        energy = totals.get(node)
        found = {c: math.fsum(r.energy_j for r in cells[node, c]) if (node, c) in cells else None for c in shown}
        rows.append(
            {"node": node}
            | {_column(component): found[component] for component in shown}
            | {
                "energy_j": energy.energy_j if energy else None,
                "energy_low_j": energy.energy_low_j if energy else None,
                "energy_high_j": energy.energy_high_j if energy else None,
                "share": energy.energy_j / whole if energy and whole else None,
            }
        )
    columns = [
        Column("node", "node"),
        *(Column(_column(component), component, "J") for component in shown),
        Column("energy_j", "total", "J"),
        Column("energy_low_j", "low", "J"),
        Column("energy_high_j", "high", "J"),
        Column("share", "share", "share"),
    ]
    left_out = sum(row.unit is None for row in report.rows)
    note = (
        f"{left_out} cost rows have no constant and are not in these sums; they are listed as not modelled."
        if left_out
        else ""
    )
    return table("Energy by node and component", columns, rows, note)


def energy_by_component(report: CostReport) -> Table:
    """A row per component with its joules, range and share of the whole; None where no row of it has a constant."""
    whole = report.total.energy_j
    groups = report.by("component")
    rows: list[dict[str, Cell]] = [
        {
            "component": name,
            "energy_j": groups[name].energy_j if name in groups else None,
            "energy_low_j": groups[name].energy_low_j if name in groups else None,
            "energy_high_j": groups[name].energy_high_j if name in groups else None,
            "share": groups[name].energy_j / whole if whole and name in groups else None,
        }
        for name in components(report)
    ]
    columns = (
        Column("component", "component"),
        Column("energy_j", "energy", "J", "not modelled"),
        Column("energy_low_j", "low", "J"),
        Column("energy_high_j", "high", "J"),
        Column("share", "share", "share"),
    )
    return table("Energy by component", columns, rows)


def explain(report: CostReport, node: str) -> Table:
    """Every cost row of one node: count x unit energy = energy, with the constant's path, range, status and source.

    The energies sum to `report.by("node")[node]`. Raises UsageError for a node the report does not have.
    """
    found = report.of(node)
    if not found:
        raise UsageError(f"the report has no node {node!r}", where=report.target, hint=nearest(node, report.nodes))
    columns = (
        Column("action", "action"),
        Column("resource", "resource"),
        Column("component", "component"),
        Column("count", "count", "1"),
        Column("constant", "constant"),
        Column("unit_energy_j", "each", "J", "not modelled"),
        Column("energy_j", "energy", "J", "not modelled"),
        Column("energy_low_j", "low", "J"),
        Column("energy_high_j", "high", "J"),
        Column("time_s", "busy", "s"),
        Column("bits", "bits moved", "1"),
        Column("status", "status"),
        Column("source", "source"),
    )
    return table(f"{node} on {report.target}", columns, (_explained(row) for row in found))


def not_modelled(report: CostReport) -> Table:
    """What the model counts but has no constant for, each with its reason in the action and path."""
    columns = (
        Column("node", "node"),
        Column("resource", "resource"),
        Column("component", "component"),
        Column("action", "action"),
        Column("count", "count", "1"),
        Column("constant", "missing constant"),
    )
    names = [column.name for column in columns]
    return table("Not modelled", columns, ({n: getattr(row, n) for n in names} for row in report.not_modelled))


def _column(component: str) -> str:
    return component.replace(" ", "_") + "_j"


def _explained(row: CostRow) -> dict[str, Cell]:
    modelled = row.unit is not None
    return {
        "action": row.action,
        "resource": row.resource,
        "component": row.component,
        "count": row.count,
        "constant": row.constant,
        "unit_energy_j": row.unit.value if row.unit else None,
        "energy_j": row.energy_j if modelled else None,
        "energy_low_j": row.energy_low_j if modelled else None,
        "energy_high_j": row.energy_high_j if modelled else None,
        "time_s": row.time_s,
        "bits": row.bits,
        "status": row.unit.status if row.unit else "not modelled",
        "source": row.source,
    }
