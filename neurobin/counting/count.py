"""`count`: one network under one convention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from neurobin.counting.convention import Convention
from neurobin.counting.fused import fused_layers
from neurobin.counting.operations import operations
from neurobin.counting.parameters import REAL_BITS, parameters
from neurobin.counting.tnet import tnet
from neurobin.ir import DType, Graph

MIB = 2**20
MB = 10**6


@dataclass(frozen=True)
class Count:
    """Parameters, stored bits, operations per image, and the bits of maps moved per image if nothing were cached.

    `params_by_bits` has the parameters by stored width. Traffic is that of layers with everything fused behind them
    (`counting.fused`); real maps have 32 bits, and under `tnet` that model's widths.
    """

    convention: str
    params: int
    params_by_bits: Mapping[int, int]
    size_bits: int
    bops: int
    flops: int
    ops: float
    map_bits_read: int
    map_bits_written: int

    @property
    def size_mib(self) -> float:
        return self.size_bits / 8 / MIB

    @property
    def size_mb(self) -> float:
        return self.size_bits / 8 / MB


def count(graph: Graph, convention: Convention) -> Count:
    """What `convention` counts in a graph, best in one as trained: deployment has folded batch norms away."""
    found, work = parameters(graph, convention), operations(graph, convention)
    read, written = _traffic(graph) if convention.affine_bits is None else _tnet_traffic(graph)
    return Count(
        convention=convention.name,
        params=found.count,
        params_by_bits=dict(sorted(found.by_bits.items())),
        size_bits=found.bits,
        bops=work.bops,
        flops=work.flops,
        ops=work.ops,
        map_bits_read=read,
        map_bits_written=written,
    )


def _traffic(graph: Graph) -> tuple[int, int]:
    """Bits of maps (read, written)."""

    def width(dtype: DType) -> int:
        return REAL_BITS if dtype.is_float else dtype.bits

    layers = fused_layers(graph)
    read = sum(width(layer.read) * layer.inputs for layer in layers)
    return read, sum(width(layer.stored) * layer.written for layer in layers)


def _tnet_traffic(graph: Graph) -> tuple[int, int]:
    counts = tnet(graph)
    return counts.map_bits_read, counts.map_bits_written
