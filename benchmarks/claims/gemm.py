"""A product of binary matrices, 4096 x 4096 x 4096, one thread: exact sums."""

from __future__ import annotations

from benchmarks.claim import Claim, Goal, Options, best_of, hold
from benchmarks.claims._field import OURS, field_of
from benchmarks.profile import profiles, table, why
from benchmarks.workloads import GEMM, gemm_sums

SLOW = ("generic",)  # half a minute per call, and no news


def run(options: Options) -> Claim:
    a, b = GEMM.operands()
    ours = [name.removeprefix("neurobin ") for name in OURS]
    with field_of(1, [name for name in ours if name not in SLOW]) as peers:
        race = hold(GEMM.name, peers, lambda peer: peer.gemm(GEMM, a, b), gemm_sums(a, b), GEMM.macs, options)
    got, _ = best_of([race], OURS, "torch int8")
    found = profiles([GEMM])
    goal = Goal("GEMM 4096^3 against torch int8 linear", 2.0, got, why=why(found))
    return Claim("Matrix products", __doc__ or "", [race], [goal], [table(found)])
