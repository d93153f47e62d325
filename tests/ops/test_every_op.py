"""Every op against its oracle, its packed form, its inferred type and the file format, on random types and shapes."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurobin.errors import GraphError
from neurobin.ir import Graph, Node, TensorType, to_packed, to_text
from neurobin.ir.codec import decode_op, encode_op
from neurobin.ops import op_class, op_names
from tests.ir.strategies import seeds
from tests.ops.cases import INTEGER, REAL, Case, operands
from tests.ops.oracles import ORACLES

EXAMPLES = 200
batches = st.sampled_from([1, 1, 2, 3, 0])


def graph_of(case: Case) -> Graph:
    inputs = {f"x{number}": kind for number, kind in enumerate(case.types)}
    return Graph(inputs, (Node("y", case.op, tuple(inputs)),), ("y",)).verify()


def test_every_op_has_a_case_and_an_oracle() -> None:
    assert sorted(INTEGER | REAL) == op_names() == sorted(ORACLES)


@pytest.mark.parametrize("name", sorted(INTEGER))
@settings(max_examples=EXAMPLES)
@given(data=st.data(), batch=batches, seed=seeds)
def test_integers(name: str, data: st.DataObject, batch: int, seed: int) -> None:
    """reference == oracle, packed == reference, and the inferred type holds every value."""
    case = data.draw(INTEGER[name]())
    kind = graph_of(case).types["y"]
    x = operands(case, batch, seed)
    y = case.op.reference(*x)
    assert y.shape == (batch, *kind.shape)
    assert y.dtype == np.int64
    if batch:
        assert (y == ORACLES[name](case.op, *x)).all()
    assert kind.dtype.holds(y)
    packed = case.op.packed(*(to_packed(values, t.dtype) for values, t in zip(x, case.types, strict=True)))
    assert packed.dtype == kind.dtype
    assert tuple(packed.shape) == y.shape
    assert packed.values().dtype == kind.dtype.numpy
    assert np.array_equal(packed.values(), y)


@pytest.mark.parametrize("name", sorted(REAL))
@settings(max_examples=EXAMPLES)
@given(data=st.data(), batch=batches, seed=seeds)
def test_reals(name: str, data: st.DataObject, batch: int, seed: int) -> None:
    """Real results: equal where every step is exact in float64, else within its rounding."""
    case = data.draw(REAL[name]())
    kind = graph_of(case).types["y"]
    x = operands(case, batch, seed)
    y = case.op.reference(*x)
    assert y.shape == (batch, *kind.shape)
    assert y.dtype == (np.float64 if kind.dtype.is_float else np.int64)
    assert kind.dtype.holds(y)
    if batch:
        expected = ORACLES[name](case.op, *x).astype(np.float64)
        if name in ("batch_norm", "sigmoid"):
            np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12 * max(1.0, np.abs(y).max()))
        else:
            assert np.array_equal(y, expected)


@pytest.mark.parametrize("name", sorted(INTEGER | REAL))
@settings(max_examples=15)
@given(data=st.data())
def test_work_text_and_file(name: str, data: st.DataObject) -> None:
    case = data.draw((INTEGER | REAL)[name]())
    graph = graph_of(case)
    kind = graph.types["y"]
    work = graph.work("y")
    assert work.bits_written == kind.bits
    assert work.bits_read == sum(t.bits for t in case.types)
    assert work.bits_weights == sum(c.bits for c in case.op.constants().values())
    assert all(count >= 0 for count in work.counts.values())
    assert len(to_text(graph).splitlines()) == len(case.types) + 2
    tensors: dict[str, np.ndarray] = {}
    stored = encode_op(case.op, "y", tensors)
    assert decode_op(type(case.op), stored, "y", tensors.pop) == case.op
    assert not tensors


@pytest.mark.parametrize("name", sorted(INTEGER | REAL))
def test_odd_operands_raise_nothing_but_graph_errors(name: str) -> None:
    """No operand makes an op raise anything but a GraphError."""
    assert op_class(name).__doc__
    case = _first(name)
    for shape in [(1,), (2, 3), (1, 1, 1, 1, 1), (7, 5, 3)]:
        for dtype in {t.dtype for t in case.types}:
            types = {f"x{k}": TensorType(shape, dtype) for k in range(len(case.types))}
            with suppress(GraphError):
                Graph(types, (Node("y", case.op, tuple(types)),), ("y",)).verify()


def _first(name: str) -> Case:
    """One case of the op, always the same."""
    found: list[Case] = []

    @settings(max_examples=1, derandomize=True, database=None)
    @given((INTEGER | REAL)[name]())
    def keep(case: Case) -> None:
        found.append(case)

    keep()
    return found[0]
