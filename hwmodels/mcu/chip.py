"""The constants of a microcontroller: memories, clock, current per hertz, supply and cycles per class of instructions.

Energy is cycles x (I/f) x V with the supply explicit: the same chip differs in milliwatts by its supply voltage alone.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, model_validator

from hwmodels.sourced import AmperesPerHertz, Bytes, Cycles, Hertz, Sourced, Volts, product
from hwmodels.target import ChipFile


class CycleTable(BaseModel):
    """Cycles per event, loads included only where it says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    load: Cycles  # one of several adjacent loads in an inner loop
    load_single: Cycles  # a load that stands alone: thresholds, multipliers, shortcut operands
    store: Cycles
    alu: Cycles  # one logic instruction of a word kernel
    popcount: Cycles  # set bits of one 32-bit word, added to a sum
    loop: Cycles  # count and branch of one iteration
    tap: Cycles  # of a bit kernel, per output and window position: pointers and set-up of the word loop
    gather_position: Cycles  # of a gathering kernel, per window and position: bounds, address, count and branch
    gather_move: Cycles  # load and store 8, 16 or 32 bits between byte addresses
    gather_field: Cycles  # cut up to 32 bits out of words and append them to others, loads and stores included
    output: Cycles  # of a bit kernel, per output element: set-up and end of the accumulation
    pixel: Cycles  # per output position
    row: Cycles  # per output row
    call: Cycles  # per kernel
    add_bit: Cycles  # add an operand or not, as one bit says (bit extraction and conditional add, no loads)
    mac8: Cycles  # 8-bit multiply-accumulate with its share of loads, loops and requantisation
    mac16: Cycles  # the same for 16-bit operands
    mac32: Cycles  # the same for 32-bit operands
    mac64: Cycles  # 32-bit operands into a 64-bit accumulator
    element: Cycles  # one instruction of an element-wise operation


class McuChip(ChipFile):
    """A single-core microcontroller with on-chip SRAM and flash."""

    core: str
    clock: Hertz
    sram: Bytes
    flash: Bytes
    current_per_hertz: AmperesPerHertz | None = None
    supply: Volts | None = None
    cycles: CycleTable

    @model_validator(mode="after")
    def _energy_is_complete(self) -> McuChip:
        if (self.current_per_hertz is None) != (self.supply is None):
            raise ValueError("current_per_hertz and supply are given together or not at all")
        if not self.clock.low > 0:
            raise ValueError(f"the clock must be positive, got {self.clock.low} Hz")
        return self

    @property
    def energy_per_cycle(self) -> Sourced | None:
        """J per cycle at the stated supply; None where no current was obtained, so that energy is not modelled."""
        if self.current_per_hertz is None or self.supply is None:
            return None
        return product(self.current_per_hertz, self.supply, "J/cycle", "current per hertz x supply")
