"""`TrueNorthMapping`: a graph placed on cores, and how it comes about. Crossbars are built only when something runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hwmodels.target import Issue, Resource, Span
from hwmodels.truenorth.check import no_layers, structural_issues
from hwmodels.truenorth.chip import TrueNorthChip
from hwmodels.truenorth.cores import Cores, Routes, build_cores, route
from hwmodels.truenorth.layers import Net, build, grouped, repeats
from hwmodels.truenorth.parts import LINEAR, Parts, parts
from hwmodels.truenorth.place import PlacedLayer, coordinates, place
from neurobin.ir import Graph, Json, Node


@dataclass(frozen=True, eq=False)
class TrueNorthMapping:
    """Layers on cores, host nodes before and after. `outputs` are the ids whose spikes leave the chip, in output order."""

    graph: Graph
    chip: TrueNorthChip
    parts: Parts
    net: Net
    layers: tuple[PlacedLayer, ...]
    outputs: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def core_count(self) -> int:
        return sum(len(part.cores) for part in self.layers)

    @property
    def ticks(self) -> int:
        """Ticks a frame spends in cores."""
        return max(part.layer.depth for part in self.layers)

    @property
    def resources(self) -> tuple[Resource, ...]:
        neurons, axons = sum(part.neurons for part in self.layers), sum(part.axons for part in self.layers)
        cores, chip = self.chip.cores, self.chip
        return (
            Resource("cores", self.core_count, cores, "core"),
            Resource("neurons", neurons, cores * chip.neurons, "neuron"),
            Resource("axons", axons, cores * chip.axons, "axon"),
            Resource("synapses", self.synapses, cores * chip.axons * chip.neurons, "synapse"),
        )

    @cached_property
    def synapses(self) -> int:
        """Connection bits that are 1."""
        return int(sum((part.copies * _fan_in(part)).sum() for part in self.layers))

    @property
    def steps(self) -> tuple[str, ...]:
        """Host nodes that compute, layers on cores, host nodes again."""
        before = tuple(node.name for node in self.parts.before if not node.op.view)
        after = tuple(node.name for node in self.host_after if not node.op.view)
        return before + tuple(part.layer.output for part in self.layers) + after

    @property
    def spans(self) -> tuple[Span, ...]:
        return ()

    @property
    def host_after(self) -> tuple[Node, ...]:
        """Nodes that the host runs on what the chip sends back; classifiers read out from cores are left out."""
        on_cores = {readout.node for readout in self.net.readouts}
        return tuple(node for node in self.parts.after if node.name not in on_cores)

    @cached_property
    def layer_of_core(self) -> np.ndarray:
        """int64 [K]: index into `layers`."""
        return np.repeat(np.arange(len(self.layers)), [len(part.cores) for part in self.layers])

    @cached_property
    def coordinates(self) -> np.ndarray:
        """int64 [K, 2]: x and y of each core."""
        return coordinates(self.core_count)

    @cached_property
    def routes(self) -> Routes:
        return route(self.layers, self.outputs, self.net.depth, self.net.hosted)

    @cached_property
    def cores(self) -> Cores:
        """The arrays that execution runs, built on first use."""
        return build_cores(self.layers, self.routes, int(self.chip.structure.axon_types.value))

    @cached_property
    def hops(self) -> np.ndarray:
        """int64 per row of `routes.neurons`: |dx| + |dy| to the target core; 0 for spikes that leave the chip."""
        core, _, _, target, _, _ = self.routes.neurons
        way = np.abs(self.coordinates[core] - self.coordinates[np.maximum(target, 0)]).sum(axis=1)
        return np.where(target >= 0, way, 0)

    @property
    def placement(self) -> list[dict[str, Json]]:
        """One row per core for a core map: x, y, layer, neurons and axons in use."""
        rows: list[dict[str, Json]] = []
        spots = iter(self.coordinates.tolist())
        for part in self.layers:
            for core in part.cores:
                x, y = next(spots)
                axons = len(core.inputs) * part.layer.axons_per_input
                rows.append({"x": x, "y": y, "layer": part.layer.output, "neurons": len(core.elements), "axons": axons})
        return rows

    def summary(self) -> dict[str, Json]:
        """The layers with their cores, tiles and use, JSON-ready."""
        return {
            "cores": self.core_count,
            "cores_available": self.chip.cores,
            "ticks": self.ticks,
            "layers": [self._layer_row(index, part) for index, part in enumerate(self.layers)],
            "host_before": [node.name for node in self.parts.before],
            "host_after": [node.name for node in self.host_after],
            "readout_on_cores": [readout.node for readout in self.net.readouts],
            "notes": list(self.notes),
        }

    def _layer_row(self, index: int, part: PlacedLayer) -> dict[str, Json]:
        count, layer = len(part.cores), part.layer
        spots: list[Json] = [[int(x), int(y)] for x, y in self.coordinates[self.layer_of_core == index]]
        return {
            "node": layer.node,
            "output": layer.output,
            "tick": layer.depth,
            "cores": count,
            "tile": [part.tile.height, part.tile.width],
            "groups_per_core": part.tile.groups,
            "axons": part.axons,
            "neurons": part.neurons,
            "copies_max": int(part.copies.max()),
            "axon_use": part.axons / (count * self.chip.axons),
            "neuron_use": part.neurons / (count * self.chip.neurons),
            "coordinates": spots,
        }


def _fan_in(part: PlacedLayer) -> np.ndarray:
    """int64 [P * O]: connections of each neuron."""
    taps = (part.layer.taps.ids >= 0).astype(np.int64)
    return grouped(taps, np.abs(part.layer.weight).astype(np.int64)).ravel()


def plan(graph: Graph, chip: TrueNorthChip) -> tuple[TrueNorthMapping | None, list[Issue]]:
    """The mapping, or every reason why there is none.

    A classifier after the last bits is read out from thermometer neurons if that fits, else it runs on the host.
    """
    issues = structural_issues(graph, chip)
    if issues:
        return None, issues
    split = parts(graph)
    mapping = _attempt(graph, chip, split, readouts=True)
    if mapping is None or _net_issues(mapping):
        without = _attempt(graph, chip, split, readouts=False)
        mapping = without if without is not None else mapping
    if mapping is None:
        return None, no_layers(graph, chip)
    issues = _net_issues(mapping)
    return (None, issues) if issues else (mapping, [])


def _attempt(graph: Graph, chip: TrueNorthChip, split: Parts, *, readouts: bool) -> TrueNorthMapping | None:
    """Build and place; None when no layer takes a core."""
    net = build(graph, split, chip.fan_in if readouts else 0)
    outputs = _outputs(graph, split, net)
    layers = place(net, outputs, chip)
    if not layers:
        return None
    on_cores = {readout.node for readout in net.readouts}
    notes = tuple(
        f"{node.name} reads single bits but is summed on the host: its sums do not fit on cores"
        for node in split.after
        if node.op.name in LINEAR and node.name not in on_cores
    )
    return TrueNorthMapping(graph, chip, split, net, layers, outputs, notes)


def _outputs(graph: Graph, split: Parts, net: Net) -> np.ndarray:
    """Ids that leave the chip: those of tensors that the host reads, and the thermometers of classifiers."""
    on_cores = {readout.node for readout in net.readouts}
    wanted = [name for node in split.after if node.name not in on_cores for name in node.inputs] + [*graph.outputs]
    found = [net.ids[name].ravel() for name in wanted if name in net.ids] + [readout.ids for readout in net.readouts]
    ids = np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)
    return ids[ids >= net.hosted]


def _net_issues(mapping: TrueNorthMapping) -> list[Issue]:
    """What only shows after placement: repeated inputs, delays, and too many cores."""
    issues, chip = [], mapping.chip
    bits = int(chip.structure.weight_bits.value)
    for part in mapping.layers:
        layer = part.layer
        if twice := repeats(layer.taps):
            reason = f"{twice} of its outputs read one bit twice (through a concat): an axon pair carries -1, 0 and +1"
            issues.append(Issue(layer.node, reason))
        if (highest := int(np.abs(layer.theta).max())) >= 1 << (bits - 1):
            issues.append(Issue(layer.node, f"a threshold of {highest} does not fit the leak of {bits} bits"))
        reads = layer.taps.ids[layer.taps.ids >= 0]
        if len(reads) and (wait := layer.depth - int(mapping.net.depth[reads].min())) > chip.max_delay:
            issues.append(Issue(layer.node, f"an input waits {wait} ticks, a spike can wait {chip.max_delay}"))
    if mapping.core_count > chip.cores:
        most = max(mapping.layers, key=lambda part: len(part.cores))
        reason = f"needs {mapping.core_count} cores, the chip has {chip.cores}"
        issues.append(Issue("", f"{reason}; most of them, {len(most.cores)}, for {most.layer.node}"))
    return issues
