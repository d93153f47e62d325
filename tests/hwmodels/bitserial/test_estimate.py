"""Prices: counts follow from the plan, totals are group-bys, latency is the simulation's."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from hwmodels.bitserial import BitSerial
from hwmodels.bitserial.mapping import BitSerialMapping
from hwmodels.cost import CostReport
from neurobin.exec.activity import Activity
from neurobin.ir import BIPOLAR, TERNARY, Graph, TensorType
from neurobin.ir.dtype import i, u
from tests.hwmodels.bitserial.chips import target
from tests.hwmodels.bitserial.test_execute import residual
from tests.networks import Random, binary_convnet

NONE = Activity(0, {})


def mapped(graph: Graph, **changes: float | str) -> tuple[BitSerial, BitSerialMapping, CostReport]:
    chip = target(**changes)
    mapping = chip.map(graph)
    return chip, mapping, chip.estimate(mapping, NONE)


def count(report: CostReport, node: str, resource: str, action: str) -> float:
    return sum(r.count for r in report.rows if (r.node, r.resource, r.action) == (node, resource, action))


@pytest.mark.parametrize(
    "graph", [binary_convnet(), binary_convnet(dtype=TERNARY), residual()], ids=["binary", "ternary", "res"]
)
@pytest.mark.parametrize("dpu", ["and", "xnor"])
def test_latency_is_that_of_the_trace_and_energy_adds_up(graph: Graph, dpu: str) -> None:
    chip, mapping, report = mapped(graph, dpu=dpu)
    trace = chip.simulate(mapping, NONE)
    assert report.latency_s == trace.latency_s
    assert report.latency_low_s < report.latency_s < report.latency_high_s
    total = report.total.energy_j
    for key in ("node", "component", "resource", "action", "constant"):
        assert math.isclose(math.fsum(e.energy_j for e in report.by(key).values()), total, rel_tol=1e-12)
    assert 0 < report.total.energy_low_j < total < report.total.energy_high_j


def test_the_trace_counts_what_the_summary_says() -> None:
    chip, mapping, _ = mapped(binary_convnet())
    trace, summary = chip.simulate(mapping, NONE), mapping.summary()
    layers = summary["layers"]
    assert isinstance(layers, list)
    busy = trace.busy()
    for stage in ("fetch", "execute", "result"):
        assert busy[stage, "run"] == sum(layer[f"stg_{stage}_run"] for layer in layers)  # type: ignore[index,call-overload,misc]
    assert trace.periods == summary["cycles"]
    assert busy["vector", "run"] == summary["vector_cycles"]
    order = np.lexsort((trace.start, trace.resource))
    same = trace.resource[order][1:] == trace.resource[order][:-1]
    assert (trace.start[order][1:] >= trace.stop[order][:-1])[same].all()


def test_counts_of_one_dense_layer_by_hand() -> None:
    """8x64x8: 20 filters (21 with the ones) x 130 inputs, 1 x 1 bit; 3 K tiles; the vector is one position."""
    b = Random(0, TensorType((130,), BIPOLAR))
    name = b.op("bit_dense", "image", weight=b.weight(BIPOLAR, 20, 130))
    _, mapping, report = mapped(b.graph(name))
    product = mapping.plan[0].product
    assert product is not None
    assert product.weights_are_lhs  # one column of tiles: nothing is read twice
    run = product.slices[0]
    assert (run.m, run.k, run.n, run.dpa_cycles) == (21, 130, 1, 3 * 3)
    cycles = 9
    assert count(report, name, "array", "multiply bits") == cycles * 64 * 64
    assert count(report, name, "array", "count ones") == cycles * 64 * 63
    assert count(report, name, "array", "accumulate") == count(report, name, "array", "hold accumulator") == cycles * 64 * 32
    assert count(report, name, "RHS buffer", "read bit planes") == cycles * 8
    assert count(report, name, "LHS buffer", "read weights") == cycles * 8
    assert count(report, name, "DRAM", "read weights") == 3 * 8 * 192  # bits: 3 rows of 8 filters, K padded to 192
    assert count(report, name, "DRAM", "read bit planes") == 8 * 192
    assert count(report, name, "LHS buffer", "write weights") == 3 * 8 * 3
    assert count(report, name, "DRAM", "write sums") == 3 * 64 * 32
    assert count(report, name, "DRAM", "read sums") == 21 * 32
    assert count(report, name, "DRAM", "read map") == 136  # 130 bits in whole bytes
    assert count(report, name, "DRAM", "write bit planes") == 8 * 192
    assert count(report, name, "vector", "add 32 bit") == 20 * 2  # minus the ones, plus the constant
    assert count(report, name, "DRAM", "read parameters") == 20 * 32  # the constants


def test_an_xnor_array_needs_no_filter_of_ones_and_prices_its_own_gate() -> None:
    b = Random(0, TensorType((64,), BIPOLAR))
    graph = b.graph(b.op("bit_dense", "image", weight=b.weight(BIPOLAR, 8, 64)))
    _, plain, with_and = mapped(graph)
    _, other, with_xnor = mapped(graph, dpu="xnor")
    assert plain.plan[0].product is not None
    assert other.plan[0].product is not None
    assert plain.plan[0].product.layer.rows == 9
    assert other.plan[0].product.layer.rows == 8
    assert "energy.xnor_gate" in with_xnor.by("constant")
    assert "energy.xnor_gate" not in with_and.by("constant")
    assert with_xnor.latency_s < with_and.latency_s


def test_reading_a_map_again_when_its_rows_do_not_fit_the_line_buffer() -> None:
    b = Random(0, TensorType((8, 8, 4), u(8)))
    graph = b.graph(b.op("int_conv2d", "image", weight=b.weight(i(8), 4, 3, 3, 4)))
    once = mapped(graph, vector__line_buffer=3 * 8 * 4)[1].plan[0].product
    again = mapped(graph, vector__line_buffer=3 * 8 * 4 - 1)[1].plan[0].product
    assert once is not None
    assert again is not None
    assert (once.map_reads, once.layout.read_bytes) == (1, 256)
    assert (again.map_reads, again.layout.read_bytes) == (3, 768)


def test_what_is_not_modelled_is_said_and_has_no_joules() -> None:
    _, _, report = mapped(binary_convnet())
    assert {row.action for row in report.not_modelled} >= {"leakage", "data-dependent switching"}
    assert all(row.to_dict()["energy_j"] is None for row in report.not_modelled)
    assert any("calibrated on no chip" in note for note in report.notes)


def test_every_node_that_computes_has_a_price_and_every_constant_a_path() -> None:
    _, mapping, report = mapped(residual())
    priced = set(report.by("node"))
    silent = {node.name for node in mapping.graph.nodes} - priced
    assert {mapping.graph.by_name[name].op.name for name in silent} <= {"flatten", "reshape"}
    energy = mapping.chip.energy.model_dump()
    for row in report.rows:
        if row.unit is not None:
            part, *rest = row.constant.split(".")[1:]
            assert part in energy
            assert not rest or rest[0] in energy[part]


def test_mapping_pricing_and_simulating_a_digits_network_is_quick() -> None:
    graph = binary_convnet(channels=64)
    chip = target("bismo_8x256x8")
    start = time.perf_counter()
    mapping = chip.map(graph)
    chip.estimate(mapping, NONE)
    priced = time.perf_counter()
    chip.simulate(mapping, NONE)
    assert priced - start < 0.1
    assert time.perf_counter() - priced < 0.3
