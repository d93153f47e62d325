"""Binary 3x3 convolutions of a ResNet-18, batch 1, one thread: exact sums."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.claim import Claim, Goal, Options, Race, best_of, hold
from benchmarks.claims._field import OURS, field_of
from benchmarks.contender import Peer
from benchmarks.profile import profiles, table, why
from benchmarks.workloads import STAGES, ConvSpec, conv_sums

WANTED = {"torch fp32": 20.0, "onnxruntime int8": 5.0, "torch int8": 2.0, "larq default": 100.0}


def run(options: Options) -> Claim:
    """All back ends of this machine against all peers."""
    with field_of(1) as peers:
        races = [_race(peers, spec, options) for spec in STAGES]
    found = profiles(STAGES)
    goals, notes = [], [table(found)]
    for peer, wanted in WANTED.items():
        got, winners = best_of(races, OURS, peer)
        title = f"3x3 convolutions, batch 1, geometric mean against {peer}"
        goals.append(Goal(title, wanted, got, why=why(found)))
        notes.append(_which(peer, winners))
    got, winners = best_of(races, OURS, "larq tuned")
    if got is not None:
        notes.append(f"Against larq tuned, for which no goal was set: {got:.1f}x.")
    return Claim("Binary convolutions, batch 1", __doc__ or "", races, goals, notes)


def _race(peers: Sequence[Peer], spec: ConvSpec, options: Options) -> Race:
    x, w = spec.operands()
    return hold(spec.name, peers, lambda peer: peer.conv(spec, x, w), conv_sums(x, w), spec.macs, options)


def _which(peer: str, winners: list[str]) -> str:
    return f"Fastest of ours against {peer}: {', '.join(winners) or 'the peer did not run'}."
