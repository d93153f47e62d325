"""A binary 3x3 convolution, 256 channels on 14x14, batch 32, one thread: exact sums."""

from __future__ import annotations

from benchmarks.claim import Claim, Goal, Options, best_of, hold
from benchmarks.claims._field import OURS, field_of
from benchmarks.profile import profiles, table, why
from benchmarks.workloads import ConvSpec, conv_sums

SPEC = ConvSpec(256, 14, 32)


def run(options: Options) -> Claim:
    x, w = SPEC.operands()
    with field_of(1) as peers:
        race = hold(SPEC.name, peers, lambda peer: peer.conv(SPEC, x, w), conv_sums(x, w), SPEC.macs, options)
    got, _ = best_of([race], OURS, "torch int8")
    found = profiles([SPEC])
    goal = Goal("256@14, batch 32, against torch int8", 1.0, got, why=why(found))
    return Claim("Throughput", __doc__ or "", [race], [goal], [table(found)])
