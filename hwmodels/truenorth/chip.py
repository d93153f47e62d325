"""The constants of a TrueNorth-style chip: structure, timing, and the affine power law fitted to published totals.

    P(V, e) = P_s (V / V_0)^n + E_m (V / V_0)^k e          e: synaptic events per second

P_s is everything that is paid without events, E_m everything that one more event costs, its share of the routing included.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from hwmodels.sourced import Count, Joules, Seconds, Sourced, Volts, Watts, product
from hwmodels.target import ChipFile
from hwmodels.truenorth.tile import Reach

MAX_WHOLE = 2**16  # of anything on a chip: the real one has 4096 cores of 256 neurons


def _whole(constant: Sourced) -> Sourced:
    if constant.value != int(constant.value) or not 1 <= constant.value <= MAX_WHOLE:
        raise ValueError(f"expected a whole number from 1 to {MAX_WHOLE}, got {constant.value:g}")
    return constant


def _positive(constant: Sourced) -> Sourced:
    if constant.low <= 0:
        raise ValueError(f"expected a positive range, got low = {constant.low:g}")
    return constant


Whole = Annotated[Count, AfterValidator(_whole)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Structure(_Section):
    """What one core and the mesh of cores hold."""

    cores_x: Whole
    cores_y: Whole
    axons: Whole  # per core
    neurons: Whole  # per core
    axon_types: Whole
    weight_bits: Whole  # signed, per neuron and axon type; the leak is as wide
    potential_bits: Whole  # signed
    max_delay: Whole  # ticks from a spike to its integration

    @model_validator(mode="after")
    def _carries_a_trinary_neuron(self) -> Structure:
        axons, kinds = int(self.axons.value), int(self.axon_types.value)
        if min(axons, kinds) < 2:
            raise ValueError(f"an input takes two axons, of weight +1 and -1; got {axons} axons of {kinds} types")
        if axons >= 1 << (int(self.potential_bits.value) - 1):
            bits = int(self.potential_bits.value)
            raise ValueError(f"a signed potential of {bits} bits cannot hold the sum of {axons} axons")
        return self


class Timing(_Section):
    """The tick is an input: the chip has no clock of its own."""

    tick: Annotated[Seconds, AfterValidator(_positive)]
    tick_floor: Seconds  # the shortest tick that was demonstrated
    io_ticks: Whole  # between the injection of a frame and the tick that integrates it
    handshake: Seconds  # one sequential synaptic operation in a core: a plausibility bound, not a rating


class Energy(_Section):
    """The four fitted constants, at `reference_voltage`, and the voltage the chip runs at."""

    voltage: Volts
    reference_voltage: Annotated[Volts, AfterValidator(_positive)]
    static_power: Watts  # whole chip
    event_energy: Joules
    static_exponent: Count
    event_exponent: Count


class TrueNorthChip(ChipFile):
    """One chip file of this family. `static_accounting` says who pays for the cores that a network leaves unused.

    `tiling` tight lets cores at the border use the axons that padding leaves free; uniform gives all cores of a layer the
    same window pattern, as the published layer tables do.
    """

    static_accounting: Literal["whole chip", "per used core"]
    tiling: Literal["tight", "uniform"]
    structure: Structure
    timing: Timing
    energy: Energy

    @property
    def cores(self) -> int:
        return int(self.structure.cores_x.value * self.structure.cores_y.value)

    @property
    def axons(self) -> int:
        """Per core."""
        return int(self.structure.axons.value)

    @property
    def neurons(self) -> int:
        """Per core."""
        return int(self.structure.neurons.value)

    @property
    def fan_in(self) -> int:
        """Distinct inputs of a trinary neuron: each takes a pair of axons, one of weight +1 and one of weight -1."""
        return self.axons // 2

    def tiling_of(self, reach: Reach) -> Reach:
        """What counts as inputs of a tile."""
        return reach.tight() if self.tiling == "tight" else reach

    @property
    def max_delay(self) -> int:
        return int(self.structure.max_delay.value)


def scaled_to(constant: Sourced, exponent: Sourced, reference: Sourced, voltage: Sourced) -> Sourced:
    """constant * (voltage / reference)^exponent; the range takes in the ranges of exponent and voltage."""
    if voltage.value == reference.value == voltage.low == voltage.high:
        return constant
    ratios = [volts / reference.value for volts in (voltage.low, voltage.high)]
    factors = [ratio**power for ratio in ratios for power in (exponent.low, exponent.high)]
    law = f"times ({voltage.value:g} V / {reference.value:g} V)^{exponent.value:g}"
    return Sourced(
        value=constant.value * (voltage.value / reference.value) ** exponent.value,
        unit=constant.unit,
        source=f"{constant.source}; {law}",
        low=constant.low * min(factors),
        high=constant.high * max(factors),
        status=constant.status,
    )


def chip_static_power(energy: Energy) -> Sourced:
    """Static power of the whole chip at its voltage, in watts."""
    return scaled_to(energy.static_power, energy.static_exponent, energy.reference_voltage, energy.voltage)


def event_energy(energy: Energy) -> Sourced:
    """Marginal energy of one synaptic event at the chip's voltage, in joules, its share of the routing included."""
    return scaled_to(energy.event_energy, energy.event_exponent, energy.reference_voltage, energy.voltage)


def static_energy_per_tick(chip: TrueNorthChip) -> Sourced:
    """Joules per tick of the whole chip, or of one core when static power is accounted per used core."""
    per_tick = product(chip_static_power(chip.energy), chip.timing.tick, "J", "static power x tick")
    if chip.static_accounting == "whole chip":
        return per_tick
    return per_tick.scaled(1 / chip.cores, "J", f"divided by {chip.cores} cores")


def chip_power_w(energy: Energy, voltage_v: float, events_per_s: float) -> float:
    """Power of the whole chip in watts at any voltage and event rate: the fitted law itself."""
    ratio = voltage_v / energy.reference_voltage.value
    static_w = energy.static_power.value * ratio**energy.static_exponent.value
    return float(static_w + energy.event_energy.value * ratio**energy.event_exponent.value * events_per_s)
