"""What is exported computes the same: every op on random operands, and every network of the zoo."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

import onnx
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from neurobin import zoo
from neurobin.errors import UnsupportedError
from neurobin.exec import reference
from neurobin.export.qonnx import to_qonnx
from neurobin.export.rules import RULES
from neurobin.export.writer import EXACT, qonnx_type
from neurobin.frontend.onnx.evaluate import evaluate
from neurobin.frontend.onnx.reader import from_proto
from neurobin.ir import BINARY, BIPOLAR, FLOAT32, TERNARY, Builder, Constant, DType, Encoding, Graph, TensorType
from neurobin.ir.dtype import i, u
from neurobin.ops import op_names
from neurobin.ops.requantise import Requantise
from tests.ir.strategies import seeds
from tests.ops.cases import INTEGER, REAL, Case, operands
from tests.ops.test_every_op import graph_of

# Reasons for which an op may have no exact form in float32 and int64 arithmetic.
EXCUSED = ("beyond the whole numbers", "a table for each channel", "descending thresholds of real values")
ZOO = [name for name in zoo.names() if name.endswith("_digits")]


def exported(graph: Graph, *inputs: np.ndarray) -> np.ndarray:
    """What the exported model says for integers [N, ...] in the graph's layout, one example at a time."""
    model = to_qonnx(graph)
    checked = from_proto(onnx.ModelProto.FromString(model.SerializeToString()))
    answers = []
    for example in zip(*inputs, strict=True):
        given_ = {name: to_onnx(x[None]) for name, x in zip(graph.inputs, example, strict=True)}
        answers.append(evaluate(checked, given_)[checked.outputs[0]])
    return from_onnx(np.concatenate(answers))


def to_onnx(x: np.ndarray) -> np.ndarray:
    return (np.moveaxis(x, -1, 1) if x.ndim > 2 else x).astype(np.float32)


def from_onnx(y: np.ndarray) -> np.ndarray:
    return np.moveaxis(y, 1, -1) if y.ndim > 2 else y


def reasons(graph: Graph) -> str:
    """Why a graph has no exact form, or nothing."""
    try:
        to_qonnx(graph)
    except UnsupportedError as error:
        return str(error)
    return ""


def checkable(case: Case) -> bool:
    """Maps and vectors of whole float32 numbers."""
    graph = graph_of(case)
    kinds = graph.types.values()
    ranks = {len(kind.shape) for kind in kinds}
    exact = all(kind.dtype.is_float or max(-kind.dtype.low, kind.dtype.high) <= EXACT for kind in kinds)
    return ranks <= {1, 3} and exact


def test_every_op_has_a_form():
    assert sorted(RULES) == op_names()


@pytest.mark.parametrize("name", sorted(INTEGER))
@settings(max_examples=40)
@given(data=st.data(), seed=seeds)
def test_integers_stay_what_they_are(name: str, data: st.DataObject, seed: int):
    case = data.draw(INTEGER[name]())
    assume(checkable(case))
    x = operands(case, 2, seed)
    expected = case.op.reference(*x)
    lacks = reasons(graph_of(case))
    if lacks:
        assert any(reason in lacks for reason in EXCUSED), lacks
    else:
        assert np.array_equal(exported(graph_of(case), *x).reshape(expected.shape), expected)


@pytest.mark.parametrize("name", sorted(REAL))
@settings(max_examples=25)
@given(data=st.data(), seed=seeds)
def test_real_values_stay_close(name: str, data: st.DataObject, seed: int):
    case = data.draw(REAL[name]())
    assume(checkable(case))
    x = [values.astype(np.float32).astype(values.dtype) for values in operands(case, 2, seed)]
    expected = case.op.reference(*x)
    if not reasons(graph_of(case)):
        found = exported(graph_of(case), *x).reshape(expected.shape)
        scale = max(1.0, *(float(np.abs(values).max(initial=0)) for values in (expected, *x)))
        wrong = np.mean(np.abs(found - expected) > 1e-4 * scale)
        assert wrong <= (0.02 if name in ("sign", "quantize", "multi_threshold") else 0)  # float32 on a threshold


@pytest.mark.parametrize("name", ZOO)
def test_deployed_networks_give_their_own_integers(name):
    graph = zoo.load(name)
    kind = graph.inputs[graph.input]
    x = np.random.default_rng(0).integers(kind.dtype.low, kind.dtype.high + 1, (4, *kind.shape))
    assert np.array_equal(exported(graph, x), reference.run(graph, x))


@pytest.mark.parametrize(
    ("dtype", "name"),
    [(BIPOLAR, "BIPOLAR"), (TERNARY, "TERNARY"), (BINARY, "BINARY"), (u(8), "UINT8"), (i(5), "INT5"), (FLOAT32, "FLOAT32"),
     (DType(Encoding.BIPOLAR, 2), "INT3")],
)  # fmt: skip
def test_types_have_qonnx_names(dtype, name):
    assert qonnx_type(dtype) == name


@pytest.mark.parametrize(("bias", "fits"), [(2**62 - 2**60 - 2**40, True), (2**62 - 2**60, False), (2**62 + 2**60, False)])
def test_products_that_leave_the_room_for_a_shift_are_refused(bias, fits):
    """Whole division truncates, so a sum is lifted above 0 by 2^62 before it; beyond that it would wrap."""
    for sign in (-1, 1):
        builder = Builder({"x": TensorType((2, 2, 1), i(4))})
        factor, offset = (Constant(i(64), np.array([value])) for value in (sign * 2**57, sign * bias))
        graph = builder.graph(builder.add(Requantise(factor, offset, 40, i(24)), "x"))
        x = np.array([-8, -1, 0, 7]).reshape(1, 2, 2, 1)
        if fits:
            assert np.array_equal(exported(graph, x), reference.run(graph, x))
        else:
            assert "beyond the whole numbers below 2^62" in reasons(graph)
