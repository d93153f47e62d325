"""JSON forms of values that other packages define: cost reports, traces and sourced constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
from pydantic import ValidationError

from hwmodels.cost import CostReport, CostRow
from hwmodels.sourced import Sourced
from hwmodels.trace import Trace
from neurobin.errors import FormatError
from neurobin.ir import Json

_TRACE_COLUMNS = ("resource", "node", "state", "start", "stop")
T = TypeVar("T")


def build(kind: type[T], values: Mapping[str, Any]) -> T:
    """The dataclass from its fields. Raises FormatError for unknown or missing ones."""
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - known)
    if unknown:
        raise FormatError(f"unknown fields {', '.join(unknown)}", where=kind.__name__)
    try:
        return kind(**values)
    except TypeError as error:
        raise FormatError(f"is incomplete: {error}", where=kind.__name__) from None


def strings(values: Any) -> tuple[str, ...]:
    """A JSON list as texts; none for None."""
    return tuple(str(value) for value in values or ())


def parse_sourced(data: Mapping[str, Any]) -> Sourced:
    """Raises FormatError listing every fault of the constant."""
    try:
        return Sourced.model_validate(dict(data))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False))
        raise FormatError(faults, where="constant") from None


def parse_constant(row: Mapping[str, Any]) -> tuple[str, Sourced]:
    """A constant with its path in the chip file."""
    return str(row.get("path", "")), parse_sourced({k: v for k, v in row.items() if k != "path"})


def report_dict(report: CostReport) -> dict[str, Json]:
    """Constants are written once; rows refer to them by index."""
    units: list[Sourced] = []
    index: dict[Sourced, int] = {}
    rows: list[Json] = []
    for row in report.rows:
        if row.unit is not None and row.unit not in index:
            index[row.unit] = len(units)
            units.append(row.unit)
        data = {f.name: getattr(row, f.name) for f in fields(row)}
        rows.append(data | {"unit": None if row.unit is None else index[row.unit]})
    return {
        "target": report.target,
        "units": [unit.model_dump(mode="json") for unit in units],
        "rows": rows,
        "latency_s": report.latency_s,
        "latency_low_s": report.latency_low_s,
        "latency_high_s": report.latency_high_s,
        "notes": list(report.notes),
    }


def parse_report(data: Mapping[str, Any]) -> CostReport:
    """The inverse of `report_dict`. Raises FormatError for what it does not know."""
    units = [parse_sourced(unit) for unit in data.get("units", ())]
    try:
        rows = [{**row, "unit": None if row["unit"] is None else units[row["unit"]]} for row in data["rows"]]
    except (KeyError, IndexError, TypeError) as error:
        raise FormatError(f"a row names a constant that is not there ({error})", where="CostReport") from None
    made = {"rows": tuple(build(CostRow, row) for row in rows), "notes": strings(data.get("notes"))}
    return build(CostReport, {**{k: v for k, v in data.items() if k != "units"}, **made})


def trace_dict(trace: Trace) -> dict[str, Json]:
    """Columns as lists."""
    columns: dict[str, Json] = {name: getattr(trace, name).tolist() for name in _TRACE_COLUMNS}
    return columns | {"resources": list(trace.resources), "nodes": list(trace.nodes), "period_s": trace.period_s}


def parse_trace(data: Mapping[str, Any]) -> Trace:
    """The inverse of `trace_dict`. Raises FormatError for ragged columns or missing fields."""
    columns = {name: np.array(data.get(name, ()), dtype=np.int64) for name in _TRACE_COLUMNS}
    if len({len(column) for column in columns.values()}) != 1:
        raise FormatError("its columns differ in length", where="Trace")
    names = {"resources": strings(data.get("resources")), "nodes": strings(data.get("nodes"))}
    period = {"period_s": float(data["period_s"])} if "period_s" in data else {}
    return build(Trace, {**columns, **names, **period})
