"""The vector unit's counts and cycles, by hand."""

from __future__ import annotations

import numpy as np

from hwmodels.bitserial.vector import Elementary, Pass, elementary, moves, stored_bytes, vector_cycles
from neurobin.ir import BIPOLAR, TERNARY, Constant, TensorType
from neurobin.ir.dtype import i, u
from neurobin.ops import op_class
from tests.hwmodels.bitserial.chips import target

CHIP = target().chip
CLOCKS = CHIP.timings()  # 8 lanes, 8 B per cycle each way


def test_a_pass_takes_its_slowest_part_after_one_dram_latency() -> None:
    latency = CLOCKS.dram_latency
    assert latency == 32
    assert vector_cycles(CHIP, CLOCKS, Pass((80, 3), 40, 8)) == latency + 10 + 1
    assert vector_cycles(CHIP, CLOCKS, Pass((8,), 801, 8)) == latency + 101
    assert vector_cycles(CHIP, CLOCKS, Pass((8,), 8, 1600)) == latency + 200
    assert vector_cycles(CHIP, CLOCKS, Pass()) == 0


def test_elements_are_stored_at_the_next_power_of_two_of_their_bits() -> None:
    sizes = {BIPOLAR: 2, TERNARY: 3, u(3): 6, i(8): 11, i(9): 22, i(22): 44}
    assert {dtype: stored_bytes(TensorType((11,), dtype)) for dtype in sizes} == sizes


def test_elementary_operations_of_some_ops() -> None:
    kind = TensorType((4, 4, 2), i(10))
    thresholds = Constant(i(10), [[-3, 0, 5]])
    assert elementary(op_class("multi_threshold")(thresholds=thresholds, dtype=u(2)), [kind], kind) == (
        Elementary("compare", 96, 10),
    )
    scale = op_class("requantise")(multiplier=Constant(i(6), [5]), bias=Constant(i(6), [1]), shift=3, dtype=i(8))
    assert elementary(scale, [kind], TensorType(kind.shape, i(8))) == (
        Elementary("multiply", 32, 10, 6),
        Elementary("add", 32, 16),
        Elementary("compare", 64, 16),
    )
    pool = op_class("sum_pool2d")(kernel=(2, 2), stride=(2, 2))
    assert elementary(pool, [kind], pool.infer(kind)) == (Elementary("add", 8 * 3, 12),)
    assert elementary(op_class("max_pool2d")(kernel=(1, 1), stride=(1, 1)), [kind], kind) == ()


def test_elementary_operations_of_tables_factors_and_logic() -> None:
    kind = TensorType((4, 4, 2), i(8))
    table = op_class("lookup")(table=Constant(u(8), np.zeros((1, 256))), low=-128)
    assert elementary(table, [kind], table.infer(kind)) == (Elementary("compare", 32 * 255, 8),)
    factors = op_class("position_scale")(factor=Constant(i(12), np.full((4, 4), 9)))
    assert elementary(factors, [kind], factors.infer(kind)) == (Elementary("multiply", 32, 8, 12),)
    bits = TensorType((4, 4, 2), BIPOLAR)
    assert elementary(op_class("logic")(kind="or"), [bits, bits], bits) == (Elementary("compare", 32, 1),)


def test_only_renaming_moves_nothing() -> None:
    assert not moves(op_class("flatten")())
    assert moves(op_class("flatten")(channels_first=True))
    assert moves(op_class("concat")())
