"""Mapping and execution of whole networks: exact integers, honest addresses, and every reason when it does not fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.mcu import McuTarget, arena
from hwmodels.mcu.chip import McuChip
from hwmodels.mcu.choose import Prefer
from hwmodels.mcu.execute import execute
from hwmodels.mcu.map import McuMapping
from hwmodels.target import load_target
from neurobin.errors import DoesNotFitError, FormatError, GraphError
from neurobin.exec import reference
from neurobin.ir import BINARY, BIPOLAR, TERNARY, Constant, DType, Graph, TensorType
from neurobin.ir.dtype import i, u
from neurobin.units import format_bytes
from tests.hwmodels.mcu.test_layout import members
from tests.networks import Random, binary_convnet, images, residual_convnet


def mcu(name: str = "stm32l4r5", prefer: Prefer = "", **changes: float) -> McuTarget:
    target = load_target(name, {key.replace("__", "."): value for key, value in changes.items()})
    assert isinstance(target, McuTarget)
    return replace(target, prefer=prefer)


@pytest.mark.parametrize("channels", [31, 32, 33, 63, 64, 65])
@pytest.mark.parametrize("dtype", [BIPOLAR, TERNARY, BINARY, u(2)], ids=str)
def test_binary_networks(channels: int, dtype: DType) -> None:
    for groups, pad_value in ((1, 0), (1, 1)):
        graph = binary_convnet(1, size=8, channels=channels, groups=groups, dtype=dtype, pad_value=pad_value)
        x = images(graph, 2)
        assert np.array_equal(execute(mcu().map(graph), x), reference.run(graph, x))


@pytest.mark.parametrize("channels", [8, 31, 64])
def test_residual_networks(channels: int) -> None:
    graph = residual_convnet(channels, channels=channels)
    x = images(graph, 3)
    assert np.array_equal(execute(mcu().map(graph), x), reference.run(graph, x))


def test_grouped_networks_with_groups_that_cut_words() -> None:
    graph = binary_convnet(2, channels=66, groups=3)
    x = images(graph, 3)
    assert np.array_equal(execute(mcu().map(graph), x), reference.run(graph, x))


def test_batches_and_empty_input() -> None:
    graph = binary_convnet(3)
    x = images(graph, 300)
    mapping = mcu().map(graph)
    assert np.array_equal(execute(mapping, x), reference.run(graph, x))
    assert execute(mapping, x[:0]).shape == (0, 10)
    with pytest.raises(GraphError, match="expected a batch of shape"):
        execute(mapping, x[:, :-1])


def test_shortcut_is_written_in_place_and_accumulators_never_reach_ram() -> None:
    graph = residual_convnet(size=8, channels=32)
    mapping = mcu().map(graph)
    assert mapping.summary()["in_place"] == {"add6": "requantise1", "add11": "add6"}
    stored = {span.tensor for span in mapping.spans if span.memory == "SRAM" and not span.tensor.endswith(" (window)")}
    assert not any(name.startswith(("bit_conv2d", "int_conv2d")) for name in stored)
    window = 2 * 9 * 4  # a 3x3 window of 32 channels and its mask
    assert mapping.ram_bytes == 8 * 8 * 32 * 2 + 8 * 8 * 4 + window  # the 16-bit map and its signs


@pytest.mark.parametrize(
    ("source", "result", "channels", "in_place"),
    [
        (i(8), i(8), 5, True),
        (i(16), i(8), 5, True),
        (i(8), i(16), 5, False),  # wider elements overtake what is still to be read
        (i(8), BIPOLAR, 32, True),
        (i(8), BIPOLAR, 33, True),  # 8 bytes of words for 33 bytes
        (i(8), TERNARY, 16, False),  # the second plane lies where rows are still to be read
        (BIPOLAR, BINARY, 33, True),
        (BIPOLAR, i(8), 33, False),
    ],
    ids=str,
)
def test_what_may_be_overwritten_while_it_is_read(source: DType, result: DType, channels: int, in_place: bool) -> None:
    b = Random(1, TensorType((6, 5, channels), source))
    if result in (BIPOLAR, BINARY, TERNARY):
        thresholds = np.arange(result.bits)[None] - (result == TERNARY)
        x = b.op("multi_threshold", "image", thresholds=Constant(i(8), thresholds), dtype=result)
    else:
        one = Constant(i(8), [1])
        x = b.op("requantise", "image", multiplier=one, bias=one, shift=0, dtype=result)
    graph = b.graph(x)
    mapping = mcu().map(graph)
    assert (mapping.placement[x] == mapping.placement["image"]) == in_place
    maps = members(source, (3, 6, 5, channels))
    assert np.array_equal(execute(mapping, maps), reference.run(graph, maps))
    if not in_place:  # the refusal is needed: the same bytes would be wrong
        both = replace(mapping, placement={"image": 0, x: 0})
        assert not np.array_equal(execute(both, maps), reference.run(graph, maps))


def moved(mapping: McuMapping, tensor: str, address: int) -> McuMapping:
    return replace(mapping, placement={**mapping.placement, tensor: address})


def test_an_overlap_between_kernels_changes_the_answer() -> None:
    """Two live buffers on one address: the check names them and the executed integers are wrong."""
    graph = residual_convnet(channels=16)
    x = images(graph, 4)
    mapping = mcu().map(graph)
    assert arena.overlaps(mapping.schedule.buffers, mapping.placement) == []
    broken = moved(mapping, "multi_threshold2", mapping.placement["requantise1"] + 256)
    assert ("requantise1", "multi_threshold2") in arena.overlaps(broken.schedule.buffers, broken.placement)
    assert not np.array_equal(execute(broken, x), reference.run(graph, x))


def test_an_overlap_inside_a_kernel_changes_the_answer() -> None:
    """A convolution that writes over its own input: rows still to be read are lost."""
    b = Random(7, TensorType((6, 6, 32), BIPOLAR))
    x = b.op("bit_conv2d", "image", weight=b.weight(BIPOLAR, 32, 3, 3, 32), padding=(1, 1, 1, 1))
    graph = b.graph(b.sign(x))
    maps = 2 * np.random.default_rng(0).integers(0, 2, (3, 6, 6, 32)) - 1
    mapping = mcu().map(graph)
    assert np.array_equal(execute(mapping, maps), reference.run(graph, maps))
    broken = moved(mapping, graph.output, mapping.placement["image"])
    assert arena.overlaps(broken.schedule.buffers, broken.placement)
    assert not np.array_equal(execute(broken, maps), reference.run(graph, maps))


def test_a_matrix_product_over_its_own_input_changes_the_answer() -> None:
    b = Random(7, TensorType((64,), BIPOLAR))
    x = b.op("bit_dense", "image", weight=b.weight(BIPOLAR, 64, 64))
    graph = b.graph(b.op("multi_threshold", x, thresholds=Constant(i(8), [[0]]), dtype=BIPOLAR))
    rows = 2 * np.random.default_rng(0).integers(0, 2, (20, 64)) - 1
    mapping = mcu().map(graph)
    broken = moved(mapping, graph.output, mapping.placement["image"])
    assert np.array_equal(execute(mapping, rows), reference.run(graph, rows))
    assert not np.array_equal(execute(broken, rows), reference.run(graph, rows))


def test_corrupt_flash_changes_the_answer() -> None:
    graph = binary_convnet(4)
    x = images(graph, 4)
    mapping = mcu().map(graph)
    image = mapping.image.copy()
    image[-40:] ^= 0xFF
    assert not np.array_equal(execute(replace(mapping, image=image), x), reference.run(graph, x))


@given(st.integers(0, 10_000), st.lists(st.sampled_from(("conv", "sign", "pool", "add", "prelu", "concat")), max_size=9))
@settings(max_examples=40, deadline=None)
def test_random_networks(seed: int, recipe: list[str]) -> None:
    """Random graphs with long-lived branches: addresses never overlap, the bound holds, and execution is exact."""
    graph = _random_network(seed, recipe)
    mapping = mcu().map(graph)
    buffers = mapping.schedule.buffers
    assert arena.overlaps(buffers, mapping.placement) == []
    assert arena.lower_bound(buffers) <= mapping.ram_bytes == mapping.resources[0].used
    x = images(graph, 2)
    assert np.array_equal(execute(mapping, x), reference.run(graph, x))


def _random_network(seed: int, recipe: list[str]) -> Graph:
    b = Random(seed, TensorType((4, 4, 5), i(8)))
    kept = ["image"]
    for step in recipe:
        x = kept[int(b.rng.integers(len(kept)))]
        kind = b.types[x]
        if step == "conv":
            weight = b.weight(BIPOLAR if b.rng.integers(2) else i(4), 5, 3, 3, kind.channels)
            x = b.op("bit_conv2d", x, weight=weight, padding=(1, 1, 1, 1))
            x = b.op("requantise", x, multiplier=Constant(i(8), b.rng.integers(-99, 99, 5)), bias=Constant(i(8), [3]),
                     shift=9, dtype=i(8))  # fmt: skip
        elif step == "sign":
            x = b.sign(x)
        elif step == "pool":
            x = b.op("max_pool2d", x, kernel=(3, 3), stride=(1, 1), padding=(1, 1, 1, 1))
        elif step == "add":
            others = [name for name in kept if b.types[name].shape == kind.shape]
            x = b.op("add", x, others[int(b.rng.integers(len(others)))], dtype=i(8))
        elif step == "prelu":
            x = b.op("prelu", x, slope=Constant(i(8), b.rng.integers(-99, 99, kind.channels)), shift=7)
        else:
            others = [name for name in kept if b.types[name].dtype == kind.dtype]
            x = b.op("concat", x, others[int(b.rng.integers(len(others)))])
        kept.append(x)
    x = b.op("flatten", kept[-1])
    return b.graph(b.op("int_dense", x, weight=b.weight(i(4), 3, b.types[x].size)))


def test_all_reasons_at_once() -> None:
    """RAM with what is alive at the peak, flash with its split, and a kernel's reason, in one error."""
    b = Random(0, TensorType((16, 16, 4), i(34)))
    x = b.op("int_conv2d", "image", weight=b.weight(i(4), 4, 3, 3, 4), padding=(1, 1, 1, 1))
    graph = b.graph(b.op("int_dense", b.op("flatten", x), weight=b.weight(i(4), 10, 1024)))
    target = mcu(sram=9000.0, flash=10_000.0)
    issues = target.check(graph)
    assert [issue.node for issue in issues] == ["int_conv2d0", "int_dense2", "", ""]
    text = " | ".join(map(str, issues))
    assert "activations of type i34 do not fit the 32-bit operands" in text
    assert "constants take 10384 B of flash, the chip has 10000 B (largest: int_dense2.weight 10240 B" in text
    assert "activations take 16384 B of SRAM, the chip has 9000 B" in text
    assert "alive in int_conv2d0: image 8192 B, int_conv2d0 8192 B" in text
    with pytest.raises(DoesNotFitError) as caught:
        target.map(graph)
    assert caught.value.reasons == [str(issue) for issue in issues]


