"""What a user wants to see of a mapping, under the names of BISMO's own instrumentation (doc/instrumentation.md)."""

from __future__ import annotations

from hwmodels.bitserial.area import brams, luts
from hwmodels.bitserial.chip import BitSerialChip, Clocks
from hwmodels.bitserial.estimate import latency_cycles, step_cycles
from hwmodels.bitserial.mapping import BitSerialMapping, Product, Step
from hwmodels.bitserial.pipeline import path_bounds
from hwmodels.bitserial.schedule import STAGES, step_times
from neurobin.ir import Json


def summarise(mapping: BitSerialMapping) -> dict[str, Json]:
    """The instance, and one entry per layer on the array."""
    chip, clocks = mapping.chip, mapping.chip.timings()
    layers: list[Json] = [layer_metrics(chip, clocks, step, step.product) for step in mapping.plan if step.product]
    host = sum(sum(step_cycles(chip, clocks, step)[::2]) for step in mapping.plan)
    return {
        "array": f"{chip.dm} x {chip.dk} x {chip.dn}, {chip.dpu} units",
        "hw_fclk_mhz": chip.clock.value / 1e6,
        "hw_peak_perf_binops": chip.peak_binops_per_s,
        "hw_buf_size_bytes": chip.lhs_bytes + chip.rhs_bytes,
        "hw_peak_read_oi": chip.peak_intensity,
        "hw_luts": luts(chip),
        "hw_luts_high": luts(chip, "high"),
        "hw_brams": brams(chip),
        "cycles": latency_cycles(mapping, clocks),
        "vector_cycles": host,
        "layers": layers,
    }


def layer_metrics(chip: BitSerialChip, clocks: Clocks, step: Step, product: Product) -> dict[str, Json]:
    """Shapes, tiles, padding, traffic, cycles per stage and the stage that bounds the layer.

    `padding_waste` is the share of the array's work that is not the layer's own: padded tiles and the filter of ones.
    """
    counted, first = product.counted, product.slices[0]
    layer = product.layer
    actual = 2 * layer.groups * layer.positions * layer.filters * layer.depth * first.plane_pairs
    total = sum(count * run.padded_binops for run, count in counted)
    read = sum(count * (run.lhs_read_bytes + run.rhs_read_bytes) for run, count in counted)
    once = sum(count * (run.lhs_bytes + run.rhs_bytes) for run, count in counted)
    layout, run_cycles, vector = step_cycles(chip, clocks, step)
    busy = stage_cycles(clocks, product)
    ideal = {
        "fetch": sum(count * -(-(r.lhs_read_bytes + r.rhs_read_bytes) // clocks.read_bytes) for r, count in counted),
        "execute": total // (2 * chip.dm * chip.dk * chip.dn),
        "result": sum(count * -(-r.written_bytes // clocks.write_bytes) for r, count in counted),
    }
    return {
        "node": step.name,
        "m": first.m,
        "k": layer.depth,
        "n": first.n,
        "lhs": "weights" if product.weights_are_lhs else "activations",
        "lhs_bits": first.lhs_bits,
        "rhs_bits": first.rhs_bits,
        "mode": "xnor" if layer.xnor else "and",
        "groups": layer.groups,
        "passes": len(product.slices),
        "tiles_m": first.tiles_m,
        "tiles_k": first.tiles_k,
        "tiles_n": first.tiles_n,
        "ones_filter": layer.ones,
        "border_classes": layer.border_classes,
        "workload_actual_binops": actual,
        "workload_total_binops": total,
        "padding_waste": 1 - actual / total,
        "workload_dram_read_bytes": read,
        "workload_dram_write_bytes": product.result_bytes,
        "workload_read_oi": total / once,
        "actual_read_oi": total / read,
        "run_cycles": run_cycles,
        "layout_cycles": layout,
        "vector_cycles": vector,
        **{f"stg_{stage}_run": busy[stage] for stage in STAGES},
        **{f"run_eff_{stage}": ideal[stage] / busy[stage] for stage in STAGES},
        "utilisation": actual / (2 * chip.dm * chip.dk * chip.dn) / run_cycles,
        "bound_by": path_bounds(first, clocks).by,
    }


def stage_cycles(clocks: Clocks, product: Product) -> dict[str, int]:
    """Cycles in state run per stage, as a simulation of the layer counts them (last write acknowledgement included)."""
    busy = dict.fromkeys(STAGES, 0)
    for run, count in product.counted:
        times, tiles = step_times(run, clocks), run.tiles_m * run.tiles_n
        busy["fetch"] += count * (run.tiles_n * times.fetch_rhs + tiles * times.fetch_lhs)
        busy["execute"] += count * tiles * times.execute
        busy["result"] += count * (tiles * times.result + clocks.dram_latency)
    return busy
