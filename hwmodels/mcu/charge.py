"""What a kernel asks of the core, as counts per class of instructions, and which constant prices each class."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hwmodels.cost import Component
from hwmodels.mcu.chip import CycleTable
from hwmodels.sourced import Sourced

# action: (component that its energy belongs to, field of the cycle table)
ACTIONS: dict[str, tuple[Component, str]] = {
    "load activation words": ("activation memory", "load"),
    "load activations": ("activation memory", "load_single"),
    "store activations": ("activation memory", "store"),
    "load weight words": ("weight memory", "load"),
    "load parameters": ("weight memory", "load_single"),
    "word logic": ("compute", "alu"),
    "popcount": ("compute", "popcount"),
    "loop": ("compute", "loop"),
    "window position": ("compute", "tap"),
    "gather position": ("compute", "gather_position"),
    "gather move": ("activation memory", "gather_move"),
    "gather field": ("activation memory", "gather_field"),
    "output": ("compute", "output"),
    "pixel": ("compute", "pixel"),
    "row": ("compute", "row"),
    "call": ("compute", "call"),
    "add by bit": ("compute", "add_bit"),
    "multiply-accumulate 8-bit": ("compute", "mac8"),
    "multiply-accumulate 16-bit": ("compute", "mac16"),
    "multiply-accumulate 32-bit": ("compute", "mac32"),
    "multiply-accumulate 64-bit": ("compute", "mac64"),
    "element": ("compute", "element"),
}


@dataclass(frozen=True)
class Charge:
    """`events` of one action, moving `bits` in total (0 where the events are not loads or stores)."""

    action: str
    events: int
    bits: int = 0

    @property
    def component(self) -> Component:
        return ACTIONS[self.action][0]

    @property
    def constant(self) -> str:
        """The path of the cycle constant in the chip file."""
        return f"cycles.{ACTIONS[self.action][1]}"

    def unit(self, table: CycleTable) -> Sourced:
        """Cycles per event."""
        found: Sourced = getattr(table, ACTIONS[self.action][1])
        return found

    def cycles(self, table: CycleTable) -> int:
        """Whole cycles, so that a sum over kernels and an event-driven run agree exactly."""
        return round(self.events * self.unit(table).value)


def merged(charges: Iterable[Charge]) -> tuple[Charge, ...]:
    """One charge per action, in order of first appearance, without empty ones."""
    totals: dict[str, tuple[int, int]] = {}
    for charge in charges:
        events, bits = totals.get(charge.action, (0, 0))
        totals[charge.action] = (events + charge.events, bits + charge.bits)
    return tuple(Charge(action, events, bits) for action, (events, bits) in totals.items() if events)


def words_loaded(action: str, count: int) -> Charge:
    """`count` loads of 32-bit words."""
    return Charge(action, count, 32 * count)
