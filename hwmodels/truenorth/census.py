"""Census: synaptic events, spikes and hops of one inference, predicted from rates or counted during execution.

A synaptic event is an axon that carries a spike times a connection bit that is 1, whatever its weight. All counts are
linear in the spikes, so the prediction from mean rates is the exact mean. Neurons that fire without input count like others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwmodels.truenorth.execute import Run
from hwmodels.truenorth.layers import grouped
from hwmodels.truenorth.map import TrueNorthMapping
from hwmodels.truenorth.place import PlacedLayer
from neurobin.errors import UsageError
from neurobin.exec.activity import Activity


@dataclass(frozen=True)
class LayerCensus:
    """Means per inference of the layer whose spikes make tensor `output`; spikes count every copy of a neuron."""

    node: str
    output: str
    synaptic_events: float
    spikes: float
    hops: float


@dataclass(frozen=True)
class Census:
    """By layer, in order; and the packets that enter and leave the chip. Means per inference."""

    layers: tuple[LayerCensus, ...]
    packets_in: float
    packets_out: float

    @property
    def synaptic_events(self) -> float:
        return sum(layer.synaptic_events for layer in self.layers)

    @property
    def spikes(self) -> float:
        return sum(layer.spikes for layer in self.layers)

    @property
    def hops(self) -> float:
        return sum(layer.hops for layer in self.layers)


def predicted(mapping: TrueNorthMapping, activity: Activity) -> Census:
    """The census that follows from the rates of the spiking tensors. Raises GraphError when a rate is missing."""
    rates = _rates(mapping, activity)
    core, _, element, target, _, _ = mapping.routes.neurons
    rate = rates[element]
    layer = mapping.layer_of_core[core]
    hops = np.bincount(layer, rate * mapping.hops, minlength=len(mapping.layers))
    rows = []
    for index, part in enumerate(mapping.layers):
        mine = rates[part.layer.first : part.layer.first + part.layer.size]
        events = float((part.copies * _expected_events(part, rates)).sum())
        rows.append(LayerCensus(part.layer.node, part.layer.output, events, float(part.copies @ mine), float(hops[index])))
    entering = float(rates[mapping.routes.packets[0]].sum())
    return Census(tuple(rows), entering, float(rate[target < 0].sum()))


def counted(mapping: TrueNorthMapping, run: Run) -> Census:
    """The census of a run: exact integer totals over its frames, divided by their number. UsageError without frames."""
    frames, cores = len(run.outputs), mapping.cores
    if not frames:
        raise UsageError("a census needs at least one image, got none")
    core, slot, _, target, _, _ = mapping.routes.neurons
    spikes = run.neuron_spikes[core, slot]
    layer = mapping.layer_of_core
    events = (run.axon_spikes * cores.fan_out).sum(axis=1)
    rows = []
    for index, part in enumerate(mapping.layers):
        mine = layer[core] == index
        totals = events[layer == index].sum(), spikes[mine].sum(), (spikes * mapping.hops)[mine].sum()
        means = (int(total) / frames for total in totals)
        rows.append(LayerCensus(part.layer.node, part.layer.output, *means))
    _, entry_core, entry_axon, _ = mapping.routes.packets
    entering = int(run.axon_spikes[entry_core, entry_axon].sum())
    return Census(tuple(rows), entering / frames, int(spikes[target < 0].sum()) / frames)


def _expected_events(part: PlacedLayer, rates: np.ndarray) -> np.ndarray:
    """float64 [P * O]: mean synaptic events of each neuron, once per copy."""
    taps = part.layer.taps.ids
    carried = np.where(taps >= 0, rates[np.maximum(taps, 0)], 0.0)
    return grouped(carried, np.abs(part.layer.weight).astype(np.float64)).ravel()


def _rates(mapping: TrueNorthMapping, activity: Activity) -> np.ndarray:
    """float64 [ids]: how often each element spikes.

    A thermometer of class o fires n + sum(w * rate) of its neurons on average (n: weights -1); only this sum is known and
    only this sum is used, so it is spread evenly over them.
    """
    net = mapping.net
    rates = np.zeros(len(net.depth))
    for name, first in net.sources.items():
        rates[first : first + net.ids[name].size] = activity.of(name).ravel()
    read_out = {readout.node: readout for readout in net.readouts}
    for part in mapping.layers:
        layer = part.layer
        if layer.output not in read_out:
            rates[layer.first : layer.first + layer.size] = activity.of(layer.output).ravel()
            continue
        readout, taps = read_out[layer.output], layer.taps.ids[0, 0]
        carried = np.where(taps >= 0, rates[np.maximum(taps, 0)], 0.0)
        weight = layer.weight.astype(np.float64)
        fired = weight @ carried + ((weight < 0) & (taps >= 0)).sum(1)
        rates[readout.ids] = fired / np.bincount(readout.classes)[readout.classes]
    return rates
