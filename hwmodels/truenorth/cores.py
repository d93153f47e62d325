"""Cores as arrays: axon types, crossbar bits, neuron parameters and destinations. The artefact that execution runs.

Any geometry, any number of layers, stateful or not: a bank says nothing about the network it came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hwmodels.truenorth.layers import BitLayer
from hwmodels.truenorth.place import Core, PlacedLayer
from hwmodels.truenorth.semantics.neuron import Neurons, stateless

OUTPUT, NOWHERE = -1, -2  # destination cores that are none: off chip (the axon is the output's index), and unused
_TYPE_WEIGHTS = (1, -1)  # by axon type; trinary and OR neurons need no more, the other types weigh 0


@dataclass(frozen=True, eq=False)
class Cores:
    """K cores of A axons and N neurons.

    axon_type uint8 [K, A]; crossbar uint8 [K, A, N], 1 where connected; weights int16 [K, N, T] by axon type;
    destination core, axon and delay [K, N]: a spike in tick t is integrated by its axon in tick t + delay.
    """

    axon_type: np.ndarray
    crossbar: np.ndarray
    weights: np.ndarray
    neurons: Neurons
    destination_core: np.ndarray
    destination_axon: np.ndarray
    delay: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int]:
        """(K, A, N)."""
        count, axons, neurons = self.crossbar.shape
        return count, axons, neurons

    @property
    def fan_out(self) -> np.ndarray:
        """int64 [K, A]: synaptic operations of one spike on each axon."""
        return np.asarray(self.crossbar.sum(axis=2, dtype=np.int64))

    def effective(self) -> np.ndarray:
        """float32 [K, N, A]: what a spike adds to a potential; exact, as every sum stays below 2^24."""
        count, axons, neurons = self.shape
        result = np.empty((count, neurons, axons), np.float32)
        for k in range(count):
            np.multiply(self.weights[k][:, self.axon_type[k]], self.crossbar[k].T, out=result[k])
        return result


@dataclass(frozen=True, eq=False)
class Routes:
    """Every neuron with the axon (or output) its spikes reach, sorted by element id, and what the host injects.

    Columns of `neurons`: core, neuron, id, destination core, destination axon, delay; of `packets`: id, core, axon, delay.
    """

    neurons: np.ndarray
    packets: np.ndarray


def route(placed: Sequence[PlacedLayer], outputs: np.ndarray, depth: np.ndarray, hosted: int) -> Routes:
    """Give each copy of a neuron one of the axons that want its spikes. Axons of one element take its copies in order."""
    makers, takers = [], []
    number = 0
    for part in placed:
        pair, level = part.layer.axons_per_input, part.layer.depth
        for core in part.cores:
            slots = np.arange(len(core.elements))
            makers.append(np.stack([np.full_like(slots, number), slots, part.layer.first + core.elements]))
            wants = np.repeat(core.inputs, pair)
            axons = np.arange(len(wants))
            takers.append(np.stack([wants, np.full_like(axons, number), axons, level - depth[wants]]))
            number += 1
    ends = np.arange(len(outputs))
    takers.append(np.stack([outputs, np.full_like(ends, OUTPUT), ends, np.ones_like(ends)]))
    made, taken = np.concatenate(makers, axis=1), np.concatenate(takers, axis=1)
    made = made[:, np.argsort(made[2], kind="stable")]
    taken = taken[:, np.argsort(taken[0], kind="stable")]
    injected = taken[0] < hosted
    packets, taken = taken[:, injected], taken[:, ~injected]
    if not np.array_equal(made[2], taken[0]):
        raise AssertionError("copies of neurons and axons that read them do not match")
    return Routes(np.concatenate([made, taken[1:]]), packets)


def build_cores(placed: Sequence[PlacedLayer], routes: Routes, axon_types: int) -> Cores:
    """The arrays of all cores, cut to the widest core in use."""
    contents = [(part, core) for part in placed for core in part.cores]
    axons = max(len(core.inputs) * part.layer.axons_per_input for part, core in contents)
    neurons = max(len(core.elements) for _, core in contents)
    count = len(contents)
    crossbar = np.zeros((count, axons, neurons), np.uint8)
    axon_type = np.zeros((count, axons), np.uint8)
    leak, alpha = np.zeros((count, neurons), np.int32), np.ones((count, neurons), np.int32)
    for k, (part, core) in enumerate(contents):
        used = len(core.elements)
        if part.layer.axons_per_input == 2:
            axon_type[k, 1::2] = 1
        leak[k, :used] = -part.layer.theta.ravel()[core.elements]  # fires iff sum - theta >= 0
        alpha[k, :used] = 0
        _connect(crossbar[k], part.layer, core)
    weights = np.zeros((count, neurons, axon_types), np.int16)
    weights[..., : len(_TYPE_WEIGHTS)] = _TYPE_WEIGHTS
    core, slot, _, to_core, to_axon, delay = routes.neurons
    destinations = np.full((3, count, neurons), NOWHERE, np.int32)
    destinations[:, core, slot] = to_core, to_axon, delay
    return Cores(axon_type, crossbar, weights, stateless(leak, alpha), *destinations)


def _connect(crossbar: np.ndarray, layer: BitLayer, core: Core) -> None:
    """Set the bits of one core in place: weight +1 on the first axon of an input, -1 on the second."""
    position, output = np.divmod(core.elements, layer.outputs)
    group = output // (layer.outputs // layer.taps.groups)
    taps, weight = layer.taps.ids[position, group], layer.weight[output]
    neuron, tap = np.nonzero((taps >= 0) & (weight != 0))
    row = np.searchsorted(core.inputs, taps[neuron, tap]) * layer.axons_per_input
    crossbar[row + (weight[neuron, tap] < 0), neuron] = 1
