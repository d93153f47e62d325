"""The closed-form price of one inference: every event counted from the plan, times its constant; latency by recurrence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hwmodels.bitserial.chip import BYTE_BITS, BitSerialChip, Clocks
from hwmodels.bitserial.mapping import BitSerialMapping, Product, Step, product_cycles
from hwmodels.bitserial.vector import Elementary, vector_cycles
from hwmodels.cost import CHIP, Component, CostReport, CostRow
from hwmodels.sourced import Sourced

NOTES = (
    "latency: max-plus recurrence of the three stages and their token queues, exact for every shape under the stated timing",
    "products and passes of the vector unit follow one another; nothing overlaps between them",
    "latency range: all cycle constants at their low or high end; bubbles of the instruction generators are not known",
    "energy as if in a 28 nm ASIC, from adder, gate, register and SRAM tables, calibrated on no chip",
    "the energy of BISMO on an FPGA is not published",
    "im2col, bit planes, thresholds, scales and pools run on a vector unit; BISMO leaves them to the host",
    "padding of tiles is priced as work; energy does not depend on data (zeros, toggles)",
)
NOT_MODELLED: tuple[tuple[Component, str], ...] = (
    ("static", "leakage"),
    ("compute", "clock tree, control and instruction generators"),
    ("compute", "data-dependent switching"),
    ("host", "moving the input image into DRAM"),
)


@dataclass(frozen=True)
class _Prices:
    """The chip's constants beside their paths in its file."""

    chip: BitSerialChip
    clocks: Clocks

    def row(
        self, node: str, resource: str, component: Component, action: str, count: float, name: str, cycles: int = 0
    ) -> CostRow:
        unit: Sourced = getattr(self.chip.energy, name)
        return CostRow(node, resource, component, action, count, f"energy.{name}", unit, cycles * self.clocks.period_s)

    def dram(self, node: str, component: Component, action: str, size_bytes: int) -> CostRow:
        kind, bits = self.chip.dram_type, size_bytes * BYTE_BITS
        unit, write = self.chip.energy.dram[kind], action.startswith("write")
        beat = self.clocks.write_bytes if write else self.clocks.read_bytes
        time_s = -(-size_bytes // beat) * self.clocks.period_s
        return CostRow(node, "DRAM", component, action, bits, f"energy.dram.{kind}", unit, time_s, bits)

    def sram(self, node: str, resource: str, component: Component, action: str, bits: int, cycles: int = 0) -> CostRow:
        """Accesses of whole words."""
        words = -(-bits // int(self.chip.buffers.bank_word.value))
        constant = "sram_write" if action.startswith("write") else "sram_read"
        unit: Sourced = getattr(self.chip.energy, constant)
        time_s = cycles * self.clocks.period_s
        return CostRow(node, resource, component, action, words, f"energy.{constant}", unit, time_s, bits)


def estimate(mapping: BitSerialMapping) -> CostReport:
    """Rows of every step, latency at the constants' values and at both ends of their ranges."""
    chip = mapping.chip
    prices = _Prices(chip, chip.timings())
    rows = [row for step in mapping.plan for row in _step_rows(mapping, prices, step) if row.count]
    rows += [CostRow(CHIP, "chip", component, action, 1, "-", None) for component, action in NOT_MODELLED]
    return CostReport(
        target=chip.name,
        rows=tuple(rows),
        latency_s=latency_cycles(mapping, prices.clocks) * prices.clocks.period_s,
        latency_low_s=_latency(mapping, chip.timings("low")),
        latency_high_s=_latency(mapping, chip.timings("high")),
        notes=NOTES,
    )


def latency_cycles(mapping: BitSerialMapping, clocks: Clocks) -> int:
    """Cycles of one inference: all steps one after the other."""
    return sum(sum(step_cycles(mapping.chip, clocks, step)) for step in mapping.plan)


def step_cycles(chip: BitSerialChip, clocks: Clocks, step: Step) -> tuple[int, int, int]:
    """Cycles of one step: laying out its operand, its products, its vector pass."""
    layout = products = 0
    if step.product is not None:
        layout = vector_cycles(chip, clocks, step.product.layout)
        products = sum(count * product_cycles(chip, clocks, run) for run, count in step.product.counted)
    return layout, products, vector_cycles(chip, clocks, step.vector)


def _latency(mapping: BitSerialMapping, clocks: Clocks) -> float:
    return latency_cycles(mapping, clocks) * clocks.period_s


def _step_rows(mapping: BitSerialMapping, prices: _Prices, step: Step) -> Iterator[CostRow]:
    if step.product is not None:
        yield from _array_rows(prices, step.name, step.product)
        yield from _operand_rows(prices, step.name, step.product)
        yield from _layout_rows(prices, step.name, step.product)
    for node, made in step.work.items():
        for elementary in made:
            yield _vector_row(prices, node, elementary)
    yield prices.dram(step.name, "weight memory", "read parameters", step.parameter_bytes)
    yield prices.dram(step.name, "activation memory", "read sums", step.sum_bytes)
    yield prices.dram(step.name, "activation memory", "read maps", step.map_bytes)
    yield prices.dram(step.stage.output, "activation memory", "write map", step.vector.write_bytes)


def _array_rows(prices: _Prices, node: str, product: Product) -> Iterator[CostRow]:
    """Per unit and cycle: Dk gates, a popcount of Dk - 1 adder cells, an addition and a write of the accumulator."""
    chip = prices.chip
    cycles = sum(count * run.dpa_cycles for run, count in product.counted)
    unit_cycles, width = cycles * chip.dm * chip.dn, int(chip.array.accumulator.value)
    gate = "xnor_gate" if product.layer.xnor else "and_gate"
    yield prices.row(node, "array", "compute", "multiply bits", unit_cycles * chip.dk, gate, cycles)
    yield prices.row(node, "array", "compute", "count ones", unit_cycles * (chip.dk - 1), "adder_bit")
    yield prices.row(node, "array", "compute", "accumulate", unit_cycles * width, "adder_bit")
    yield prices.row(node, "array", "compute", "hold accumulator", unit_cycles * width, "register_bit")


def _operand_rows(prices: _Prices, node: str, product: Product) -> Iterator[CostRow]:
    """Both operands from DRAM into their buffers, from there into the array, and the results to DRAM."""
    chip = prices.chip
    cycles = sum(count * run.dpa_cycles for run, count in product.counted)
    fetched = {
        "LHS": sum(count * run.lhs_read_bytes for run, count in product.counted),
        "RHS": sum(count * run.rhs_read_bytes for run, count in product.counted),
    }
    rows = {"LHS": chip.dm, "RHS": chip.dn}
    for side, size_bytes in fetched.items():
        weights = (side == "LHS") == product.weights_are_lhs
        component: Component = "weight memory" if weights else "activation memory"
        what = "weights" if weights else "bit planes"
        yield prices.dram(node, component, f"read {what}", size_bytes)
        yield prices.sram(node, f"{side} buffer", component, f"write {what}", size_bytes * BYTE_BITS)
        read_bits = cycles * rows[side] * chip.dk
        yield prices.sram(node, f"{side} buffer", component, f"read {what}", read_bits, cycles)
    yield prices.dram(node, "activation memory", "write sums", product.result_bytes)


def _layout_rows(prices: _Prices, node: str, product: Product) -> Iterator[CostRow]:
    """im2col: the map into the line buffer, every tap of every position out of it, its bits into planes, planes to DRAM."""
    layer, layout = product.layer, product.layout
    unrolled_bits = layer.groups * layer.positions * layer.depth * layer.activation.bits
    yield prices.dram(node, "activation memory", "read map", layout.read_bytes)
    yield prices.sram(node, "line buffer", "activation memory", "write map", layout.read_bytes * BYTE_BITS)
    yield prices.sram(node, "line buffer", "activation memory", "read taps", unrolled_bits)
    yield prices.row(node, "vector", "compute", "transpose bits", unrolled_bits, "register_bit")
    yield prices.dram(node, "activation memory", "write bit planes", layout.write_bytes)


def _vector_row(prices: _Prices, node: str, elementary: Elementary) -> CostRow:
    """Adders and comparators grow with the width, multipliers with the product of both widths."""
    energy, e = prices.chip.energy, elementary
    if e.action == "multiply":
        name, why = "multiplier_8x8", f"{e.bits} x {e.other_bits} bits of 8 x 8"
        unit = energy.multiplier_8x8.scaled(e.bits * e.other_bits / 64, "J", why)
    else:
        name, unit = "adder_bit", energy.adder_bit.scaled(e.bits, "J", f"{e.bits} bits")
    lanes = int(prices.chip.vector.lanes.value)
    time_s = -(-e.count // lanes) * prices.clocks.period_s
    return CostRow(node, "vector", "compute", f"{e.action} {e.bits} bit", e.count, f"energy.{name}", unit, time_s)
