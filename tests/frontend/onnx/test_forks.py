"""Sums of quantizers and choices between them: one quantizer where that is sure, and never a wrong one."""

from __future__ import annotations

import numpy as np
import pytest

from neurobin.errors import UnsupportedError
from neurobin.exec import reference
from neurobin.frontend.images import Images
from neurobin.frontend.onnx.convert import to_graph
from neurobin.frontend.onnx.domains import OWN, STANDARD
from neurobin.frontend.onnx.evaluate import evaluate
from neurobin.frontend.onnx.model import Call, Model, Port
from neurobin.ops.multi_threshold import MultiThreshold
from neurobin.ops.sign import Sign

CHANNELS, UNIT = 3, 1 / 16
PIXELS = np.arange(48).reshape(16, CHANNELS)


class Network:
    """Calls on the image, which is 0 ... 47 sixteenths less 1."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.constants: dict[str, np.ndarray] = {}
        self.x = self.call("Sub", "image", self.number(1.0))

    def number(self, *values: float, kind: type = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.array(values, kind) if len(values) > 1 else np.array(values[0], kind)
        return name

    def call(self, op: str, *inputs: str, **attributes: int) -> str:
        name = f"t{len(self.calls)}"
        self.calls.append(Call(name, op, STANDARD, OWN, inputs, (name,), attributes))
        return name

    def above(self, *thresholds: float, op: str = "Greater", x: str = "") -> str:
        """1 where x is above the threshold, else 0."""
        return self.call("Cast", self.call(op, x or self.x, self.number(*thresholds)), to=1)

    def model(self, output: str) -> Model:
        port = Port("image", np.dtype(np.float32), (1, CHANNELS))
        return Model((port,), tuple(self.calls), (output,), self.constants, {STANDARD: OWN})

    def check(self, output: str) -> int:
        """How many quantizers the graph has, which says what the evaluator says."""
        model = self.model(output)
        graph = to_graph(model, Images(scale=UNIT))
        floats = (PIXELS * UNIT).astype(np.float32)[:, None]
        wanted = np.concatenate([evaluate(model, {"image": image})[output] for image in floats])
        assert np.array_equal(reference.run(graph, PIXELS), wanted)
        return sum(isinstance(node.op, Sign | MultiThreshold) for node in graph.nodes)


def test_a_difference_of_opposite_steps_is_one_quantizer():
    n = Network()
    assert n.check(n.call("Sub", n.above(0.5), n.above(-0.5, op="Less"))) == 1


def test_steps_may_differ_by_channel():
    n = Network()
    total = n.call("Add", n.above(0.5, -0.25, 1.0), n.above(0.25, 0.5, -0.5, op="GreaterOrEqual"))
    assert n.check(n.call("Mul", total, n.number(2.0, -1.0, 0.5))) == 1


def test_sums_of_many_are_one_quantizer():
    n = Network()
    total = n.call("Add", n.above(-0.5), n.above(0.0))
    for step in range(1, 14):
        total = n.call("Add", total, n.above(step / 8))
    assert n.check(total) == 1


def test_what_is_common_stays_in_front():
    n = Network()
    n.x = n.call("Mul", n.call("Abs", n.x), n.number(0.5))
    assert n.check(n.call("Add", n.above(0.25), n.above(0.5))) == 1


def test_steps_against_each_other_are_added():
    n = Network()
    assert n.check(n.call("Sub", n.above(0.0), n.above(0.5))) == 2
    n = Network()
    total = n.call("Add", n.above(0.5, -0.25, 1.0), n.call("Neg", n.above(0.25, 0.5, -0.5)))
    assert n.check(total) == 2


def choice(n: Network, over: float, then: object, otherwise: object, op: str = "Greater") -> str:
    operands = [one if isinstance(one, str) else n.number(one) for one in (then, otherwise)]
    return n.call("Where", n.call(op, n.x, n.number(over)), *operands)


def test_a_choice_within_a_choice_is_one_quantizer():
    n = Network()
    assert n.check(choice(n, 0.5, 1.0, choice(n, -0.5, -1.0, 0.0, "Less"))) == 1
    n = Network()
    assert n.check(choice(n, 0.5, choice(n, 1.0, 3.0, 2.0), choice(n, -0.5, -1.0, 0.0, "Less"))) == 1


@pytest.mark.parametrize(("outer", "inner"), [(0.5, (0.25, 1.0, 0.0)), (0.5, (-0.5, -1.0, 0.0)), (-0.25, (-0.5, -1.0, 1.0))])
def test_a_choice_that_rises_and_falls_is_refused(outer, inner):
    """A jump down between parts that rise, and parts that fall before a jump up."""
    n = Network()
    with pytest.raises(UnsupportedError, match="rise and fall"):
        n.check(choice(n, outer, 0.5, choice(n, *inner)))


@pytest.mark.parametrize("op", ["Add", "Sub"])
def test_sums_of_sums_end(op):
    """Each of a thing and itself: 2^200 quantizers if they were written out."""
    n = Network()
    total = n.above(0.25)
    for _ in range(200 if op == "Sub" else 20):
        total = n.call(op, total, total)
    assert n.check(total) >= 1
    n = Network()
    total = n.above(0.25)
    for step in range(300):
        total = n.call(op, n.above(step / 64), total)
    assert n.check(total) >= 1
