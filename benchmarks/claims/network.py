"""Bi-Real Net 18 at 224x224, batch 1, end to end, one thread. Ours runs the deployed integers; the peers run floats."""

from __future__ import annotations

import numpy as np

from benchmarks import bireal18
from benchmarks.bireal18_graph import network, pixels
from benchmarks.claim import Claim, Goal, Options, best_of, hold
from benchmarks.claims._field import OURS, field_of
from benchmarks.contender import Peer
from neurobin.errors import MismatchError
from neurobin.exec import reference

WANTED = {"torch fp32": 10.0, "larq default": 30.0}


def run(options: Options) -> Claim:
    parameters, image = bireal18.random_parameters(), bireal18.random_image()
    with field_of(1) as peers:
        for peer in peers:
            if peer.name in OURS and not peer.missing():
                _check(peer, parameters, image)
        race = hold("Bi-Real Net 18", peers, lambda peer: peer.network(parameters, image), None, None, options)
    goals = [
        Goal(f"Bi-Real Net 18 against {peer}", wanted, best_of([race], OURS, peer)[0]) for peer, wanted in WANTED.items()
    ]
    got, _ = best_of([race], OURS, "larq tuned")
    notes = ["Before the race, the integers of each of our back ends were equal to exec.reference's."]
    return Claim(
        "A whole network", __doc__ or "", [race], goals, [*notes, f"Against larq tuned: {got:.1f}x."] if got else notes
    )


def _check(peer: Peer, parameters: bireal18.Parameters, image: np.ndarray) -> None:
    if not np.array_equal(peer.network(parameters, image).output(), reference.run(network(), pixels(image))):
        raise MismatchError("the packed engine's integers differ from the reference's", where=f"Bi-Real Net 18, {peer.name}")
