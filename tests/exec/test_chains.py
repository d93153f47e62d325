"""Random networks give the reference's integers on every back end, for any number of images and threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurobin.exec import reference
from neurobin.exec.kernels.machine import Backend
from neurobin.exec.plan.plan import Plan
from neurobin.ir import Graph
from tests.exec.chains import chains, images
from tests.exec.small import BACK_ENDS, check_on
from tests.ir.strategies import seeds

batches = st.integers(1, 5)


@pytest.mark.parametrize("backend", BACK_ENDS, ids=lambda b: b.name)
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(graph=chains(), batch=batches, seed=seeds)
def test_a_chain_gives_the_references_integers(backend: Backend, graph: Graph, batch: int, seed: int) -> None:
    check_on([images(graph, batch, seed)], graph, backend)


@pytest.mark.skipif(not BACK_ENDS, reason="llvmlite is not installed")
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(graph=chains(), batch=batches, seed=seeds, backend=st.sampled_from(BACK_ENDS or [None]))
def test_every_tensor_of_a_chain_can_be_kept(graph: Graph, batch: int, seed: int, backend: Backend) -> None:
    x = images(graph, batch, seed)
    found = Plan(graph, backend, frozenset(graph.types)).trace(x)
    expected = reference.run_all(graph, x)
    assert found.keys() == expected.keys()
    assert [name for name in expected if not np.array_equal(found[name], expected[name])] == []
