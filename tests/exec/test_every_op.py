"""Every op that takes one operand, compiled by itself: random types, shapes and attributes on a random back end."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from neurobin.exec.kernels.machine import Backend
from neurobin.ir import Graph, Node
from tests.exec.small import BACK_ENDS, check_on
from tests.ir.strategies import random_values, seeds
from tests.ops.cases import INTEGER, Case

# Not those of two operands (see test_chains.py) or of real thresholds.
OPS = sorted(set(INTEGER) - {"add", "logic", "multiply", "sign"})


@pytest.mark.skipif(not BACK_ENDS, reason="llvmlite is not installed")
@pytest.mark.parametrize("name", OPS)
@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(data=st.data(), batch=st.integers(1, 3), seed=seeds, backend=st.sampled_from(BACK_ENDS or [None]))
def test_an_op_by_itself(name: str, data: st.DataObject, batch: int, seed: int, backend: Backend) -> None:
    case: Case = data.draw(INTEGER[name]())
    kind = case.types[0]
    assume(all(other == kind for other in case.types))
    graph = Graph({"x": kind}, (Node("y", case.op, ("x",) * len(case.types)),), ("y",))
    assume(graph.is_deployed)
    check_on([random_values(kind.dtype, (batch, *kind.shape), seed)], graph, backend)
