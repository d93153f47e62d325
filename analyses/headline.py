"""The headline: one row per model and target with what a reader compares first."""

from __future__ import annotations

from analyses.energy import priced, without
from analyses.results import Comparison, PairResult
from analyses.table import Cell, Column, Table, table

COLUMNS = (
    Column("model", "model"),
    Column("method", "method"),
    Column("target", "target"),
    Column("dataset", "data"),
    Column("accuracy_torch", "accuracy, torch", "share"),
    Column("accuracy", "accuracy, deployed", "share"),
    Column("energy_j", "energy / inference", "J", "not modelled"),
    Column("energy_low_j", "energy, low", "J"),
    Column("energy_high_j", "energy, high", "J"),
    Column("energy_without", "energy leaves out"),
    Column("latency_s", "latency", "s"),
    Column("latency_low_s", "latency, low", "s"),
    Column("latency_high_s", "latency, high", "s"),
    Column("memory_name", "resource"),
    Column("memory", "used", "1"),
    Column("memory_capacity", "capacity", "1"),
    Column("memory_unit", "unit"),
    Column("fits", "fits"),
    Column("valid", "valid", missing="not run"),
    Column("images", "images checked", "1"),
    Column("mismatches", "mismatches", "1"),
    Column("reasons", "reasons"),
)


def headline(comparison: Comparison) -> Table:
    """Rows in the order of the results; `accuracy` is that of the deployed integers, energies are per inference,
    None where nothing has a constant; `energy_without` names components that are counted but have no constant.

    `memory` is the mapping's main bounded resource in `memory_unit` (SRAM bytes, cores); `fits` is False with
    `reasons` when the target refused; `valid` is None when nothing was executed.
    """
    note = "Estimates from published constants, not measurements. Ranges: every constant at its low, every one at its high."
    return table("Headline", COLUMNS, (_row(comparison, result) for result in comparison.results), note)


def _row(comparison: Comparison, result: PairResult) -> dict[str, Cell]:
    model = comparison.model(result.model)
    report = result.report
    main = result.resources[0] if result.resources else None
    total = priced(report) if report else None
    return {
        "model": result.model,
        "method": model.method,
        "target": result.target,
        "dataset": model.dataset,
        "accuracy_torch": model.accuracy_torch,
        "accuracy": model.accuracy_deployed,
        "energy_j": total.energy_j if total else None,
        "energy_low_j": total.energy_low_j if total else None,
        "energy_high_j": total.energy_high_j if total else None,
        "energy_without": (without(report) or None) if report else None,
        "latency_s": report.latency_s if report else None,
        "latency_low_s": report.latency_low_s if report else None,
        "latency_high_s": report.latency_high_s if report else None,
        "memory_name": main.name if main else None,
        "memory": main.used if main else None,
        "memory_capacity": main.capacity if main else None,
        "memory_unit": main.unit if main else None,
        "fits": result.fits,
        "valid": result.valid,
        "images": result.pair.images,
        "mismatches": result.pair.mismatches if result.valid is not None else None,
        "reasons": "; ".join(result.pair.reasons) or None,
    }
