"""The closed-form price: static energy of a tick and marginal energy of synaptic events; host work is only counted."""

from __future__ import annotations

from hwmodels.cost import CHIP, CostReport, CostRow
from hwmodels.truenorth.census import Census, predicted
from hwmodels.truenorth.chip import event_energy, static_energy_per_tick
from hwmodels.truenorth.map import TrueNorthMapping
from neurobin.exec.activity import Activity
from neurobin.ir import Node


def estimate(mapping: TrueNorthMapping, activity: Activity, target: str) -> CostReport:
    """Rows per layer. Energy per inference is that of one tick of the filled pipeline, which takes a frame every tick."""
    census = predicted(mapping, activity)
    tick = mapping.chip.timing.tick
    ticks = latency_ticks(mapping)
    rows = [*_compute(mapping, census), *_static(mapping), *_host(mapping, census)]
    return CostReport(
        target=target,
        rows=tuple(rows),
        latency_s=ticks * tick.value,
        latency_low_s=ticks * tick.low,
        latency_high_s=ticks * tick.high,
        notes=_notes(mapping, census, activity),
    )


def latency_ticks(mapping: TrueNorthMapping) -> int:
    """Ticks from the injection of a frame to its last output spike: the layers on the longest way, and the way in."""
    return int(mapping.chip.timing.io_ticks.value) + mapping.ticks


def _compute(mapping: TrueNorthMapping, census: Census) -> list[CostRow]:
    unit, tick_s = event_energy(mapping.chip.energy), mapping.chip.timing.tick.value
    return [
        CostRow(
            node=layer.node,
            resource="cores",
            component="compute",
            action="synaptic event",
            count=layer.synaptic_events,
            constant="energy.event_energy",
            unit=unit,
            time_s=tick_s,
        )
        for layer in census.layers
    ]


def _static(mapping: TrueNorthMapping) -> list[CostRow]:
    unit, tick_s = static_energy_per_tick(mapping.chip), mapping.chip.timing.tick.value
    if mapping.chip.static_accounting == "whole chip":
        shares = [(CHIP, "chip tick", 1)]
    else:
        shares = [(part.layer.node, "core tick", len(part.cores)) for part in mapping.layers]
    return [
        CostRow(
            node=node,
            resource="cores",
            component="static",
            action=action,
            count=count,
            constant="energy.static_power",
            unit=unit,
            time_s=tick_s,
        )
        for node, action, count in shares
    ]


def _host(mapping: TrueNorthMapping, census: Census) -> list[CostRow]:
    """Work off the chip, by kind, and the packets that cross its edge: counted, not modelled."""

    def row(node: str, action: str, count: float, bits: float = 0.0) -> CostRow:
        return CostRow(node, "host", "host", action, count, "not modelled", None, bits=bits)

    rows = [
        row(node.name, str(key), count)
        for node in (*mapping.parts.before, *mapping.host_after)
        for key, count in mapping.graph.work(node.name).counts.items()
        if not _is_free(node, key.kind)
    ]
    rows.append(row(CHIP, "packet into the chip", census.packets_in))
    rows.append(row(CHIP, "packet out of the chip", census.packets_out))
    return rows


def _is_free(node: Node, kind: str) -> bool:
    return node.op.view or kind == "move"


def _notes(mapping: TrueNorthMapping, census: Census, activity: Activity) -> tuple[str, ...]:
    chip = mapping.chip
    tick = chip.timing.tick
    rate = f"one frame per tick, {1 / tick.value:.0f} per second"
    routed = f"{census.spikes:.0f} spikes and {census.hops:.0f} hops per inference"
    notes = [
        f"energy per inference = that of one tick of the filled pipeline ({rate}); latency = {latency_ticks(mapping)} ticks",
        f"static power is accounted {chip.static_accounting}: {mapping.core_count} of {chip.cores} cores are used",
        f"routing is inside the energy of a synaptic event; {routed} are not charged again",
        f"host work before and after the cores and packets across the chip's edge are not modelled ({_names(mapping)})",
        f"activity: {activity.source}",
        *mapping.notes,
    ]
    if tick.value < chip.timing.tick_floor.value:
        notes.append(f"the tick of {tick.value:.3g} s is below the {chip.timing.tick_floor.value:.3g} s demonstrated")
    busiest = max(layer.synaptic_events / len(part.cores) for layer, part in zip(census.layers, mapping.layers, strict=True))
    if busiest * chip.timing.handshake.value > tick.value:
        notes.append(f"{busiest:.0f} sequential synaptic events in one core may not fit the tick of {tick.value:.3g} s")
    return tuple(notes)


def _names(mapping: TrueNorthMapping) -> str:
    names = [node.name for node in (*mapping.parts.before, *mapping.host_after) if not node.op.view]
    return ", ".join(names) if names else "no nodes on the host"
