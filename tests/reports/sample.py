"""A made-up but realistic comparison: networks of several methods on chips of three families, names included that attack."""

from __future__ import annotations

import math

import numpy as np

from analyses.literature import Claim, Literature
from analyses.results import Comparison, ModelInfo, Pair, PairResult
from analyses.work import parameter_counts, work_table
from hwmodels.cost import CHIP, CostReport, CostRow
from hwmodels.sourced import Sourced
from hwmodels.target import Resource, Span
from hwmodels.trace import Trace, TraceBuilder
from neurobin.ir import Graph, to_text
from tests.networks import binary_convnet, residual_convnet

METHODS = (
    ("bnn_digits", "BNN", 0.9694, 0.9694, "Courbariaux et al. 2016, arXiv:1602.02830"),
    ("xnor_digits", "XNOR-Net", 0.9806, 0.9778, "Rastegari et al. 2016, arXiv:1603.05279"),
    ("twn_digits", "TWN", 0.9861, 0.9861, "Li et al. 2016, arXiv:1605.04711"),
    ("dorefa_digits", "DoReFa-Net (2 bits)", 0.9833, 0.9806, "Zhou et al. 2016, arXiv:1606.06160"),
    ("birealnet_digits", "Bi-Real Net", 0.9889, 0.9861, "Liu et al. 2018, arXiv:1808.00278"),
    ("reactnet_digits", "ReActNet", 0.9889, 0.9889, "Liu et al. 2020, arXiv:2003.03488"),
    ("int8_digits", "int8", 0.9917, 0.9917, "Jacob et al. 2018, arXiv:1712.05877"),
    ("binaryconnect_digits", "BinaryConnect", 0.9833, 0.9833, "Courbariaux et al. 2015, arXiv:1511.00363"),
)
HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(2)>",
    "=cmd|' /C calc'!A0",
    "layer\u202egnp.exe",
    "<a href='javascript:alert(3)'>link</a><b>bold</b>",
    "a_very_long_layer_name/" * 6 + "end",
    "{{7*7}} %{x} $x$ [bold red]rich[/]",
    "nul\x00\x1b[31mred",
)
CHIPS = {"truenorth": "truenorth", "cortex_m4": "mcu", "bitserial": "bitserial", "cortex_m7": "mcu",
         "spiking_28nm": "truenorth", "bitserial_small": "bitserial", "cortex_m33": "mcu", "cortex_m0": "mcu"}  # fmt: skip

NEURO = "Merolla et al., Science 345:668, 2014, Fig. 3"
SHEET = "Data sheet of the part, table of supply currents, run mode"
ARRAY = "Umuroglu et al., FPL 2018, Table III"
CONSTANTS: dict[str, dict[str, Sourced]] = {
    "truenorth": {
        "synaptic_event": Sourced(value=26e-12, unit="J", source=NEURO, low=20e-12, high=45e-12),
        "axon_event": Sourced(value=47e-12, unit="J", source=NEURO, low=30e-12, high=60e-12, status="derived"),
        "hop": Sourced(value=2.3e-12, unit="J", source="Akopyan et al., IEEE TCAD 34(10), 2015", low=2e-12, high=3e-12),
        "core_static": Sourced(value=15e-9, unit="J", source="assumed: chip power over 4096 cores", low=8e-9, high=25e-9,
                               status="assumed"),
        "tick": Sourced(value=1e-3, unit="s", source=NEURO, low=1e-3, high=1e-3),
    },
    "mcu": {
        "cycle": Sourced(value=4.2e-10, unit="J", source=SHEET, low=3.6e-10, high=5.1e-10),
        "flash_read": Sourced(value=3.1e-10, unit="J", source=SHEET, low=2e-10, high=5e-10, status="derived"),
        "sram_access": Sourced(value=5e-11, unit="J", source=SHEET, low=3e-11, high=9e-11, status="fitted"),
        "standby": Sourced(value=2.4e-6, unit="J", source=SHEET, low=1.1e-6, high=6.4e-6),
        "clock": Sourced(value=84e6, unit="Hz", source=SHEET, low=84e6, high=84e6),
    },
    "bitserial": {
        "popcount": Sourced(value=1.1e-13, unit="J", source=ARRAY, low=0.7e-13, high=1.6e-13, status="fitted"),
        "buffer_bit": Sourced(value=2.5e-14, unit="J/bit", source="Horowitz, ISSCC 2014, Fig. 1.1.9", low=1e-14, high=5e-14),
        "dram_bit": Sourced(value=2e-11, unit="J/bit", source="Horowitz, ISSCC 2014, Fig. 1.1.9", low=1e-11, high=4e-11),
        "static": Sourced(value=3.2e-7, unit="J", source=ARRAY, low=2e-7, high=5e-7),
        "clock": Sourced(value=2e8, unit="Hz", source=ARRAY, low=2e8, high=2e8),
    },
}  # fmt: skip
PRICED = {  # (resource, component, action, constant, count per MAC)
    "truenorth": (("crossbar", "compute", "synaptic event", "synaptic_event", 0.4),
                  ("axons", "activation memory", "axon event", "axon_event", 0.05),
                  ("mesh", "network", "hop", "hop", 0.3)),
    "mcu": (("cpu", "compute", "cycle", "cycle", 0.06), ("flash", "weight memory", "read", "flash_read", 0.01),
            ("sram", "activation memory", "access", "sram_access", 0.02)),
    "bitserial": (("array", "compute", "popcount", "popcount", 1.0),
                  ("buffer", "weight memory", "bit read", "buffer_bit", 2.0),
                  ("dram", "activation memory", "bit read", "dram_bit", 0.05)),
}  # fmt: skip


