"""Logic gates and bit slices: truth tables, gradients, and what they emit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurobin.errors import UsageError
from neurobin.exec import packed, reference
from neurobin.frontend.torch import from_torch
from neurobin.ir import BIPOLAR, FLOAT64, Builder, TensorType
from neurobin.ir.dtype import u
from neurobin.nets.boolnet import BoolBlock, BoolNet
from neurobin.nets.ends import quant_conv
from neurobin.nets.task import Task
from neurobin.nn.layers.bit_slices import BitSlices
from neurobin.nn.layers.logic import LogicGate
from neurobin.nn.weights.sign import SignWeights
from neurobin.passes import lower
from tests.nn.test_emit import check, normal

TABLES = {"xnor": [1, -1, -1, 1], "or": [-1, 1, 1, 1], "and": [-1, -1, -1, 1]}  # of (-,-) (-,+) (+,-) (+,+)
CONV = quant_conv(SignWeights(), pad_value=1)


@pytest.mark.parametrize("kind", TABLES)
def test_gates_are_their_truth_tables(kind: str) -> None:
    gate = LogicGate(kind)
    a, b = torch.tensor([[-1.0, -1, 1, 1]]), torch.tensor([[-1.0, 1, -1, 1]])
    assert gate(a, b).tolist() == [TABLES[kind]]
    builder = Builder({"a": TensorType((4,), BIPOLAR), "b": TensorType((4,), BIPOLAR)})
    graph = builder.graph(gate.emit(builder, "a", "b"))
    op = graph.nodes[0].op
    assert op.reference(a.long().numpy(), b.long().numpy()).tolist() == [TABLES[kind]]


def test_an_input_of_or_learns_where_it_decides() -> None:
    a, b = torch.tensor([-1.0, -1, 1, 1], requires_grad=True), torch.tensor([-1.0, 1, -1, 1])
    LogicGate("or")(a, b).sum().backward()
    assert a.grad is not None
    assert a.grad.tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize(("slices", "thresholds"), [(1, [0.0]), (2, [-0.5, 0.5]), (4, [-2 / 3, -1 / 3, 1 / 3, 2 / 3])])
def test_slices(slices: int, thresholds: list[float]) -> None:
    layer = BitSlices(5, slices)
    assert layer.thresholds == pytest.approx(thresholds)
    x = normal(3, 5, 4, 2)
    check(layer, x, FLOAT64)
    bits = layer(torch.from_numpy(x)).numpy()
    for number, threshold in enumerate(thresholds):
        assert np.array_equal(bits[:, 5 * number : 5 * number + 5], np.where(x >= threshold, 1, -1))


def test_a_block_is_the_papers_formula() -> None:
    block = BoolBlock(CONV, 2, 4, 1, False).double().eval()
    bits = torch.from_numpy(np.where(normal(2, 8, 4, 4) >= 0, 1.0, -1.0))

    def sliced(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.where(x >= t, 1.0, -1.0).double() for t in (-0.5, 0.5)], 1)

    mixed = torch.where(sliced(block.norm1(block.conv1(bits))) == bits, 1.0, -1.0).double()
    either = torch.maximum(sliced(block.norm2(block.conv2(mixed))), bits)
    out = block(bits)
    assert out.shape == (2, 16, 4, 4)
    assert torch.equal(out[:, 0::2], either)
    assert torch.equal(out[:, 1::2], bits)
    with torch.no_grad():  # each group of a convolution reads one slice: turning the second slice leaves the first outputs
        turned = torch.cat([bits[:, :4], -bits[:, 4:]], 1)
        same = (block.conv1(bits) == block.conv1(turned)).all(0).all(1).all(1)
    assert same.tolist() == [True, True, False, False]


def test_every_map_between_the_ends_is_bits_when_deployed() -> None:
    torch.manual_seed(0)
    module = BoolNet(CONV)(Task(8, 8, 1, 10, 17))
    x = np.random.default_rng(0).integers(0, 17, (32, 8, 8, 1))
    maps = torch.from_numpy(x.transpose(0, 3, 1, 2)).float()
    module.train()(maps)
    graph = from_torch(module.double().eval(), TensorType((8, 8, 1), u(5)))
    deployed = lower(graph, x)
    assert np.array_equal(packed.run(deployed, x), reference.run(deployed, x))
    kinds = [node.op.name for node in deployed.nodes]
    assert kinds.count("logic") == 5
    sums = {"bit_conv2d", "int_conv2d"}
    middle = deployed.nodes[: max(k for k, name in enumerate(kinds) if name == "logic")]
    stored = [n for n in middle if n.op.name not in sums and n.name != middle[0].name]
    assert {deployed.types[node.name].dtype for node in stored} == {BIPOLAR}
    before = [n.name for n in graph.nodes if n.op.name == "logic"]
    real, integer = reference.run_all(graph, x), reference.run_all(deployed, x)
    assert all(np.array_equal(real[name], integer[name]) for name in before)


def test_bad_gates_and_slices_are_refused() -> None:
    with pytest.raises(UsageError, match=r"'nand' .*xnor, or, and"):
        LogicGate("nand")
    with pytest.raises(UsageError, match="1 or an even number of slices, got 3"):
        BitSlices(4, 3)
    with pytest.raises(UsageError, match="logic between maps"):
        BoolNet(CONV)(Task(8, 8, 1, 10, 17, core=True))
