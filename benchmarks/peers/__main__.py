"""`python -m benchmarks.peers`: every peer on the convolutions of a ResNet-18, a large matrix product and Bi-Real Net 18."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks import bireal18
from benchmarks.claim import Options, hold
from benchmarks.contender import Contender, Peer
from benchmarks.machine_info import machine_info
from benchmarks.peers import PEERS
from benchmarks.report import race_table, who
from benchmarks.workloads import GEMM, STAGES, conv_sums, gemm_sums

Work = tuple[str, Callable[[Peer], Contender], np.ndarray | None, int | None]  # title, how to prepare it, sums, MACs


def works(kinds: list[str]) -> Iterator[Work]:
    if "conv" in kinds:
        for spec in STAGES:
            x, w = spec.operands()
            yield spec.name, lambda peer, s=spec, x=x, w=w: peer.conv(s, x, w), conv_sums(x, w), spec.macs  # type: ignore[misc]
    if "gemm" in kinds:
        a, b = GEMM.operands()
        yield GEMM.name, lambda peer: peer.gemm(GEMM, a, b), gemm_sums(a, b), GEMM.macs
    if "network" in kinds:
        parameters, image = bireal18.random_parameters(), bireal18.random_image()
        yield "Bi-Real Net 18, 224x224", lambda peer: peer.network(parameters, image), None, None


def main() -> None:
    kinds = ["conv", "gemm", "network"]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"what to run: {', '.join(kinds)} (all)")
    parser.add_argument("--threads", type=int, default=1, help="of every peer (1)")
    parser.add_argument("--rounds", type=int, default=9, help="turns of every peer (9)")
    options = parser.parse_args()
    if unknown := set(options.kinds) - set(kinds):
        parser.error(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(kinds)}")
    print(json.dumps(machine_info(options.threads), indent=1))
    peers = [peer(options.threads) for peer in PEERS]
    try:
        for title, prepare, sums, macs in works(options.kinds or kinds):
            race = hold(title, peers, prepare, sums, macs, Options(options.rounds))
            print(f"\n{race_table(race)}\n\n{who({**race.descriptions, **race.absent})}", flush=True)
    finally:
        for peer in peers:
            peer.close()


if __name__ == "__main__":
    main()