def graph(index: int) -> Graph:
    return residual_convnet(index, size=8, channels=16) if index % 3 == 2 else binary_convnet(index, channels=16)


def names(net: Graph, hostile: bool) -> list[str]:
    """The layers' names, some of them replaced by attacks."""
    own = [node.name for node in net.nodes]
    return [*HOSTILE[: len(own)], *own[len(HOSTILE) :]] if hostile else own


def report(target: str, net: Graph, layers: list[str], scale: float) -> CostReport:
    family = CHIPS[target]
    rows: list[CostRow] = []
    for node, layer in zip(net.nodes, layers, strict=True):
        work = net.work(node.name)
        count = work.total("mac") or sum(work.counts.values()) * 0.2
        for resource, component, action, constant, each in PRICED[family]:
            unit = CONSTANTS[family][constant]
            rows.append(
                CostRow(layer, resource, component, action, math.ceil(count * each * scale), constant, unit)  # type: ignore[arg-type]
            )
    static = {"truenorth": "core_static", "mcu": "standby", "bitserial": "static"}[family]
    rows.append(CostRow(CHIP, "chip", "static", "standby per inference", 3, static, CONSTANTS[family][static]))
    rows.append(CostRow(layers[0], "host link", "host", "input transfer", 64, "host.link", None))
    latency = {"truenorth": 0.012, "mcu": 0.0081, "bitserial": 4.2e-5}[family] * scale
    notes = ("Input coding by the host is not modelled.", "Constants hold at room temperature.")
    return CostReport(target, tuple(rows), latency, latency, latency * 1.1, notes)


