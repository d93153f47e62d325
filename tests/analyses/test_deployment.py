"""What runs after deployment besides popcounts, and in how many planes."""

from __future__ import annotations

from analyses.deployment import deployment, operands, planes, widest_map
from neurobin import zoo
from tests.networks import binary_convnet, residual_convnet

PRODUCTS = ("bit_conv2d", "bit_dense", "int_conv2d", "int_dense")
BNN, RESIDUAL = binary_convnet(), residual_convnet()


def test_a_network_of_signs_has_popcounts_only() -> None:
    rows = list(deployment(BNN))
    assert rows
    assert all(row["op"] in PRODUCTS or row["op"] == "requantise" for row in rows)  # the scores at the end
    assert not any(row["op"] in ("add", "prelu", "multiply") for row in rows)
    assert operands(BNN)[0] == "1x1"


def test_a_shortcut_is_named_with_its_reason_and_its_wide_map() -> None:
    rows = {str(row["op"]): row for row in deployment(RESIDUAL)}
    nodes = [node for node in RESIDUAL.nodes if node.op.name == "add"]
    assert nodes
    assert rows["add"]["nodes"] == len(nodes)
    assert rows["add"]["elements"] == sum(RESIDUAL.types[node.name].size for node in nodes)
    assert "shortcut" in str(rows["add"]["reason"])
    assert widest_map(RESIDUAL).startswith("i")


def test_every_product_counts_once_and_most_work_comes_first() -> None:
    for graph in (BNN, RESIDUAL, zoo.load("dorefa_digits"), zoo.load("full_precision_digits")):
        products = [node for node in graph.nodes if node.op.name in PRODUCTS]
        rows = [row for row in deployment(graph) if row["operands"]]
        assert sum(int(str(row["nodes"])) for row in rows) == len(products)
        work: dict[str, float] = {}
        for node in products:
            key = f"{node.op.constants()['weight'].dtype.bits}x{graph.types[node.inputs[0]].dtype.bits}"
            work[key] = work.get(key, 0) + graph.work(node.name).total("mac")
        assert sorted(operands(graph)) == sorted(work)
        assert work[operands(graph)[0]] == max(work.values())
        assert set(planes(graph)) <= set(operands(graph))
    assert planes(zoo.load("full_precision_digits")) == ()
