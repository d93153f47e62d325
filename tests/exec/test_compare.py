"""`first_divergence` finds a sabotaged op: the node, the index, both values and how near the threshold was."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from neurobin.errors import MismatchError
from neurobin.exec import reference
from neurobin.exec.compare import Divergence, first_divergence
from neurobin.exec.kernels import machine
from neurobin.ir import BIPOLAR, Builder, Constant, Graph, IntTensor, Packed, TensorType, to_packed
from neurobin.ir.dtype import i
from neurobin.ops import op_names
from neurobin.ops.bit_conv2d import BitConv2d
from neurobin.ops.multi_threshold import MultiThreshold
from tests.networks import binary_convnet, images, residual_convnet


def sabotage(monkeypatch: pytest.MonkeyPatch, op: type, change: Callable[[np.ndarray], None]) -> None:
    """`op.packed` computes, then `change` alters its integers in place; numpy runs it."""
    monkeypatch.setenv(machine.VARIABLE, "numpy")
    honest = op.packed

    def packed_wrong(self: object, *operands: Packed) -> Packed:
        result = honest(self, *operands)
        values = result.values().astype(np.int64)
        change(values)
        return (
            IntTensor(values.astype(result.dtype.numpy), result.dtype)
            if isinstance(result, IntTensor)
            else to_packed(values, result.dtype)
        )

    monkeypatch.setattr(op, "packed", packed_wrong)


@pytest.mark.parametrize("graph", [binary_convnet(), residual_convnet()])
def test_honest_engines_do_not_diverge(graph: Graph) -> None:
    assert first_divergence(graph, images(graph, 4)) is None


def test_a_wrong_sum_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = binary_convnet()
    x = images(graph, 4)

    def change(values: np.ndarray) -> None:
        values[2, 3, 1, 5] += 1
        values[3, 0, 0, 0] -= 2

    sabotage(monkeypatch, BitConv2d, change)
    found = first_divergence(graph, x)
    expected = reference.run_all(graph, x)["bit_conv2d3"]
    assert found == Divergence(
        node="bit_conv2d3",
        index=(2, 3, 1, 5),
        expected=int(expected[2, 3, 1, 5]),
        actual=int(expected[2, 3, 1, 5]) + 1,
        differing=2,
        elements=expected.size,
        threshold_distance=None,
    )
    assert str(found) == (
        f"first divergence at node 'bit_conv2d3' index (2, 3, 1, 5): expected {found.expected}, got {found.actual}"
        f" (2 of {expected.size} elements differ)"
    )


def one_threshold(thresholds: list[list[int]]) -> Graph:
    builder = Builder({"x": TensorType((len(thresholds),), i(8))})
    return builder.graph(builder.add(MultiThreshold(Constant(i(9), thresholds), BIPOLAR), "x", name="sign"))


def test_the_distance_to_the_threshold_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = one_threshold([[10], [-20]])
    x = np.array([[10, -25], [3, -20]])

    def change(values: np.ndarray) -> None:
        values[1, 1] = -1  # -20 >= -20, so +1 is right: the tie is 0 away

    sabotage(monkeypatch, MultiThreshold, change)
    found = first_divergence(graph, x)
    assert found is not None
    assert (found.node, found.index, found.expected, found.actual, found.threshold_distance) == ("sign", (1, 1), 1, -1, 0)
    assert str(found).endswith("(1 of 4 elements differ, 0 from its nearest threshold)")
    far = first_divergence(graph, np.array([[0, 0], [0, 77]]))
    assert far is not None
    assert far.threshold_distance == 97


def test_the_nearest_of_several_thresholds_counts() -> None:
    builder = Builder({"x": TensorType((2,), i(8))})
    op = MultiThreshold(Constant(i(9), [[-5, 0, 90]]), i(2))
    graph = builder.graph(builder.add(op, "x", name="codes"))
    wrong = reference.run(graph, np.array([[7, 80]]))
    wrong[0, 1] -= 1
    found = first_divergence(graph, np.array([[7, 80]]), [("codes", wrong)])
    assert found is not None
    assert found.threshold_distance == 10


def test_any_executor_s_tensors_can_be_given() -> None:
    graph = residual_convnet()
    x = images(graph, 2)

    def slightly_wrong() -> Iterator[tuple[str, np.ndarray]]:
        for name, value in reference.steps(graph, x):
            yield name, value + (np.arange(value.size).reshape(value.shape) == 17 if name in ("add6", "add11") else 0)

    found = first_divergence(graph, x, slightly_wrong())
    assert found is not None
    assert (found.node, found.differing, found.actual - found.expected) == ("add6", 1, 1)
    assert found.index == np.unravel_index(17, (2, 8, 8, 8))
    assert first_divergence(graph, x, reference.steps(graph, x)) is None


def test_tensors_of_another_shape_or_name_are_no_agreement() -> None:
    """numpy would stretch a single row or column and call it equal."""
    graph = one_threshold([[0], [0]])
    x = np.array([[1, 1], [1, 1]])
    for wrong in (np.ones((1, 2)), np.ones((2, 1)), np.ones(2), np.array(1)):
        with pytest.raises(MismatchError, match=r"tensor 'sign': expected shape \(2, 2\), got"):
            first_divergence(graph, x, [("sign", wrong)])
    with pytest.raises(MismatchError, match="tensor 'logits': the reference has no such tensor"):
        first_divergence(graph, x, [("logits", np.ones((2, 2)))])


def test_every_op_can_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each op of two networks, spoilt in its first element, is the node that is named."""
    caught = set()
    for graph in (binary_convnet(1), residual_convnet(1)):
        x = images(graph, 2)
        for node in graph.nodes:
            if node.op.name in caught:
                continue

            def change(values: np.ndarray) -> None:
                first = values.reshape(-1)
                first[0] = first[1:][first[1:] != first[0]][0]  # another value of the same tensor

            with monkeypatch.context() as patch:
                sabotage(patch, type(node.op), change)
                found = first_divergence(graph, x)
            assert found is not None
            assert graph.by_name[found.node].op.name == node.op.name
            assert set(found.index) == {0}
            caught.add(node.op.name)
    assert caught <= set(op_names())
    assert len(caught) == 12
