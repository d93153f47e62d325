"""The chip file of a bit-serial matrix overlay after BISMO (Umuroglu et al., FPL 2018; arXiv 1901.00370).

An array of Dm x Dn dot-product units; each cycle every unit combines Dk bits of one row (LHS) with Dk bits of one
column (RHS), counts the ones and adds them to its accumulator. A vector unit beside the result stage, which BISMO leaves
to the host, lays out operands as bit planes and does everything that is not a matrix product.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from hwmodels.sourced import Bits, Bytes, Count, Cycles, Hertz, Joules, JoulesPerBit, Sourced
from hwmodels.target import ChipFile

BYTE_BITS = 8
MAX_ACCUMULATOR_BITS = 64
Corner = Literal["value", "low", "high"]  # which end of every constant's range is meant


class Part(BaseModel):
    """A table of the chip file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="after")
    def _whole(self) -> Part:
        for name in type(self).model_fields:
            constant = getattr(self, name)
            counted = isinstance(constant, Sourced) and constant.unit in ("cycle", "B", "bit")
            if counted and not all(v == int(v) for v in (constant.value, constant.low, constant.high)):
                raise ValueError(f"{name}: expected whole numbers of {constant.unit}, got {constant.value}")
        return self


class Array(Part):
    """Rows (dm), bits per cycle (dk) and columns (dn) of the array; accumulator width and widest operand."""

    dm: Count
    dk: Bits
    dn: Count
    accumulator: Bits
    max_operand: Bits


class Buffers(Part):
    """On-chip operand memories: one of `entries` x dk bits per row or column, in `regions` used as a ring.

    A stripe (all planes of one row or column of tiles) takes at most one region and at most `stripe_limit`. Each memory
    is built of banks of `bank` bytes with words of `bank_word` bits: the unit that SRAM energies are given for.
    """

    lhs_entries: Count
    rhs_entries: Count
    regions: Count
    stripe_limit: Bytes
    bank: Bytes
    bank_word: Bits


class Tokens(Part):
    """Queues between the stages and the tokens in them at the start."""

    queue_depth: Count
    free_regions: Count
    result_buffers: Count


class Timing(Part):
    """Clock cycles: of one sync instruction, of the parts of the execute pipeline, of the way from DRAM to a buffer."""

    sync: Cycles
    dpu: Cycles
    compressor: Cycles
    broadcast: Cycles
    buffer_read: Cycles
    fetch_fixed: Cycles
    fetch_hop: Cycles
    dram_latency: Cycles


class Port(Part):
    """DRAM port: bytes per cycle each way, bytes of one result, and the DRAM behind it."""

    read: Bytes
    write: Bytes
    result: Bytes
    dram: Bytes


class Vector(Part):
    """The vector unit: elementary operations per cycle and the buffer that holds the rows of a window."""

    lanes: Count
    line_buffer: Bytes


class Area(Part):
    """BISMO's cost model: LUTs of a dot-product unit (per bit, of its compressor, of the rest) and the BRAM shape."""

    lut_per_bit: Count
    lut_compressor: Count
    lut_dpu: Count
    bram_width: Bits
    bram_depth: Count


class Energy(Part):
    """Joules per event; `dram` by type of DRAM."""

    adder_bit: Joules
    and_gate: Joules
    xnor_gate: Joules
    register_bit: Joules
    multiplier_8x8: Joules
    sram_read: Joules
    sram_write: Joules
    dram: dict[str, JoulesPerBit]


