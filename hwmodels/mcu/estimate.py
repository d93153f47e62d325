"""The closed-form price: cycles per node and class of instructions, times energy per cycle; the sum is the latency."""

from __future__ import annotations

from collections.abc import Iterator

from hwmodels.cost import CHIP, CostReport, CostRow
from hwmodels.mcu.charge import Charge
from hwmodels.mcu.chip import McuChip
from hwmodels.mcu.map import McuMapping
from hwmodels.mcu.schedule import Kernel
from hwmodels.sourced import Sourced, product

CPU = "CPU"
NOTES = (
    "cycles do not depend on the data: no kernel branches on activations or weights",
    "not modelled: flash wait states, caches, bus contention, interrupts; code is taken to run without waiting",
    "not modelled: copying the image into SRAM, code size, stack, sleep and wake-up between inferences",
    "the published cycles per 8-bit multiply-accumulate hold its loads, loops and requantisation (all in compute)",
    "element-wise nodes behind a multiply-accumulate kernel are charged on top of that figure",
    "each layer runs the kernel with the fewest nominal cycles that memory allows; the mapping's summary names them",
    "where the ranges of two kernels overlap, the other one may be faster on a board",
    "gathering and unpacking are priced by instruction counts, not by compiled code",
    "1-bit and ternary weights on wider activations are stored as bytes where flash allows, never run as bit planes",
)
_NO_CURRENT = "energy is not modelled: no supply current is known for this chip"


def estimate(mapping: McuMapping) -> CostReport:
    """Rows per node and action. Latency low and high take every cycle constant at that end of its range."""
    chip = mapping.chip
    rows = [row for kernel in mapping.kernels for row in _rows(chip, kernel)]
    charges = [charge for kernel in mapping.kernels for parts in kernel.charges().values() for charge in parts]
    rows += _unpriced(mapping)
    low = sum(charge.events * charge.unit(chip.cycles).low for charge in charges)
    high = sum(charge.events * charge.unit(chip.cycles).high for charge in charges)
    return CostReport(
        target=chip.name,
        rows=tuple(rows),
        latency_s=sum(kernel_cycles(chip, kernel) for kernel in mapping.kernels) * period_s(chip),
        latency_low_s=low / chip.clock.high,
        latency_high_s=high / chip.clock.low,
        notes=NOTES if chip.energy_per_cycle is not None else (*NOTES, _NO_CURRENT),
    )


def period_s(chip: McuChip) -> float:
    """One clock period."""
    return 1.0 / chip.clock.value


def kernel_cycles(chip: McuChip, kernel: Kernel) -> int:
    """Whole cycles of one kernel: the sum over its nodes and actions."""
    return sum(charge.cycles(chip.cycles) for charges in kernel.charges().values() for charge in charges)


def _rows(chip: McuChip, kernel: Kernel) -> Iterator[CostRow]:
    for node, charges in kernel.charges().items():
        for charge in charges:
            cycles = charge.cycles(chip.cycles)
            yield CostRow(
                node=node,
                resource=CPU,
                component=charge.component,
                action=charge.action,
                count=cycles,
                constant=charge.constant,
                unit=_energy_per_cycle(chip, charge),
                time_s=cycles * period_s(chip),
                bits=charge.bits,
            )


def _energy_per_cycle(chip: McuChip, charge: Charge) -> Sourced | None:
    """J per cycle, its range widened by the relative range of the action's cycle count."""
    energy, cycles = chip.energy_per_cycle, charge.unit(chip.cycles)
    if energy is None or cycles.value == 0:
        return energy
    relative = cycles.model_copy(
        update={
            "value": 1.0,
            "unit": "1",
            "low": cycles.low / cycles.value,
            "high": cycles.high / cycles.value,
            "source": f"{cycles.value:g} cycles per event ({cycles.low:g} to {cycles.high:g}): {cycles.source}",
        }
    )
    return product(energy, relative, "J/cycle", f"energy per cycle; {charge.constant}")


def _unpriced(mapping: McuMapping) -> list[CostRow]:
    """What an inference also costs on a board and this model does not price."""
    graph = mapping.graph
    image = sum(mapping.layouts[name].size_bytes for name in graph.inputs)
    return [
        CostRow(CHIP, CPU, "host", "copy the input into SRAM", 1, "not modelled", None, bits=8 * image),
        CostRow(CHIP, CPU, "static", "sleep between inferences", 1, "not modelled", None),
    ]
