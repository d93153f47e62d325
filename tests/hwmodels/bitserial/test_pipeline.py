"""Latency: the recurrence, the path bounds and the event-driven stages against each other."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.bitserial import pipeline
from hwmodels.bitserial.chip import BitSerialChip, Clocks
from hwmodels.bitserial.mapping import product_cycles
from hwmodels.bitserial.pipeline import path_bounds
from hwmodels.bitserial.schedule import execute_stream, fetch_stream, result_stream, step_times
from hwmodels.bitserial.simulate import run_product
from hwmodels.bitserial.tiling import Gemm, gemm
from hwmodels.trace import STATES
from tests.hwmodels.bitserial.chips import target

CHIPS = {name: target(name).chip for name in ("bismo_8x256x8", "bismo_8x64x8")}
shapes = st.builds(
    lambda name, m, k, n, w, a: (CHIPS[name], gemm(CHIPS[name], m, k, n, w, a)),
    st.sampled_from(sorted(CHIPS)),
    st.integers(1, 90),
    st.integers(1, 1500),
    st.integers(1, 60),
    st.integers(1, 8),
    st.integers(1, 8),
)
clocks_of = st.builds(
    lambda sync, drain, fetch, dram: Clocks(sync, drain, fetch + dram, dram, 8, 8, 5e-9),
    st.integers(1, 5),
    st.integers(0, 20),
    st.integers(0, 30),
    st.integers(0, 90),
)


def simulated(product: Gemm, chip: BitSerialChip, clocks: Clocks) -> int:
    return int(run_product(product, chip, clocks)[:, 3].max())


@given(shapes, clocks_of)
@settings(max_examples=150, deadline=None)
def test_the_recurrence_is_the_simulation_and_paths_are_lower_bounds(
    case: tuple[BitSerialChip, Gemm], clocks: Clocks
) -> None:
    chip, product = case
    cycles = simulated(product, chip, clocks)
    assert product_cycles(chip, clocks, product) == cycles
    assert path_bounds(product, clocks).cycles <= cycles


@given(shapes, st.integers(2, 8), st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_the_recurrence_holds_for_any_number_of_tokens(case: tuple[BitSerialChip, Gemm], regions: int, buffers: int) -> None:
    changes = {"tokens__free_regions": regions, "tokens__result_buffers": buffers, "buffers__regions": 8}
    chip = target(case[0].name, **changes).chip
    clocks = chip.timings()
    assert product_cycles(chip, clocks, case[1]) == simulated(case[1], chip, clocks)


@given(shapes, clocks_of)
@settings(max_examples=60, deadline=None)
def test_a_single_tile_never_waits_twice_so_all_paths_meet(case: tuple[BitSerialChip, Gemm], clocks: Clocks) -> None:
    chip, product = case
    product = replace(product, m=min(product.m, product.dm), n=min(product.n, product.dn))
    bounds = path_bounds(product, clocks)
    assert bounds.fetch == bounds.execute == bounds.result == simulated(product, chip, clocks)


@given(shapes, clocks_of)
@settings(max_examples=150, deadline=None)
def test_where_execution_hides_fetch_and_result_its_path_is_the_latency(
    case: tuple[BitSerialChip, Gemm], clocks: Clocks
) -> None:
    """Hidden means: both stripes of a step are fetched, and its tile is written, while the array works on one step."""
    chip, product = case
    times = step_times(product, clocks)
    hidden = times.fetch_lhs + times.fetch_rhs + 4 * clocks.sync <= times.execute + 4 * clocks.sync
    hidden = hidden and times.result + 2 * clocks.sync <= times.execute + 4 * clocks.sync
    if not hidden:  # make the array slower instead of throwing the example away
        clocks = replace(clocks, drain=clocks.drain + times.fetch_lhs + times.fetch_rhs + times.result)
    assert simulated(product, chip, clocks) == path_bounds(product, clocks).execute


@given(shapes)
@settings(max_examples=40, deadline=None)
def test_streams_run_every_tile_and_return_every_token(case: tuple[BitSerialChip, Gemm]) -> None:
    chip, product = case
    clocks = chip.timings()
    times = step_times(product, clocks)
    balance: dict[str, int] = {}
    runs = []
    for stream in (
        fetch_stream(product, times),
        execute_stream(product, times),
        result_stream(product, times, clocks),
    ):
        instructions = list(stream)
        runs.append(sum(i.kind == "run" for i in instructions))
        for i in instructions:
            if i.queue:
                balance[i.queue] = balance.get(i.queue, 0) + (1 if i.kind == "send" else -1)
    tiles = product.tiles_m * product.tiles_n
    assert runs == [tiles + product.tiles_n, tiles, tiles + 1]
    assert set(balance.values()) == {0}


def test_events_of_a_stage_do_not_overlap_and_run_times_are_those_of_the_streams() -> None:
    chip = CHIPS["bismo_8x64x8"]
    clocks, product = chip.timings(), gemm(chip, 50, 300, 30, 2, 3)
    events = run_product(product, chip, clocks)
    times, tiles = step_times(product, clocks), product.tiles_m * product.tiles_n
    run = [int((e[:, 3] - e[:, 2]).sum()) for s in range(3) for e in [events[(events[:, 0] == s) & (events[:, 1] == 0)]]]
    assert STATES[0] == "run"
    assert run[0] == product.tiles_n * times.fetch_rhs + tiles * times.fetch_lhs
    assert run[1] == tiles * times.execute
    assert run[2] == tiles * times.result + clocks.dram_latency
    for stage in range(3):
        mine = events[events[:, 0] == stage]
        assert np.array_equal(mine[1:, 2], mine[:-1, 3])  # a stage is always in some state from its start to its end


def test_large_products_cost_no_more_to_price_than_small_ones() -> None:
    chip = CHIPS["bismo_8x256x8"]
    clocks = chip.timings()
    start = time.perf_counter()
    huge = pipeline.cycles(gemm(chip, 800_000, 5000, 80_000, 8, 8), clocks, 4, 2)
    assert time.perf_counter() - start < 0.5
    assert huge >= path_bounds(gemm(chip, 800_000, 5000, 80_000, 8, 8), clocks).cycles