class BitSerialChip(ChipFile):
    """`dpu` "and" multiplies {0,1} planes; "xnor" can also multiply planes of -1/+1 directly."""

    dpu: Literal["and", "xnor"]
    dram_type: str
    clock: Hertz
    array: Array
    buffers: Buffers
    tokens: Tokens
    timing: Timing
    port: Port
    vector: Vector
    area: Area
    energy: Energy

    @model_validator(mode="after")
    def _consistent(self) -> BitSerialChip:
        problems = [*self._geometry_problems(), *self._token_problems()]
        if self.dram_type not in self.energy.dram:
            problems.append(f"dram_type is {self.dram_type!r}, energy.dram has {', '.join(self.energy.dram)}")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _geometry_problems(self) -> Iterator[str]:
        """Sizes that divide and are positive, and buffers made of the banks that have a price."""
        if min(self.dm, self.dn, int(self.vector.lanes.value), int(self.timing.sync.low)) < 1 or self.clock.low <= 0:
            yield "array.dm, array.dn, vector.lanes and timing.sync are at least 1, clock is positive"
        if self.port.read.low < 1 or self.port.write.low < 1:
            yield "port.read and port.write are at least 1 B per cycle"
        if min(self.area.bram_width.low, self.area.bram_depth.low) < 1:
            yield "area.bram_width and area.bram_depth are at least 1"
        if self.array.accumulator.value > MAX_ACCUMULATOR_BITS:
            yield f"array.accumulator is at most {MAX_ACCUMULATOR_BITS} bit, the width of the sums that are executed"
        word, bank = int(self.buffers.bank_word.value), int(self.buffers.bank.value)
        if self.dk < 1 or word < 1 or self.dk % word:
            yield f"array.dk ({self.dk}) must be a multiple of buffers.bank_word ({word})"
        for side in ("lhs_entries", "rhs_entries"):
            held = int(getattr(self.buffers, side).value) * word // BYTE_BITS
            if held != bank:
                yield f"buffers.{side} x bank_word is {held} B, the SRAM energies are for banks of {bank} B"

    def _token_problems(self) -> Iterator[str]:
        """Start tokens that fit their queues; an RHS and an LHS stripe need a free region each, or nothing ever starts."""
        for name, fewest in (("free_regions", 2), ("result_buffers", 1)):
            if not fewest <= getattr(self.tokens, name).value <= self.tokens.queue_depth.value:
                yield f"tokens.{name} must lie in {fewest}..tokens.queue_depth"
        if self.tokens.free_regions.value > self.buffers.regions.value:
            yield "tokens.free_regions must not exceed buffers.regions"

    @property
    def dm(self) -> int:
        return int(self.array.dm.value)

    @property
    def dk(self) -> int:
        return int(self.array.dk.value)

    @property
    def dn(self) -> int:
        return int(self.array.dn.value)

    @property
    def lhs_bytes(self) -> int:
        """On-chip LHS memory: Dm * entries * Dk / 8."""
        return self.dm * int(self.buffers.lhs_entries.value) * self.dk // BYTE_BITS

    @property
    def rhs_bytes(self) -> int:
        """On-chip RHS memory: Dn * entries * Dk / 8."""
        return self.dn * int(self.buffers.rhs_entries.value) * self.dk // BYTE_BITS

    @property
    def peak_binops_per_s(self) -> float:
        """2 Dm Dk Dn f binary operations (AND and add) per second (BISMO, `estimateResources`)."""
        return 2 * self.dm * self.dk * self.dn * self.clock.value

    @property
    def peak_intensity(self) -> float:
        """Binary operations per byte read that keep the array busy from DRAM alone."""
        return 2 * self.dm * self.dk * self.dn / self.port.read.value

    def timings(self, corner: Corner = "value") -> Clocks:
        """All cycle counts at one end of their ranges. Fast ports belong to low latencies and the other way round."""

        def cycles(constant: Sourced) -> int:
            return int(getattr(constant, corner))

        opposite: dict[Corner, Corner] = {"value": "value", "low": "high", "high": "low"}
        t, p = self.timing, self.port
        return Clocks(
            sync=cycles(t.sync),
            drain=cycles(t.dpu) + cycles(t.compressor) + cycles(t.broadcast) + cycles(t.buffer_read),
            fetch_latency=cycles(t.dram_latency) + cycles(t.fetch_fixed) + (self.dm + self.dn) * cycles(t.fetch_hop),
            dram_latency=cycles(t.dram_latency),
            read_bytes=int(getattr(p.read, opposite[corner])),
            write_bytes=int(getattr(p.write, opposite[corner])),
            period_s=1.0 / getattr(self.clock, opposite[corner]),
        )


@dataclass(frozen=True)
class Clocks:
    """The times that the stages are made of, in cycles; `drain` is the depth of the execute pipeline (L_exec)."""

    sync: int
    drain: int
    fetch_latency: int
    dram_latency: int
    read_bytes: int
    write_bytes: int
    period_s: float
