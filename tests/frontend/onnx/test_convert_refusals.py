"""What does not become a graph is refused by name, all at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

from onnx import helper

from neurobin.errors import FormatError
from neurobin.frontend.onnx.convert import to_graph
from neurobin.frontend.onnx.reader import from_proto
from tests.frontend.onnx.net import FLOAT, STEP, Net, agree, refused, signs


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda n: n("Round", n("Abs", n.name)), r"Round_t1.*more than 256 levels"),
        (lambda n: n.quant(n("Abs", n("Clip", n.name, np.float32(-9), np.float32(9))), 9), r"Quant.*more than 256 levels"),
        (lambda n: n("Round", n("PRelu", n.name, np.float32(-0.5))), r"Round_t1.*more than 256 levels"),
        (lambda n: n.quant(n.name, 12, 0.1), r"Quant.*more than 256 levels"),
        (lambda n: n("Where", n("Greater", n.name, n.name), np.float32(1), np.float32(0)), "several computed tensors"),
        (lambda n: n("Where", np.array([True, False] * 2), n.name, np.float32(3)), r"Where_t0.*input 1 is computed"),
        (lambda n: n("Div", np.float32(3), n.name), r"Div_t0.*a constant by what is computed"),
        (lambda n: n("Pow", n.name, np.float32(2)), r"Pow_t0.*no meaning for operator Pow"),
        (lambda n: n("PRelu", np.float32([1, 2, 3, 4]), n.name), r"PRelu_t0.*input 1 is computed from the image"),
        (lambda n: n("Clip", np.float32([[1, 2, 3, 4]]), n.name), r"Clip_t0.*input 1 is computed"),
        (lambda n: n("MatMul", np.ones((4, 4), np.float32), n.name), "a constant"),
        (lambda n: n("MatMul", n.name, n("Transpose", n.name)), r"MatMul_t1.*computed from the image"),
        (lambda n: n("Gemm", n.name, np.ones((1, 4), np.float32), transA=1), r"Gemm_t0.*transA"),
        (lambda n: n("ReduceMean", n.name, np.array([1])), r"ReduceMean_t0.*reduces axes \[1\]"),
        (lambda n: n("Relu", n("Softmax", n.name)), r"Softmax_t0.*a softmax that something reads"),
        (lambda n: n("Softmax", n("Relu", n.name), axis=0), r"Softmax_t1.*along axis 0, which is not the channels'"),
        (lambda n: n("ArgMax", n("Relu", n.name), axis=0), r"ArgMax_t1.*along axis 0"),
        (lambda n: n("Identity", n.name), "computes nothing"),
        (lambda n: n("Reshape", n.name, np.array([1, 2, 2])), r"Reshape_t0.*shape \[1, 2, 2\] from \[1, 4\]"),
    ],
)  # fmt: skip
def test_refusals_name_the_node_and_the_reason(build: Callable[[Net], str], message: str):
    net = Net((1, 4))
    refused(net, message, build(net))


def test_a_bias_that_does_not_fit_is_refused(rng):
    net = Net((1, 3, 4, 4))
    net("Conv", net.name, signs(rng, 4, 3, 3, 3), np.float32([1]))
    refused(net, r"Conv_t0.*a bias of shape \[1\] for 4 filters", kind=FormatError)


def test_softmax_and_arg_max_at_the_end_are_left_out(rng):
    for build in (lambda n, x: n("ArgMax", n("Softmax", x), axis=1), lambda n, x: n("LogSoftmax", x, axis=-1)):
        net = Net((1, 4))
        x = net("MatMul", net.name, signs(rng, 4, 3))
        graph = to_graph(from_proto(net.proto(build(net, x))), STEP)
        assert graph.output.startswith("MatMul")
        assert graph.meta["left_out"] in ("Softmax, ArgMax", "LogSoftmax")


def test_ends_and_sizes():
    net = Net((1, 4))
    a, b = net("Relu", net.name), net("Neg", net.name)
    refused(net, "1 inputs and 2 outputs, expected one of each", a, b)
    refused_open = Net((1, "height", 4, 3))
    refused_open("Relu", "x")
    refused(refused_open, r"leaves sizes open in \[1, 'height', 4, 3\].*export with fixed sizes")
    none = Net((1,))
    none("Relu", "x")
    refused(none, r"has shape \[1\], expected \[N, features\]")


@pytest.mark.parametrize(("order", "fits"), [((0, 2, 3, 1), True), ((0, 1, 3, 2), False), ((0, 2, 1, 3), False)])
def test_a_map_at_the_end_has_its_channels_first_or_last(order, fits):
    net = Net((1, 3, 4, 5))
    end = net("Transpose", net("Relu", net.name), perm=list(order))
    if fits:
        assert to_graph(from_proto(net.proto(end)), STEP).types
    else:
        refused(net, f"output '{end}': a map whose axes are in another order", end)


def test_all_problems_are_listed_and_nothing_that_follows_from_them():
    net = Net((1, 4))
    first = net("Pow", net.name, np.float32(2))
    second = net("Round", net("Relu", first))
    third = net("Div", np.float32(3), net.name)
    fourth = net("Erf", net.name)
    message = refused(net, "Pow", net("Concat", second, net("Relu", third), fourth, axis=1))
    assert message.count(";") == 2
    assert all(name in message for name in ("Pow_t0", "Div_t3", "Erf_t4"))
    assert "Round" not in message


def test_many_problems_are_counted():
    net = Net((1, 4))
    many = [net("Pow", net.name, np.float32(k)) for k in range(2, 30)]
    message = refused(net, "and 8 more", net("Concat", *many, axis=1))
    assert message.count("no meaning for operator Pow") == 20


def test_reading_a_result_that_no_graph_has(rng):
    net = Net((1, 4))
    part = net("Dropout", net.name, outputs=2)
    refused(net, r"Cast_t1.*reads 't0\.1', a result that no graph has", net("Cast", f"{part}.1", to=FLOAT))
    refused(net, r"output 't0\.1'", f"{part}.1")


@pytest.mark.parametrize("name", ["a;b", "<b>&\"'</b>", "../../etc", "=1+1", "naïve ‮ name", "x" * 500, "a\nb"])
def test_odd_names_are_names(rng, name):
    """In the graph as letters and marks, in a refusal cut and escaped, and never two tensors of one name."""
    net = Net((1, 4), name=name)
    net.nodes.append(helper.make_node("MatMul", [name, net.constant(signs(rng, 4, 4))], ["y" + name], name=name))
    net.nodes.append(helper.make_node("Relu", ["y" + name], ["z"], name=name + "!"))
    graph, _ = agree(net)
    assert all(len(node.name) < 120 and node.name.isascii() and node.name.isprintable() for node in graph.nodes)
    net.nodes.append(helper.make_node("Erf", ["z"], ["end"], name=name))
    message = refused(net, "Erf")
    assert message.isprintable()
