"""The instruction streams of the three stages for one matrix product (BISMO: FetchInstrGen, ExecInstrGen, ResultInstrGen).

Columns of tiles n are the outer loop, rows of tiles m the inner one. The three stages meet only at four token queues:

    fetch -> execute "filled"    a stripe lies in its buffer       execute -> fetch "free"      a stripe may be overwritten
    execute -> result "done"     a tile lies in a result buffer    result -> execute "drained"  a result buffer is free

Streams carry one run instruction per tile step (its length summed over plane pairs); `wavefronts` lists the plane pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hwmodels.bitserial.chip import Clocks
from hwmodels.bitserial.tiling import Gemm

Queue = Literal["filled", "free", "done", "drained"]
Kind = Literal["run", "send", "receive"]
STAGES = ("fetch", "execute", "result")


@dataclass(frozen=True)
class Instruction:
    """`run` for `cycles`, or send to or receive from `queue`."""

    kind: Kind
    queue: Queue | None = None
    cycles: int = 0


@dataclass(frozen=True)
class PlanePair:
    """One execute run instruction: which planes meet, and what the accumulator does with their popcounts.

    On its first step `clear` empties the accumulator and `shift` doubles it; `negate` subtracts every popcount.
    """

    lhs: int
    rhs: int
    clear: bool
    shift: bool
    negate: bool


def wavefronts(lhs_bits: int, rhs_bits: int, lhs_signed: bool, rhs_signed: bool) -> tuple[PlanePair, ...]:
    """All plane pairs from the heaviest wavefront (i + j constant) downwards; the accumulator doubles between wavefronts.

    A popcount counts negatively when exactly one of its planes is the top plane of a signed operand (ExecInstrGen.cpp).
    """
    pairs = []
    top = lhs_bits + rhs_bits - 2
    for weight in range(top, -1, -1):
        first = True
        for lhs in range(min(weight, lhs_bits - 1), max(0, weight - rhs_bits + 1) - 1, -1):
            rhs = weight - lhs
            negative = (lhs_signed and lhs == lhs_bits - 1) != (rhs_signed and rhs == rhs_bits - 1)
            pairs.append(PlanePair(lhs, rhs, clear=weight == top, shift=first and weight != top, negate=negative))
            first = False
    return tuple(pairs)


@dataclass(frozen=True)
class StepTimes:
    """What the run instructions of one product take, in cycles."""

    fetch_lhs: int
    fetch_rhs: int
    execute: int
    result: int


def step_times(product: Gemm, clocks: Clocks) -> StepTimes:
    """Run lengths per tile step: port beats plus the way to the buffer; plane pairs x K tiles plus the pipeline's drain.

    Fetch and execute wait at every sync until their pipelines are empty, so latency and drain count at every step; the
    result stage posts its writes and waits for them only at the very end.
    """
    return StepTimes(
        fetch_lhs=-(-product.lhs_stripe_bytes // clocks.read_bytes) + clocks.fetch_latency,
        fetch_rhs=-(-product.rhs_stripe_bytes // clocks.read_bytes) + clocks.fetch_latency,
        execute=product.plane_pairs * product.tiles_k + clocks.drain,
        result=-(-product.tile_bytes // clocks.write_bytes),
    )


def fetch_stream(product: Gemm, times: StepTimes) -> Iterator[Instruction]:
    """Per column the RHS stripe, then every LHS stripe, each into a free region."""
    free, filled = Instruction("receive", "free"), Instruction("send", "filled")
    lhs, rhs = Instruction("run", cycles=times.fetch_lhs), Instruction("run", cycles=times.fetch_rhs)
    for _ in range(product.tiles_n):
        yield from (free, rhs, filled)
        for _ in range(product.tiles_m):
            yield from (free, lhs, filled)


def execute_stream(product: Gemm, times: StepTimes) -> Iterator[Instruction]:
    """Per tile: wait for its stripes and a result buffer, run all plane pairs, hand on the tile, free the stripes."""
    filled, free = Instruction("receive", "filled"), Instruction("send", "free")
    drained, done = Instruction("receive", "drained"), Instruction("send", "done")
    run = Instruction("run", cycles=times.execute)
    for _ in range(product.tiles_n):
        yield filled
        for _ in range(product.tiles_m):
            yield from (filled, drained, run, done, free)
        yield free


def result_stream(product: Gemm, times: StepTimes, clocks: Clocks) -> Iterator[Instruction]:
    """Per tile: wait for it, write it, free its buffer; at the end wait for the outstanding writes."""
    done, drained = Instruction("receive", "done"), Instruction("send", "drained")
    write = Instruction("run", cycles=times.result)
    for _ in range(product.tiles_m * product.tiles_n):
        yield from (done, write, drained)
    yield Instruction("run", cycles=clocks.dram_latency)
