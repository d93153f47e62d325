"""The reference engine at its door: what an input is, and what comes out."""

from __future__ import annotations

import numpy as np
import pytest

from neurobin.errors import GraphError
from neurobin.exec import reference
from neurobin.ir import BIPOLAR, FLOAT32, FLOAT64, Builder, Constant, Graph, Node, TensorType
from neurobin.ir.dtype import i, u
from neurobin.ops.add import Add
from neurobin.ops.affine import Affine
from neurobin.ops.relu import Relu
from tests.networks import binary_convnet, images, residual_convnet

KIND = TensorType((2,), u(3))


@pytest.mark.parametrize(
    "x",
    [
        np.array([[0, 7]]),
        np.array([[0, 7]], np.uint8),
        np.array([[0.0, 7.0]], np.float32),
        [[0, 7]],
        np.array([[False, True]]),
    ],
)
def test_whole_numbers_of_any_numpy_type_are_an_input(x: object) -> None:
    found = reference.as_input(np.asarray(x), KIND)
    assert found.dtype == np.int64
    assert np.array_equal(found, x)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.array([[0, 8]]), "in: expected values of u3, got the range 0 to 8"),
        (np.array([[-1, 0]]), "in: expected values of u3, got the range -1 to 0"),
        (np.array([[0.5, 0]]), "in: expected whole numbers of type u3, got float64 values"),
        (np.array([[np.nan, 0]]), "in: expected whole numbers of type u3, got float64 values"),
        (np.array([[1e30, 0]]), "in: expected whole numbers of type u3, got float64 values"),
        (np.array([[2**64 - 1, 0]], np.uint64), "in: expected whole numbers of type u3, got uint64 values"),
        (np.array([0, 7]), "in: expected a batch of shape (N, 2), got (2,)"),
        (np.array([[0, 7, 1]]), "in: expected a batch of shape (N, 2), got (1, 3)"),
        (np.array(3), "in: expected a batch of shape (N, 2), got ()"),
        (np.array([["a", "b"]]), "in: expected numbers, got an array of <U1"),
        (np.array([[1j, 0]]), "in: expected numbers, got an array of complex128"),
        (np.array([[None, 1]]), "in: expected numbers, got an array of object"),
    ],
)
def test_anything_else_is_refused(x: np.ndarray, message: str) -> None:
    with pytest.raises(GraphError) as error:
        reference.as_input(x, KIND, "in")
    assert str(error.value) == message


def test_bipolar_inputs_hold_no_zero() -> None:
    with pytest.raises(GraphError, match="expected values of bipolar, got the range 0 to 1"):
        reference.as_input(np.array([[0, 1]]), TensorType((2,), BIPOLAR))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_real_inputs_are_finite(bad: float) -> None:
    with pytest.raises(GraphError, match="expected values of f32"):
        reference.as_input(np.array([[bad, 0]]), TensorType((2,), FLOAT32))


def test_nan_inside_names_its_node() -> None:
    builder = Builder({"x": TensorType((1,), FLOAT32)})
    huge = builder.add(Affine(Constant(FLOAT64, [1e300])), "x", name="huge")
    graph = builder.graph(builder.add(Affine(Constant(FLOAT64, [1e300])), huge, name="beyond"))
    with pytest.raises(GraphError, match="node 'beyond': computed NaN or infinity"):
        reference.run(graph, np.array([[1.0]]))


@pytest.mark.parametrize("graph", [binary_convnet(), residual_convnet()])
def test_steps_run_all_and_run_agree(graph: Graph) -> None:
    x = images(graph, 3)
    everything = reference.run_all(graph, x)
    assert list(everything) == [graph.input, *(node.name for node in graph.nodes)]
    assert all(graph.types[name].dtype.holds(value) for name, value in everything.items())
    assert all(value.shape == (3, *graph.types[name].shape) for name, value in everything.items())
    assert np.array_equal(reference.run(graph, x), everything[graph.output])
    one_by_one = np.concatenate([reference.run(graph, x[k : k + 1]) for k in range(3)])
    assert np.array_equal(one_by_one, everything[graph.output])


@pytest.mark.parametrize("graph", [binary_convnet(), residual_convnet()])
def test_an_empty_batch_is_a_batch(graph: Graph) -> None:
    assert reference.run(graph, images(graph, 0)).shape == (0, 10)


def test_a_tensor_read_twice_and_an_unused_one() -> None:
    nodes = (Node("a", Relu(), ("x",)), Node("unused", Relu(), ("a",)), Node("b", Add(), ("a", "a")))
    graph = Graph({"x": TensorType((1,), i(4))}, nodes, ("b",)).verify()
    assert reference.run(graph, np.array([[3], [-3]])).tolist() == [[6], [0]]
    same = Graph({"x": TensorType((1,), i(4))}, nodes, ("x",)).verify()
    assert reference.run(same, np.array([[3]])).tolist() == [[3]]


def test_accuracy_takes_the_first_of_equal_scores() -> None:
    scores = np.array([[1, 3, 3], [5, 5, 5], [0, 1, 2]])
    assert reference.accuracy(scores, np.array([1, 0, 0])) == 2 / 3
    assert reference.accuracy(scores[:, None, None, :], np.array([2, 0, 2])) == 2 / 3
    with pytest.raises(GraphError, match="at least one, got 0 and 0"):
        reference.accuracy(scores[:0], np.array([]))
    with pytest.raises(GraphError, match="one row of scores per label and at least one, got 3 and 2"):
        reference.accuracy(scores, np.array([1, 2]))
