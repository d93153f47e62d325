"""Flips are counted, located and measured against their thresholds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurobin.exec.deviation import deviation
from neurobin.ir import Constant, Node
from neurobin.ops.multi_threshold import MultiThreshold
from neurobin.passes import Precision, lower
from tests.passes.trained import images, plain, shortcut


@pytest.mark.parametrize("bits", [1, 2])
def test_exact_lowering_flips_nothing(bits):
    graph = plain(4, bits=bits)
    x = images(graph, 16)
    found = deviation(graph, lower(graph, x), x)
    assert len(found) == 2
    assert all(f.flipped == 0 and f.farthest == 0 and f.elements > 0 and f.spread > 0 for f in found)


def test_a_moved_threshold_is_found_at_its_node():
    graph = plain(4)
    x = images(graph, 16)
    deployed = lower(graph, x)
    first = next(node for node in deployed.nodes if isinstance(node.op, MultiThreshold))
    values = np.array(first.op.thresholds.values, dtype=np.int64)
    moved = replace(first.op, thresholds=Constant(first.op.thresholds.dtype, np.clip(values + 1, -99, values.max())))
    broken = deployed.with_nodes(Node(n.name, moved, n.inputs) if n is first else n for n in deployed.nodes)
    found = deviation(graph, broken, x)
    assert found[0].node == first.name
    assert found[0].flipped > 0


def test_coarser_maps_flip_more_and_farther():
    graph = shortcut(3)
    x = images(graph, 64)
    totals = []
    for bits in (6, 16):
        found = deviation(graph, lower(graph, x, Precision(8, 8, bits)), x)
        totals.append((sum(f.flipped for f in found), max(f.farthest for f in found)))
    assert totals[0] > totals[1]