def arena(layers: list[str], net: Graph) -> tuple[Span, ...]:
    """Two halves of an arena used in turn, and one long-lived shortcut."""
    spans = [Span("image", "sram", 0, 64, 0, 0)]
    for k, (node, layer) in enumerate(zip(net.nodes, layers, strict=True)):
        size = -(-net.types[node.name].bits // 8)
        spans.append(Span(layer, "sram", 64 + 4096 * (k % 2), size, k, min(k + 1, len(layers) - 1)))
    return (*spans, Span("shortcut", "sram", 8256, 1024, 2, max(2, len(layers) - 3)))


def placement(layers: list[str]) -> tuple[dict[str, str | int | float | bool | None], ...]:
    rows: list[dict[str, str | int | float | bool | None]] = []
    for k, layer in enumerate(layers):
        for _ in range(4 + 3 * (k % 4)):
            core = len(rows)
            row = {"x": core % 12, "y": core // 12, "node": layer, "neurons": 64 + 16 * (core % 9), "axons": 100 + core,
                   "spikes": 7.5 * (core % 5), "energy_j": 1e-9 * (1 + core % 7)}  # fmt: skip
            rows.append(row)  # type: ignore[arg-type]
    return tuple(rows)


def trace(layers: list[str], tiles: int = 40) -> Trace:
    """Fetch, execute and result stages that overlap, with stalls while the execution waits."""
    builder = TraceBuilder(("fetch", "execute", "result"), tuple(layers))
    now = 0
    for layer in layers:
        for tile in range(tiles):
            builder.add("fetch", layer, "receive", now, now + 40)
            builder.add("execute", layer, "stall", now + 30, now + 40)
            builder.add("execute", layer, "run", now + 40, now + 70)
            if tile % 4 == 3:
                builder.add("result", layer, "send", now + 70, now + 85)
            now += 44
    return builder.build(5e-9)


def result(model: str, target: str, net: Graph, layers: list[str], scale: float, k: int) -> PairResult:
    family = CHIPS[target]
    if k % 7 == 5:
        reasons = (
            f"{layers[0]}: 288 inputs per neuron, the crossbar has 256",
            "the graph needs 5120 cores, the chip has 4096",
        )
        return PairResult(model, target, None, (), (), (), {}, None, Pair(model, target, "refused", 0, 0, reasons))
    status, wrong = ("mismatch", 3) if k == 9 else ("equal", 0)
    reasons = (f"first difference at {layers[1]}, image 17, index (3, 4, 0): 12 instead of 11",) if wrong else ()
    resources = {
        "truenorth": (Resource("cores", 88, 4096, "cores"), Resource("axons", 9000, 1048576, "1")),
        "mcu": (Resource("sram", 9280, 20480, "B"), Resource("flash", 23456, 524288, "B")),
        "bitserial": (Resource("weight buffer", 8000, 16384, "B"), Resource("LUT", 12000, 53200, "LUT")),
    }[family]
    tiles = [{"layer": layer, "tiles": 4 + j, "utilisation": 0.5 + 0.02 * j} for j, layer in enumerate(layers)]
    return PairResult(
        model,
        target,
        report(target, net, layers, scale),
        resources,
        tuple(layers),
        arena(layers, net) if family == "mcu" else (),
        {"kernels": len(layers), "packed": True, "note": HOSTILE[0], "tiles": tiles},  # type: ignore[dict-item]
        trace(layers) if family == "bitserial" else None,
        Pair(model, target, status, 360, wrong, reasons),  # type: ignore[arg-type]
        placement(layers) if family == "truenorth" else (),
    )


def literature(citation: str, title: str, attack: bool) -> Literature:
    """INT8 plays the baseline that the others are held against."""
    authors, year = citation.split(" et al. ")
    claims = (
        Claim("ImageNet, AlexNet", 44.2, "table 1"),
        Claim("CIFAR-10, VGG", 89.85, HOSTILE[1] if attack else "table 2"),
        Claim("MNIST", 99.04, "table 3"),
    )
    words = HOSTILE[0] if attack else "sign"
    return Literature(f"{title}: a paper", f"{authors}, Others", "NeurIPS", int(year[:4]), words, "sign", "plain",
                      title == "int8", claims)  # fmt: skip


def comparison(models: int = 8, targets: int = 3, *, hostile: bool = True, date: str = "2025-01-31") -> Comparison:
    """`models` networks on `targets` chips. With `hostile`, the second model, its title and its layers are attacks."""
    infos: list[ModelInfo] = []
    results: list[PairResult] = []
    for m in range(models):
        name, method, torch, deployed, citation = METHODS[m % len(METHODS)]
        name += f"_{m}" if m >= len(METHODS) else ""
        attack = hostile and m == 1
        net = graph(m)
        layers = names(net, attack)
        name = HOSTILE[0] if attack else name
        infos.append(
            ModelInfo(name, method, HOSTILE[1] if attack else f"{method}, small convolutional network", "digits", torch,
                      torch, deployed, parameter_counts(net), to_text(net), f"neurobin train {method} --seed {m}", m, 60,
                      citation, work_table(net), operands=("1x1", "1x8"), test_images=10_000,
                      seeds=((torch, deployed), (torch, deployed - 0.01)), literature=literature(citation, method, attack))
        )  # fmt: skip
        for t, target in enumerate(list(CHIPS)[:targets]):
            results.append(result(name, target, net, layers, 1 + 0.37 * m + 0.11 * t, m * targets + t))
    chips = {target: tuple(CONSTANTS[CHIPS[target]].items()) for target in list(CHIPS)[:targets]}
    versions = {"neurobin": "0.1.0", "python": "3.11", "numpy": str(np.__version__)}
    command = "neurobin compare --target all --report out.html"
    return Comparison(tuple(infos), tuple(results), chips, command, versions, date)
