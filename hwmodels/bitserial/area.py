"""FPGA resources by BISMO's own cost model (`BISMO.scala`, estimateResources); low is its new compressor, high the older."""

from __future__ import annotations

from hwmodels.bitserial.chip import BitSerialChip, Corner


def luts(chip: BitSerialChip, corner: Corner = "value") -> float:
    """LUTs of the array: Dm Dn (a Dk + b + c), with a and b of the popcount compressor and c of the rest of a unit."""
    a, b, c = (getattr(k, corner) for k in (chip.area.lut_per_bit, chip.area.lut_compressor, chip.area.lut_dpu))
    return float(chip.dm * chip.dn * (a * chip.dk + b + c))


def brams(chip: BitSerialChip) -> int:
    """Block RAMs of the operand memories: ceil(Dk / width) (Dm ceil(Lmem / depth) + Dn ceil(Rmem / depth)).

    The Scala code truncates where this rounds up; both agree when the memories fill whole block RAMs.
    """
    depth = int(chip.area.bram_depth.value)
    wide = -(-chip.dk // int(chip.area.bram_width.value))
    rows = chip.dm * -(-int(chip.buffers.lhs_entries.value) // depth)
    columns = chip.dn * -(-int(chip.buffers.rhs_entries.value) // depth)
    return wide * (rows + columns)