def test_real_tensors_and_unknown_interfaces_are_reasons() -> None:
    b = Random(0, TensorType((4, 4, 2), i(8)))
    x = b.op("affine", "image")
    graph = Graph(b.graph(x).inputs, tuple(b.nodes), (x, "image"))
    reasons = [str(issue) for issue in mcu().check(graph)]
    assert reasons[0] == "expected one output, the graph has 2: affine0, image"
    assert reasons[1].startswith("affine0: f32[4,4,2] is real")


def test_a_network_that_fits_has_no_reasons() -> None:
    for name in ("stm32l4r5", "stm32h7a3", "stm32u575", "stm32f746"):
        assert mcu(name).check(binary_convnet()) == []


def test_summary_counts_flash_and_ram() -> None:
    mapping = mcu(prefer="direct").map(binary_convnet(channels=32, groups=1))
    summary = mapping.summary()
    weights = 32 * 9 + 32 * 9 * 4 + 64 * 9 * 2 * 4 + 10 * (64 * 4 // 32) * 4
    assert summary["flash_by_field"]["weight"] == weights  # type: ignore[index,call-overload]
    assert summary["flash_bytes"] == mapping.resources[1].used == len(mapping.image)
    assert summary["code_bytes"] is None
    assert format_bytes(mapping.ram_bytes) == "512 B"


def test_chip_files_refuse_missing_and_wrong_constants() -> None:
    chip = mcu().chip.model_dump()
    del chip["cycles"]["popcount"], chip["supply"]
    chip["clock"]["unit"] = "MHz"
    with pytest.raises(FormatError) as caught:
        McuTarget.from_data(chip, "x.toml")
    assert "clock: expected a value in Hz, got 'MHz'" in str(caught.value)
    assert "cycles.popcount: Field required" in str(caught.value)
    with pytest.raises(FormatError, match="given together"):
        McuTarget.from_data({k: v for k, v in mcu().chip.model_dump().items() if k != "supply"}, "x.toml")


def test_every_constant_names_its_source() -> None:
    for name in ("stm32l4r5", "stm32h7a3", "stm32u575", "stm32f746"):
        chip: McuChip = mcu(name).chip
        table = chip.cycles
        assert all(getattr(table, field).source for field in type(table).model_fields)
