"""Execution on the cores themselves, tick by tick, and the host's part before and after.

Many equal chips run side by side; each gets one frame per tick, so layers work on different frames at the same time, as on
silicon. Everything is integer arithmetic; float32 products are exact because every sum stays below 2^24.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hwmodels.truenorth.cores import OUTPUT, Cores
from hwmodels.truenorth.layers import HIGH, LOW
from hwmodels.truenorth.map import TrueNorthMapping
from hwmodels.truenorth.parts import levels
from hwmodels.truenorth.semantics.neuron import Semantics, step
from neurobin.exec.reference import as_input

_PRODUCT = 1 << 18  # multiplications per core and tick; larger products go multi-threaded in BLAS, and then wait on threads


@dataclass(frozen=True, eq=False)
class Tick:
    """What happened in one tick on B chips: uint8 axon spikes [K, A, B], neuron spikes [K, N, B], outputs [J, B]."""

    axons: np.ndarray
    spikes: np.ndarray
    outputs: np.ndarray


@dataclass(frozen=True, eq=False)
class _Wave:
    """Spikes that travel together: flat neuron indices, flat axon indices (each at most once), and their delay."""

    source: np.ndarray
    target: np.ndarray
    delay: int


def run(
    cores: Cores, semantics: Semantics, outputs: int, packets: Sequence[np.ndarray], routes: np.ndarray
) -> Iterator[Tick]:
    """Run `cores` from rest for len(packets) ticks, after an injection in tick 0.

    `packets[t]` uint8 [H, B] are the host's bits sent in tick t; `routes` [4, P] says where they go: (element, core, axon,
    delay). A packet or spike of tick t with delay d is integrated in tick t + d; two on one axon in one tick act as one.
    """
    count, axons, neurons = cores.shape
    if not packets:
        return
    chips = packets[0].shape[1]
    weights, parameters = cores.effective(), cores.neurons.column()
    waves = _waves(np.arange(count * neurons), cores.destination_core, cores.destination_axon, cores.delay, axons)
    entries = _waves(routes[0], routes[1], routes[2], routes[3], axons)
    leaving = np.flatnonzero(cores.destination_core.ravel() == OUTPUT)
    ends = cores.destination_axon.ravel()[leaving]
    horizon = 1 + max((wave.delay for wave in (*waves, *entries)), default=0)
    slots = np.zeros((horizon, count * axons, chips), np.uint8)
    potential = np.zeros((count, neurons, chips), np.int32)
    for now, packet in enumerate(packets):
        _send(slots, entries, packet, now)
        tick = now + 1
        arrived = slots[tick % horizon]
        active = arrived.reshape(count, axons, chips).copy()
        arrived[:] = 0
        drive = np.matmul(weights, active.astype(np.float32)).astype(np.int32)
        fired, potential = step(potential, drive, parameters, semantics)
        spikes = fired.astype(np.uint8)
        flat = spikes.reshape(count * neurons, chips)
        _send(slots, waves, flat, tick)
        off = np.zeros((outputs, chips), np.uint8)
        off[ends] = flat[leaving]
        yield Tick(active, spikes, off)


def _send(slots: np.ndarray, waves: Sequence[_Wave], spikes: np.ndarray, now: int) -> None:
    for wave in waves:
        slots[(now + wave.delay) % len(slots)][wave.target] |= spikes[wave.source]


def _waves(source: np.ndarray, core: np.ndarray, axon: np.ndarray, delay: np.ndarray, axons: int) -> list[_Wave]:
    """Group routes by delay, and so that no group names an axon twice."""
    core, axon, delay = core.ravel(), axon.ravel(), delay.ravel()
    waves = []
    for wait in np.unique(delay[core >= 0]):
        left = np.flatnonzero((core >= 0) & (delay == wait))
        while len(left):
            flat = core[left].astype(np.int64) * axons + axon[left]
            target, first = np.unique(flat, return_index=True)
            waves.append(_Wave(source[left[first]], target, int(wait)))
            left = np.delete(left, first)
    return waves


@dataclass(frozen=True, eq=False)
class Run:
    """Bits that left the chip, uint8 [N, J], and totals over all frames: spikes per axon [K, A] and per neuron [K, N]."""

    outputs: np.ndarray
    axon_spikes: np.ndarray
    neuron_spikes: np.ndarray


def run_frames(mapping: TrueNorthMapping, bits: np.ndarray, semantics: Semantics) -> Run:
    """Run frames `bits` uint8 [N, H] (what the host injects), one per tick on each of several chips."""
    cores, levels_k = mapping.cores, _core_depths(mapping)
    depth, total = mapping.ticks, len(bits)
    count, axons, neurons = cores.shape
    axon_spikes, neuron_spikes = np.zeros((count, axons), np.int64), np.zeros((count, neurons), np.int64)
    ready = mapping.net.depth[mapping.outputs]
    chips = max(1, min(total, _PRODUCT // (axons * neurons)))
    length = -(-total // chips)  # frames per chip; the last chip may have fewer
    frames = np.zeros((chips * length, bits.shape[1]), np.uint8)
    frames[:total] = bits
    stream = frames.reshape(chips, length, bits.shape[1]).transpose(1, 2, 0)  # [F, H, B]
    packets = [*stream, *np.zeros((depth if length else 0, *stream.shape[1:]), np.uint8)]
    valid = (np.arange(chips * length) < total).reshape(chips, length)
    made = np.zeros((length, len(ready), chips), np.uint8)
    for tick, event in enumerate(run(cores, semantics, len(ready), packets, mapping.routes.packets), start=1):
        _collect(made, event.outputs, tick - ready)
        seen = _frames_now(valid, tick - levels_k)  # [K, B]
        axon_spikes += np.einsum("kab,kb->ka", event.axons, seen, dtype=np.int64, casting="unsafe")
        neuron_spikes += np.einsum("knb,kb->kn", event.spikes, seen, dtype=np.int64, casting="unsafe")
    outputs = made.transpose(2, 0, 1).reshape(chips * length, len(ready))[:total]
    return Run(outputs, axon_spikes, neuron_spikes)


def _core_depths(mapping: TrueNorthMapping) -> np.ndarray:
    """int64 [K]: frame f (injected in tick f) is in core k in tick f + depth[k]."""
    return np.array([part.layer.depth for part in mapping.layers])[mapping.layer_of_core]


def _collect(made: np.ndarray, off: np.ndarray, frame: np.ndarray) -> None:
    """Put output j of this tick into row frame[j], where that is a frame."""
    inside = np.flatnonzero((frame >= 0) & (frame < len(made)))
    made[frame[inside], inside] = off[inside]


def _frames_now(valid: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """uint8 [K, B]: 1 where core k of chip b works on a real frame now."""
    length = valid.shape[1]
    inside = (frame >= 0) & (frame < length)
    return (valid[:, np.clip(frame, 0, length - 1)] & inside).T.astype(np.uint8)


def host_before(mapping: TrueNorthMapping, x: np.ndarray) -> dict[str, np.ndarray]:
    """int64 tensors that the host computes before the cores, the input included."""
    graph = mapping.graph
    values = {graph.input: as_input(x, graph.inputs[graph.input], graph.input)}
    for node in mapping.parts.before:
        values[node.name] = node.op.reference(*(values[name] for name in node.inputs))
    return values


def injected(mapping: TrueNorthMapping, values: dict[str, np.ndarray]) -> np.ndarray:
    """uint8 [N, H]: the bits of the tensors that the host sends to the chip, by element id."""
    ids = mapping.net.ids
    flat = [values[name].reshape(len(values[name]), ids[name].size) for name in mapping.net.sources]
    return (np.concatenate(flat, axis=1) > 0).astype(np.uint8)


def host_after(mapping: TrueNorthMapping, values: dict[str, np.ndarray], bits: np.ndarray, off: np.ndarray) -> np.ndarray:
    """int64 output [N, ...]: decode what the chip sent back and run the rest of the graph on it."""
    graph, net = mapping.graph, mapping.net
    column = np.full(len(net.depth) + 2, -1)  # the last two are the constants HIGH (-2) and LOW (-1)
    column[: bits.shape[1]] = np.arange(bits.shape[1])
    column[mapping.outputs] = bits.shape[1] + np.arange(off.shape[1])
    known = np.concatenate([bits, off, np.zeros((len(off), 1), np.uint8), np.ones((len(off), 1), np.uint8)], axis=1)
    column[[LOW, HIGH]] = known.shape[1] - 2, known.shape[1] - 1
    for readout in net.readouts:
        values[readout.node] = readout.decode(known[:, column[readout.ids]])
    rest = mapping.host_after
    for name in dict.fromkeys([*(name for node in rest for name in node.inputs), *graph.outputs]):
        if name in net.ids and name not in values:
            values[name] = _values(mapping, name, known, column)
    for node in rest:
        values[node.name] = node.op.reference(*(values[name] for name in node.inputs))
    return values[graph.output].astype(np.int64)


def _values(mapping: TrueNorthMapping, name: str, known: np.ndarray, column: np.ndarray) -> np.ndarray:
    """int64 [N, *shape] of a spiking tensor; a zero padded into a bipolar map is neither of its two levels."""
    ids = mapping.net.ids[name]
    low, spacing = levels(mapping.graph, name)
    value = low + spacing * known[:, column[np.where(ids >= HIGH, ids, LOW)]].astype(np.int64)
    return np.where(ids >= HIGH, value, 0)
