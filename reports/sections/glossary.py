"""The words of this page."""

from __future__ import annotations

from reports.html import definitions
from reports.view import Section, View

TERMS = {
    "energy / inference": "Joules for one example through the whole network: sum of count × constant over all rows.",
    "range": "All constants at their low together, and all at their high; not a confidence interval.",
    "latency": "Seconds from the input to the output of one example, nothing overlapped with the next one.",
    "deployed": "The network in integers only. It has one exact meaning, which every target must reproduce.",
    "equal": "The network as mapped on the target gave the reference’s integers for every output of every image checked.",
    "fits": "The target accepted the network. A refusal lists every reason at once.",
    "component": "What energy is spent on: compute, weight memory, activation memory, network between cores, static, host.",
    "static": "Power drawn whether or not anything happens, times the latency; it belongs to the chip, not to a layer.",
    "MAC": "Multiply-accumulate of one activation with one weight; its cost depends on both element types.",
    "bipolar, ternary, u8": "Element types: {−1, +1} in one bit; {−1, 0, +1} in two; unsigned integers of 8 bits.",
    "axon, core": "An input line of a neuromorphic core; a crossbar of synapses with its neurons.",
    "live bytes": "Bytes of all buffers that are still needed at a step; the arena may be larger where gaps remain.",
    "front": "Pairs for which no other one has at most the energy and at least the accuracy.",
    "status": "How a constant is known: published, measured, derived from others, fitted to data, or assumed.",
    "not modelled": "The action is counted, but there is no constant for it: it is in no sum.",
}


def render(view: View) -> Section:
    return Section("glossary", "Glossary", "The words of this page.", definitions(TERMS))
