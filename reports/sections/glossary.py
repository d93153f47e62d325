"""The words of this page."""

from __future__ import annotations

from reports.html import definitions
from reports.view import Section, View

TERMS = {
    "energy / inference": "Joules for one example through the whole network: sum of count × constant over all rows.",
    "range": "All constants at their low together, and all at their high. Worst cases, not a confidence interval.",
    "latency": "Seconds from the input to the output of one example, nothing overlapped with the next one.",
    "network, method": "A network is one trained model; its method, by paper, how its numbers were made small.",
    "deployed": "The network in integers only, as a chip computes it. It has one exact meaning, which every target must "
    "reproduce; “torch” is the trained network in floating point.",
    "target, family": "A chip at one size, clock and voltage. Chips of a family share a model and differ in constants.",
    "fits": "The target accepted the network: every layer has a place and a way to be computed.",
    "refused": "The target cannot carry the network. All reasons are listed at once; no figure is given.",
    "equal": "The network as mapped on the target gave the reference’s integers for every output of every image checked.",
    "not run": "The pair was priced but not executed, so nothing is known about its integers.",
    "not modelled": "The action is counted, but no constant is known for it: it is in no sum, and never taken as zero.",
    "without part of …": "Some actions of this component have a constant and are in the sum, the others have none.",
    "component": "What energy is spent on: compute, weight memory, activation memory, network between cores, static, host.",
    "static": "Power drawn whether or not anything happens, times the latency; it belongs to the chip, not to a layer.",
    "host": "The processor beside an accelerator. It computes what the accelerator cannot and moves inputs and results.",
    "MAC": "Multiply-accumulate of one activation with one weight; its cost depends on both element types.",
    "XNOR, popcount": "A product of ±1 values is the XNOR of their bits; a sum of products counts the ones (popcount) of "
    "a word, many at once.",
    "bipolar, ternary, u8, i16": "Element types: {−1, +1} in one bit; {−1, 0, +1} in two; unsigned integers of 8 bits; "
    "signed ones of 16.",
    "bit plane, bit-serial": "One bit of every number of a tensor. A bit-serial array multiplies plane by plane, so its "
    "time grows with bits of weights × bits of activations.",
    "DPA": "Dot-product array: rows × columns of units, each of which multiplies a word of bits per clock and counts ones. "
    "A name such as 8x256x8 gives rows, bits per word and columns.",
    "DRAM": "Memory outside the chip; moving one bit from it costs far more than computing with it.",
    "core, crossbar": "A neuromorphic core is a crossbar of synapses (rows: axons, columns: neurons) with its neurons.",
    "axon": "An input line of a core. It carries one bit per tick to all synapses of its row.",
    "neuron, synapse": "A neuron adds what arrives and sends a spike when the sum passes its threshold; a synapse is the "
    "weight between an axon and a neuron.",
    "spike, tick": "An event of one bit; the step of time, often 1 ms, in which every neuron is updated once.",
    "synaptic operation": "One spike that reaches one neuron through one synapse: the unit of work of neuromorphic chips.",
    "live bytes": "Bytes of all buffers that are still needed at a step.",
    "arena": "The block of memory in which buffers share addresses over time. Gaps may make it larger than the live bytes.",
    "flash, SRAM": "Memory of a microcontroller for the program and weights (kept without power) and for activations.",
    "kernel": "The routine that computes one layer, or several fused ones, on a microcontroller.",
    "stall": "A resource that has work but must wait, for data or for room; idle is having none.",
    "requantise": "To bring sums back to few bits: multiply by a fixed-point factor, shift, round and clip.",
    "accuracy, mAP": "Share of right answers; of a detector, right boxes among right, wrong and missed ones. mAP is the "
    "detector’s mean average precision, over all confidences, at an overlap of one half.",
    "front": "Pairs for which no other one has at most the energy and at least the accuracy (Pareto).",
    "sensitivity": "How far the total moves when one constant goes through its range and all others stay.",
    "status": "How a constant is known: published, measured, derived from others, fitted to data, or assumed.",
}


def render(view: View) -> Section:
    return Section("glossary", "Glossary", "The words of this page.", definitions(TERMS))
