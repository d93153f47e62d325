"""Published figures of BISMO and of digital binary accelerators. The model is calibrated on none of them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from hwmodels.bitserial import BitSerial
from hwmodels.bitserial.area import brams, luts
from hwmodels.bitserial.chip import BitSerialChip
from hwmodels.bitserial.mapping import product_cycles
from hwmodels.bitserial.pipeline import path_bounds
from hwmodels.bitserial.schedule import step_times
from hwmodels.bitserial.simulate import run_product
from hwmodels.bitserial.tiling import gemm
from hwmodels.target import load_target

pytestmark = pytest.mark.anchor


def chip(name: str = "bismo_8x256x8") -> BitSerialChip:
    target = load_target(name)
    assert isinstance(target, BitSerial)
    return target.chip


@pytest.mark.parametrize(("name", "tops"), [("bismo_8x256x8", 6.5536), ("bismo_8x64x8", 1.6384)])
def test_peak_performance(name: str, tops: float) -> None:
    """BISMO doc/platforms.md: 6.5 binary TOPS for 8x256x8 at 200 MHz; 2 Dm Dk Dn f. Exact, not calibrated."""
    assert chip(name).peak_binops_per_s == tops * 1e12


def test_luts_and_block_rams_of_the_pynq_instance() -> None:
    """BISMO.scala estimateResources with its present constants and with those of FPL 2018 (high). Exact formulas."""
    assert round(luts(chip())) == 29_678
    assert round(luts(chip(), "high")) == 48_112
    assert brams(chip()) == 128


def test_execute_latency_and_intensity() -> None:
    """L_exec = 11 cycles at Dk = 256 (sum of the stages of DotProductArray.scala); 4096 binary operations per byte."""
    assert chip().timings().drain == 11
    assert chip().peak_intensity == 4096


def test_published_buffer_sizes() -> None:
    """bismo_rt_instrumentation.cpp: Dm Lmem Dk / 8 bytes per side."""
    assert chip().lhs_bytes == chip().rhs_bytes == 8 * 1024 * 256 // 8


def test_rereading_the_lhs_takes_32_cycles_per_plane_and_k_tile() -> None:
    """64-bit port: w tiles_k Dm Dk / 64 = 32 w tiles_k cycles against w a tiles_k of execution."""
    for w, a, tiles_k in ((1, 1, 1), (2, 8, 5), (8, 1, 16)):
        product = gemm(chip(), 8, 256 * tiles_k, 8, w, a)
        clocks = replace(chip().timings(), fetch_latency=0, drain=0)
        times = step_times(product, clocks)
        assert times.fetch_lhs == 32 * w * tiles_k
        assert times.execute == w * a * tiles_k


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_the_schedule_is_fetch_bound_below_32_rhs_bits(bits: int) -> None:
    """Every precision that the array takes (at most 8 bits) is fetch-bound on 8x256x8, by the schedule of BISMO."""
    clocks = chip().timings()
    product = gemm(chip(), 512, 2048, 512, bits, bits)
    cycles = product_cycles(chip(), clocks, product)
    assert path_bounds(product, clocks).by == "fetch"
    assert cycles == pytest.approx(path_bounds(product, clocks).fetch, rel=0.01)
    assert cycles > 2 * product.dpa_cycles


def test_execution_is_linear_in_both_precisions() -> None:
    """Bit-serial execution time is proportional to w x a (BISMO, arXiv 1901.00370): exact in array cycles."""
    one = gemm(chip(), 64, 1000, 64, 1, 1).dpa_cycles
    assert all(gemm(chip(), 64, 1000, 64, w, a).dpa_cycles == w * a * one for w in range(1, 9) for a in range(1, 9))


def test_the_whole_latency_is_affine_in_the_bits_that_are_fetched() -> None:
    """Where fetch bounds the schedule, each further LHS bit adds the same cycles, in the simulation as in closed form."""
    clocks = chip().timings()
    cycles = [int(run_product(gemm(chip(), 64, 1024, 64, w, 1), chip(), clocks)[:, 3].max()) for w in range(1, 8)]
    steps = {b - a for a, b in itertools.pairwise(cycles)}
    assert len(steps) == 1
    plane = 64 * 1024 // (8 * clocks.read_bytes)  # cycles for one bit of all 64 x 1024 LHS values
    assert steps.pop() == pytest.approx(64 // chip().dn * plane, rel=1e-3)  # read again for every tile of columns


def test_energy_per_binary_operation_lies_in_the_band_of_binary_accelerators() -> None:
    """Array and operand buffers at 28 nm, per AND or add: BinarEye 28 nm 230 TOPS/W peak = 4.3 fJ (arXiv 1804.05554), XNE
    22 nm at 0.4 V 21.6 fJ (arXiv 1807.03010). A band of a factor 4 around both, neither used for calibration.
    """
    c = chip()
    units, bits = c.dm * c.dn, c.dk
    words = (c.dm + c.dn) * bits / c.buffers.bank_word.value
    e = c.energy
    adders = (bits - 1 + 32) * e.adder_bit.value
    cycle = units * (bits * e.and_gate.value + adders + 32 * e.register_bit.value) + words * e.sram_read.value
    assert 4.3e-15 / 4 < cycle / (2 * units * bits) < 21.6e-15 * 4
