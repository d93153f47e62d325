"""Cores of a spiking chip on their grid, with the layer each one serves and how much of it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analyses.table import Cell, Column, Table, table
from neurobin.errors import FormatError

_UNITS = {"_j": "J", "_s": "s", "_bytes": "B"}


def quantities(rows: Sequence[Mapping[str, Cell]]) -> tuple[str, ...]:
    """Every numeric column beside the coordinates, in order of first appearance."""
    names = dict.fromkeys(name for row in rows for name in row if name not in ("x", "y", "node", "layer", "core"))
    return tuple(n for n in names if all(_is_number(row.get(n)) or row.get(n) is None for row in rows))


def core_map(rows: Sequence[Mapping[str, Cell]]) -> Table:
    """A row per core: x, y (grid position), node (or `layer`) and its quantities, by y then x.

    Raises FormatError when a row lacks a coordinate or its node, or when two rows claim one core.
    """
    shown = quantities(rows)
    seen: set[tuple[int, int]] = set()
    made: list[dict[str, Cell]] = []
    for index, row in enumerate(rows):
        x, y, node = row.get("x"), row.get("y"), row.get("node", row.get("layer"))
        if not isinstance(x, int) or not isinstance(y, int) or not isinstance(node, str):
            raise FormatError(
                f"expected whole x, y and a node's name, got {x!r}, {y!r}, {node!r}", where=f"core row {index}"
            )
        if (x, y) in seen:
            raise FormatError(f"core ({x}, {y}) is placed twice", where=f"core row {index}")
        seen.add((x, y))
        place: dict[str, Cell] = {"x": x, "y": y, "node": node}
        made.append(place | {name: row.get(name) for name in shown})
    made.sort(key=lambda row: (int(str(row["y"])), int(str(row["x"]))))
    columns = [Column("x", "x", "1"), Column("y", "y", "1"), Column("node", "layer")]
    columns += [Column(name, _label(name), _unit(name)) for name in shown]
    return table("Cores", columns, made)


def by_layer(cores: Table) -> Table:
    """Cores per layer and the sums of every quantity over them, in order of first appearance."""
    names = [column.name for column in cores.columns[3:]]
    groups: dict[str, list[dict[str, Cell]]] = {}
    for row in cores:
        groups.setdefault(str(row["node"]), []).append(row)
    rows: list[dict[str, Cell]] = []
    for node, group in groups.items():
        sums: dict[str, Cell] = {name: sum(_value(row[name]) for row in group) for name in names}
        head: dict[str, Cell] = {"node": node, "cores": len(group)}
        rows.append(head | sums)
    return table("Cores by layer", [Column("node", "layer"), Column("cores", "cores", "1"), *cores.columns[3:]], rows)


def _is_number(value: Cell) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _value(cell: Cell) -> float:
    return float(cell) if isinstance(cell, int | float) else 0.0


def _unit(name: str) -> str:
    return next((unit for suffix, unit in _UNITS.items() if name.endswith(suffix)), "1")


def _label(name: str) -> str:
    suffix = next((s for s in _UNITS if name.endswith(s)), "")
    return name.removesuffix(suffix).replace("_", " ")
