"""The family behind the target protocol: chip files, reasons, memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodels.bitserial import BitSerial
from hwmodels.bitserial.memory import Buffer, place
from hwmodels.target import constants, load_target
from neurobin.errors import DoesNotFitError, FormatError
from neurobin.ir import BIPOLAR, FLOAT32, TensorType
from neurobin.ir.dtype import i
from tests.hwmodels.bitserial.chips import data, target
from tests.networks import Random, binary_convnet, residual_convnet


@pytest.mark.parametrize("name", ["bismo_8x256x8", "bismo_8x64x8"])
def test_chips_load_and_every_constant_has_a_source_of_its_own(name: str) -> None:
    found = load_target(name)
    assert isinstance(found, BitSerial)
    assert found.name == name
    assert len(constants(found.chip)) > 40
    assert "not published" in found.chip.description


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"array__dk": 96}, "array.dk (96) must be a multiple of buffers.bank_word (64)"),
        ({"buffers__lhs_entries": 512}, "buffers.lhs_entries x bank_word is 4096 B"),
        ({"tokens__free_regions": 1}, "tokens.free_regions must lie in 2..tokens.queue_depth"),
        ({"tokens__result_buffers": 9}, "tokens.result_buffers must lie in 1..tokens.queue_depth"),
        ({"timing__sync": 0}, "timing.sync"),
        ({"timing__dpu": 2.5}, "expected whole numbers of cycle, got 2.5"),
        ({"dram_type": "HBM9"}, "dram_type is 'HBM9', energy.dram has DDR3, LPDDR, LPDDR4"),
        ({"dpu": "nand"}, "'and' or 'xnor'"),
    ],
)
def test_impossible_chip_files_are_refused_with_the_reason(changes: dict[str, float | str], message: str) -> None:
    with pytest.raises(FormatError) as error:
        target(**changes)
    assert message in str(error.value)


def test_missing_constants_and_wrong_units_are_refused_by_path() -> None:
    content = data()
    del content["timing"]["dram_latency"]
    content["energy"]["sram_read"]["unit"] = "W"
    with pytest.raises(FormatError) as error:
        BitSerial.from_data(content, "chip.toml")
    assert "timing.dram_latency: Field required" in str(error.value)
    assert "energy.sram_read: expected a value in J, got 'W'" in str(error.value)


def test_every_reason_is_given_at_once() -> None:
    b = Random(0, TensorType((4, 4, 2), i(16)))
    x = b.op("int_conv2d", "image", weight=b.weight(i(12), 3, 1, 1, 2))
    x = b.op("quantize", b.op("flatten", x), bits=2)
    x = b.op("bit_dense", x, weight=b.weight(BIPOLAR, 2, 48))
    reasons = [str(issue) for issue in target().check(b.graph(x))]
    assert reasons == [
        "int_conv2d0: 16-bit activations: the array takes at most 8 bits",
        "int_conv2d0: 12-bit weights: the array takes at most 8 bits",
        "quantize2: neither the array nor the vector unit computes quantize",
    ]
    with pytest.raises(DoesNotFitError) as error:
        target().map(b.graph(x))
    assert error.value.reasons == reasons
    assert error.value.exit_code == 4


def test_real_tensors_wide_sums_and_small_memories_are_reasons() -> None:
    b = Random(0, TensorType((4,), FLOAT32))
    real = b.graph(b.op("relu", "image"))
    assert "is real" in str(target().check(real)[0])
    assert [str(issue) for issue in target().check(residual_convnet())] == [
        "int_dense14: 22-bit activations: the array takes at most 8 bits"
    ]
    small = target(port__dram=1000).check(binary_convnet())
    assert len(small) == 1
    assert "B of DRAM, the board has 1000 B" in str(small[0])
    narrow = target(buffers__stripe_limit=511).check(binary_convnet())
    assert len(narrow) == 1
    assert str(narrow[0]) == (
        "int_conv2d1: one K tile of 8-bit weights and 8-bit activations takes 512 B and 512 B, "
        "a buffer region has 511 B (LHS) and 511 B (RHS)"
    )
    short = target(array__accumulator=16).check(binary_convnet())
    assert [str(issue) for issue in short] == ["int_conv2d1: 8 x 8 bits over 64 positions exceed a 16-bit accumulator"]


def test_resources_and_memory_of_a_mapping() -> None:
    mapping = target().map(binary_convnet())
    first = mapping.resources[0]
    assert first.name == "on-chip buffers"
    assert 0 < first.used <= first.capacity
    assert len(mapping.steps) == len(mapping.plan)
    names = {span.tensor for span in mapping.spans}
    assert {"image", "bit_conv2d3 bit planes", "bit_conv2d3 sums"} <= names
    assert min(span.address for span in mapping.spans) >= mapping.weight_bytes > 0
    output = mapping.graph.output
    assert next(s.last for s in mapping.spans if s.tensor == output) == len(mapping.steps) - 1


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9), st.integers(0, 5)), max_size=14))
def test_buffers_that_live_together_never_share_a_byte(items: list[tuple[int, int, int]]) -> None:
    spans = place([Buffer(f"t{k}", size, first, first + more) for k, (size, first, more) in enumerate(items)], 7)
    memory: dict[tuple[int, int], str] = {}
    for span in spans:
        assert span.address >= 7
        for step in range(span.first, span.last + 1):
            for byte in range(span.address, span.address + span.size_bytes):
                assert memory.setdefault((step, byte), span.tensor) == span.tensor


def test_the_cheaper_operand_order_is_chosen() -> None:
    """The LHS is read again for every column of tiles, so it should be the operand that makes few columns of the other."""
    b = Random(0, TensorType((12, 12, 32), BIPOLAR))
    wide = target().map(b.graph(b.op("bit_conv2d", "image", weight=b.weight(BIPOLAR, 4, 1, 1, 32))))
    b = Random(0, TensorType((2, 2, 32), BIPOLAR))
    deep = target().map(b.graph(b.op("bit_conv2d", "image", weight=b.weight(BIPOLAR, 200, 1, 1, 32))))
    chosen = [m.plan[0].product.weights_are_lhs for m in (wide, deep) if m.plan[0].product]
    assert len(set(chosen)) == 2


def test_execution_refuses_a_wrong_batch() -> None:
    chip = target()
    mapping = chip.map(binary_convnet())
    with pytest.raises(Exception, match="expected a batch of shape"):
        chip.execute(mapping, np.zeros((1, 3, 3, 1)))
