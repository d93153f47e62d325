"""The gathering and unpacking kernels: their scratch is real memory, and their prices are counts of what they do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.mcu import arena
from hwmodels.mcu.choose import Prefer
from hwmodels.mcu.execute import execute
from hwmodels.mcu.kernels.gathered import GATHERED
from hwmodels.mcu.kernels.layer import Layer
from hwmodels.mcu.kernels.site import Site, scratch_name
from hwmodels.mcu.kernels.unpacked import fresh_rows, slots
from hwmodels.mcu.layout import unpack_words
from neurobin.exec import reference
from neurobin.exec.activity import Activity
from neurobin.ir import BIPOLAR, TERNARY, DType, Encoding, Graph, TensorType
from neurobin.ir.dtype import i, u
from tests.hwmodels.mcu.test_estimate import charges
from tests.hwmodels.mcu.test_layout import members
from tests.hwmodels.mcu.test_map import mcu
from tests.networks import Random

BIPOLAR2 = DType(Encoding.BIPOLAR, 2)
SAME = (1, 1, 1, 1)


def grouped(
    activation: DType = BIPOLAR, weight: DType = BIPOLAR, *, depth: int = 8, padding: tuple[int, ...] = SAME
) -> Graph:
    """8x8 maps, 4 groups of `depth` channels, 3x3 windows, 16 outputs a group: the layer this kernel is for."""
    b = Random(depth, TensorType((8, 8, 4 * depth), activation))
    return b.graph(b.op("bit_conv2d", "image", weight=b.weight(weight, 64, 3, 3, depth), groups=4, padding=padding))


def test_counts_of_groups_that_fill_bytes() -> None:
    """Without padding: one byte move per position, plane and window, then 3 dense words per output instead of 9."""
    found = charges(grouped(padding=(0, 0, 0, 0)), "gathered")
    windows, outputs = 36 * 4, 36 * 64
    assert found["pixel"] == windows
    assert found["gather position"] == found["gather move"] == windows * 9
    assert found["output"] == found["window position"] == outputs
    assert found["popcount"] == found["word logic"] == found["loop"] == outputs * 3
    assert found["load activation words"] == found["load weight words"] == outputs * 3
    assert charges(grouped(padding=(0, 0, 0, 0)), "direct")["popcount"] == outputs * 9


def test_counts_of_windows_at_the_border() -> None:
    """Bipolar bits have no 0: 28 of 64 windows gather a mask once, count it once, and read and apply it per word."""
    found = charges(grouped(), "gathered")
    windows, words, border = 64 * 4, 64 * 64 * 3, 28 * 64 * 3
    assert found["gather move"] == found["gather position"] == (windows + 28) * 9
    assert found["word logic"] == words + border
    assert found["load activation words"] == words + border + 28 * 3
    assert found["popcount"] == words + 28 * 3
    for dtype in (TERNARY, u(2)):  # planes that have a 0 need no mask
        assert charges(grouped(dtype), "gathered")["gather move"] == windows * 9 * 2


def test_counts_of_groups_that_cut_bytes() -> None:
    found = charges(grouped(depth=33, padding=(0, 0, 0, 0)), "gathered")
    assert found["gather field"] == 36 * 4 * 9 * 2
    assert "gather move" not in found
    assert found["popcount"] == 36 * 64 * 10  # 297 bits; position by position it would be 18 words


@pytest.mark.parametrize(("depth", "moves"), [(8, 1), (24, 3), (16, 1), (32, 1), (48, 3), (64, 2)])
def test_moves_are_as_wide_as_alignment_allows(depth: int, moves: int) -> None:
    found = charges(grouped(depth=depth, padding=(0, 0, 0, 0)), "gathered")
    assert found["gather move"] == 36 * 4 * 9 * moves


def test_gathering_is_reported_apart_from_counting() -> None:
    target = mcu()
    report = target.estimate(target.map(grouped()), Activity(0, {}))
    rows = {row.action: row for row in report.of("bit_conv2d0")}
    assert rows["gather position"].constant == "cycles.gather_position"
    assert rows["gather move"].constant == "cycles.gather_move"
    assert rows["gather move"].count == 3 * (64 * 4 + 28) * 9
    assert rows["gather move"].bits == 2 * 8 * (64 * 4 + 28) * 9
    assert rows["popcount"].energy_j > rows["gather move"].energy_j > 0


@pytest.mark.parametrize("prefer", ["gathered", "unpacked"])
@pytest.mark.parametrize("dtype", [BIPOLAR, TERNARY, u(2), BIPOLAR2], ids=str)
def test_scratch_is_counted_and_lives_in_its_own_step(prefer: Prefer, dtype: DType) -> None:
    graph = grouped(dtype)
    mapping = mcu(prefer=prefer).map(graph)
    planes = dtype.bits + (dtype.encoding is Encoding.BIPOLAR)
    expected = {"gathered": planes * 3 * 4, "unpacked": 3 * 8 * 32}[prefer]
    name = scratch_name(graph.nodes[0])
    buffer = next(b for b in mapping.schedule.buffers if b.name == name)
    assert (buffer.size_bytes, buffer.first, buffer.last) == (expected, 0, 0)
    assert mapping.ram_bytes == mcu(prefer="direct").map(graph).ram_bytes + expected
    assert mapping.summary()["alive_at_peak"][name] == expected  # type: ignore[index, call-overload]
    assert [span.size_bytes for span in mapping.spans if span.tensor == name] == [expected]


@pytest.mark.parametrize("prefer", ["gathered", "unpacked"])
@pytest.mark.parametrize("victim", ["image", "bit_conv2d0"])
def test_scratch_on_a_live_buffer_is_caught_and_changes_the_answer(prefer: Prefer, victim: str) -> None:
    graph = grouped()
    mapping = mcu(prefer=prefer).map(graph)
    x = members(BIPOLAR, (3, 8, 8, 32))
    assert np.array_equal(execute(mapping, x), reference.run(graph, x))
    name = scratch_name(graph.nodes[0])
    broken = replace(mapping, placement={**mapping.placement, name: mapping.placement[victim]})
    assert (victim, name) in arena.overlaps(broken.schedule.buffers, broken.placement)
    assert not np.array_equal(execute(broken, x), reference.run(graph, x))


@pytest.mark.parametrize("prefer", ["gathered", "expanded", "unpacked"])
def test_weights_are_read_from_flash_as_stored(prefer: Prefer) -> None:
    graph = grouped(u(8) if prefer == "expanded" else BIPOLAR)
    mapping = mcu(prefer=prefer).map(graph)
    section = mapping.sections[0]
    assert section.size_bytes == (64 * 3 * 4 if prefer == "gathered" else 64 * 9 * 8)
    x = members(graph.inputs["image"].dtype, (3, 8, 8, 32))
    image = mapping.image.copy()
    image[section.address + section.size_bytes - 8] ^= 0x3E
    assert not np.array_equal(execute(replace(mapping, image=image), x), reference.run(graph, x))


def test_dense_weights_lie_in_the_order_of_gathered_bits() -> None:
    """Bit t C + c of a filter is window position t, channel c; no bit is left between positions."""
    graph = grouped(depth=5)
    op = graph.nodes[0].op
    words = GATHERED.constants(Site.of(graph.nodes[0], graph.types))["weight"]
    assert words.shape == (64, 1, 2)
    bits = unpack_words(words[:, 0], 45)
    assert np.array_equal(2 * bits.astype(int) - 1, op.weight.values.reshape(64, 45))  # type: ignore[attr-defined]


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_the_ring_holds_what_each_row_of_windows_reads(data: st.DataObject) -> None:
    """Every row that a window covers is in its slot when it is read, and is unpacked once."""
    kernel, stride, dilation = (data.draw(st.integers(1, 3), name) for name in ("kernel", "stride", "dilation"))
    top, bottom, height = (data.draw(st.integers(low, high)) for low, high in ((0, 2), (0, 2), (7, 11)))
    b = Random(0, TensorType((height, 1, 4), BIPOLAR))
    weight = b.weight(BIPOLAR, 1, kernel, 1, 4)
    graph = b.graph(b.op("bit_conv2d", "image", weight=weight, stride=(stride, 1), dilation=(dilation, 1),
                         padding=(top, 0, bottom, 0)))  # fmt: skip
    layer = Layer.of(Site.of(graph.nodes[0], graph.types), expanded=True)
    ring: dict[int, int] = {}
    filled: list[int] = []
    for row in range(layer.result.grid[0]):
        for fresh in fresh_rows(layer, row):
            ring[fresh % slots(layer)] = fresh
            filled.append(fresh)
        reads = [row * stride - top + k * dilation for k in range(kernel)]
        assert all(ring[y % slots(layer)] == y for y in reads if 0 <= y < height)
    assert len(filled) == len(set(filled))


@pytest.mark.parametrize("weight", [BIPOLAR, TERNARY, i(4), BIPOLAR2], ids=str)
@pytest.mark.parametrize(
    "activation", [BIPOLAR, TERNARY, u(2), u(4), i(3), BIPOLAR2, DType(Encoding.BIPOLAR, 2, (3, 5))], ids=str
)
def test_planes_at_borders(activation: DType, weight: DType) -> None:
    """Zero padding under every pair of plane rules, with groups on and off byte boundaries and outputs in tiles."""
    for depth, size in ((8, 3), (33, 2), (32, 1)):
        b = Random(depth, TensorType((size, size, 2 * depth), activation))
        graph = b.graph(b.op("bit_conv2d", "image", weight=b.weight(weight, 70, 3, 3, depth), groups=2, padding=SAME))
        x = members(activation, (4, size, size, 2 * depth))
        mapping = mcu(prefer="gathered").map(graph)
        assert mapping.kernels[0].head is GATHERED
        assert np.array_equal(execute(mapping, x), reference.run(graph, x))
