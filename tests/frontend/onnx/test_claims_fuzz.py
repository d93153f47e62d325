"""Random networks of whole numbers, whose annotations are true, too narrow, of another kind or missing: whatever they say,
a deployed graph has the evaluator's integers, and a graph as trained its numbers wherever float32 rounds none of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

from onnx import StringStringEntryProto, TensorAnnotation

from neurobin.errors import FormatError, UnsupportedError
from neurobin.exec import packed, reference
from neurobin.frontend.onnx.convert import to_graph
from neurobin.frontend.onnx.evaluate import evaluate
from neurobin.frontend.onnx.model import Model
from neurobin.frontend.onnx.reader import from_proto
from neurobin.ir import Graph
from tests.frontend.onnx.net import DOUBLE, FLOAT, QONNX, Net

INT64 = 7  # of TensorProto
PARTS, PART = 6, 100
IMAGES = 6
GIVEN = ["BIPOLAR", "BINARY", "TERNARY", "INT2", "INT4", "UINT4", "INT8", "UINT8", "INT16", "UINT24", "INT24"]
RESULT = ["INT32", "INT32", "UINT8", "BIPOLAR", "INT2", "INT64", "FLOAT32", "SCALEDINT<8>", "FIXED<8,4>", ""]
SPREAD = 2.0**20  # float32 holds every sixteenth up to here


class Maker:
    """A network in the making: tensors [1, C, H, W] that are there so far, with their shapes."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.net = Net((1, *self.shape()), FLOAT if seed % 4 else DOUBLE)
        self.shapes = {self.net.name: self.net.shape[1:]}

    def shape(self) -> tuple[int, ...]:
        return (int(self.rng.integers(1, 5)), int(self.rng.integers(2, 5)), int(self.rng.integers(2, 5)))

    def pick(self, *options: object) -> object:
        return options[self.rng.integers(len(options))]

    def number(self, values: object) -> np.ndarray:
        return np.asarray(values, np.float32 if self.net.kind == FLOAT else np.float64)

    def whole(self, channels: int = 1) -> np.ndarray:
        """A constant [1] or [C, 1, 1], mostly small, now and then near a power of two where types end."""
        count = channels if self.rng.random() < 0.5 else 1
        near = 2.0 ** self.rng.integers(1, 25) + self.rng.integers(-1, 2, count)
        small = self.rng.integers(-9, 10, count)
        values = near * self.rng.choice([-1, 1]) if self.rng.random() < 0.15 else small
        return self.number(values).reshape(-1, 1, 1)

    def levels(self, x: str) -> str:
        """Thresholds of x with levels that are often those of a type."""
        count = int(self.pick(1, 1, 2, 3, 7))
        far = (2**23 + 1, -(2**24))
        return self.thresholds(x, count, self.pick((1, 0), (1, 0), (2, -count), (1, -1), (6, -8), far, (0.5, 0)))

    def bit(self, x: str) -> str:
        return self.thresholds(x, 1, (1, 0))

    def thresholds(self, x: str, count: int, scale_and_bias: object) -> str:
        rows = np.sort(self.rng.integers(-12, 13, (int(self.pick(1, self.shapes[x][0])), count)), axis=1)
        rows, (scale, bias) = rows + self.pick(0, 0.5), scale_and_bias
        types = {"out_dtype": "INT8", "out_scale": float(scale), "out_bias": float(bias), "data_layout": "NCHW"}
        return self.net("MultiThreshold", x, self.number(rows), domain=QONNX, **types)

    def step(self) -> None:
        """One more tensor, of one or two of the last few."""
        x = str(self.pick(*list(self.shapes)[-3:]))
        made = self.pick(*STEPS)(self, x)
        if isinstance(made, str):
            made = made, self.shapes[x]
        name, shape = made
        if min(shape) > 0:
            self.shapes[name] = shape

    def model(self) -> Model:
        for _ in range(self.rng.integers(1, 7)):
            self.step()
        end = list(self.shapes)[-1]
        proto = self.net.proto(end)
        claims = {self.net.name: self.pick(*GIVEN), end: self.pick(*RESULT), "t0": self.pick("INT2", "BIPOLAR", "")}
        for tensor, name in claims.items():
            entry = StringStringEntryProto(key="finn_datatype", value=name)
            proto.graph.quantization_annotation.append(
                TensorAnnotation(tensor_name=tensor, quant_parameter_tensor_names=[entry])
            )
        return needed(from_proto(proto))


def needed(model: Model) -> Model:
    """The model with those calls alone that its output depends on."""
    wanted, calls = set(model.outputs), []
    for call in reversed(model.calls):
        if wanted.intersection(call.outputs):
            calls.append(call)
            wanted.update(call.inputs)
    return replace(model, calls=tuple(reversed(calls)))


Made = str | tuple[str, tuple[int, ...]]


def constant(m: Maker, x: str) -> Made:
    op, values = str(m.pick("Add", "Sub", "Mul", "Mul")), m.whole(m.shapes[x][0])
    if m.rng.random() < 0.1:
        values = values / 2
    return m.net(op, values, x) if m.rng.random() < 0.3 else m.net(op, x, values)


def unary(m: Maker, x: str) -> Made:
    return m.net(str(m.pick("Relu", "Abs", "Neg", "Floor", "Round", "Identity")), x)


def clip(m: Maker, x: str) -> Made:
    low, high = m.pick((0, 1), (0, 15), (-8, 7), (-1, 1), (0, 255), (-5, 5), (3, 0), (-1, 0), (0, -4))
    return m.net("Clip", x, m.number(low), m.number(high))


def convolution(m: Maker, x: str) -> Made:
    channels, height, width = m.shapes[x]
    groups = int(m.pick(1, 1, channels))
    kernel = (int(m.rng.integers(1, height + 1)), int(m.rng.integers(1, width + 1)))
    filters = groups * int(m.pick(1, 2))
    most = int(m.pick(1, 1, 3, 100, 2**18))
    weight = m.rng.integers(-most, most + 1, (filters, channels // groups, *kernel))
    weight = m.pick(weight, np.ones_like(weight), np.where(weight < 0, -1, 1))
    if m.rng.random() < 0.3:
        fill = m.number(m.pick(0, -1, 1, 5))
        x = m.net("Pad", x, np.array([0, 0, 1, 0, 0, 0, 0, 1]), fill)
        height, width = height + 1, width + 1
    pad = int(m.rng.random() < 0.3)
    bias = [m.number(m.rng.integers(-9, 9, filters))] if m.rng.random() < 0.3 else []
    made = m.net("Conv", x, m.number(weight), *bias, group=groups, pads=[pad, 0, 0, pad])
    return made, (filters, height + pad - kernel[0] + 1, width + pad - kernel[1] + 1)


def pool(m: Maker, x: str) -> Made:
    channels, height, width = m.shapes[x]
    return m.net("MaxPool", x, kernel_shape=[2, 1], pads=[0, 0, 1, 0]), (channels, height, width)


def thresholds(m: Maker, x: str) -> Made:
    return m.net.sign(x) if m.rng.random() < 0.2 and m.net.kind == FLOAT else m.levels(x)


def uneven(m: Maker, x: str) -> Made:
    return m.net("Sum", *(m.levels(x) for _ in range(m.rng.integers(2, 4))))


def agreement(m: Maker, x: str) -> Made:
    """1 - |a - b| of what may be bits, and what only looks like it."""
    a, b = m.bit(x), m.bit(x)
    less = m.pick(("Sub", b), ("Add", m.net("Neg", b)), ("Add", m.net("Sub", b, m.number(1))), ("Add", m.net("Neg", a)))
    distance = m.net("Abs", m.net(less[0], a, less[1]))
    return m.net("Sub", m.number(m.pick(1, 1, 0)), distance)


def shifted(m: Maker, x: str) -> Made:
    """floor((f x + lift) / 2^shift) in whole numbers, clipped or not."""
    low, high = m.pick((0, 15), (-8, 7), (0, 1), (-128, 127), (-7, 7))
    wide = m.net("Mul", m.net("Cast", x, to=INT64), np.int64(m.pick(1, 3, -5, 2**30, 2**45)))
    wide = m.net("Add", wide, np.int64(m.pick(0, 4, 2**20, 2**40, 2**62)))
    halved = m.net("Div", wide, np.int64(m.pick(1, 2, 8, 3, 2**40)))
    halved = m.net("Sub", halved, np.int64(m.pick(0, 1, 2**17, 2**22)))
    bounded = m.net("Clip", halved, np.int64(low), np.int64(high)) if m.rng.random() < 0.7 else halved
    return m.net("Cast", bounded, to=m.net.kind)


def bent(m: Maker, x: str) -> Made:
    channels = m.shapes[x][0]
    slope = m.number(m.rng.choice([-1, 0, 0.25, 0.5, 1, 3], int(m.pick(1, channels)))).reshape(-1, 1, 1)
    return m.net("Floor", m.net("Add", m.net("PRelu", x, slope), m.number(m.pick(0.5, 0.5, 0))))


def join(m: Maker, x: str) -> Made:
    others = [name for name, shape in m.shapes.items() if shape == m.shapes[x]]
    y = str(m.pick(*others))
    if m.rng.random() < 0.1 and len(set(m.shapes[x])) == 1:
        y = m.net("Transpose", y, perm=[0, 2, 3, 1])
    return m.net(str(m.pick("Add", "Sub", "Mul", "Sum", "Max", "Min")), x, y)


def channels(m: Maker, x: str) -> Made:
    count, height, width = m.shapes[x]
    if m.rng.random() < 0.5:
        return m.net("Concat", x, x, axis=1), (2 * count, height, width)
    first = int(m.rng.integers(count))
    return m.net("Slice", x, np.array([first]), np.array([count]), np.array([1])), (count - first, height, width)


def entry(m: Maker, x: str) -> Made:
    """A table's entry behind a clip to its places, which may be too many."""
    place = m.net("Cast", m.net("Clip", m.net("Add", x, m.number(m.pick(0, 3))), m.number(0), m.number(15)), to=INT64)
    return m.net("Gather", m.number(m.rng.integers(-99, 99, int(m.pick(16, 16, 15)))), place, axis=0)


def places(m: Maker, x: str) -> Made:
    _, height, width = m.shapes[x]
    return m.net("Mul", x, m.number(m.rng.integers(-9, 10, (height, width))))


STEPS: list[Callable[[Maker, str], Made]] = [
    constant, constant, unary, clip, convolution, convolution, pool, thresholds, uneven, agreement, shifted, bent, join,
    join, channels, entry, places, agreement, bent,
]  # fmt: skip


def images(graph: Graph, seed: int) -> np.ndarray:
    """Random ones between two of the smallest and largest numbers."""
    kind, rng = graph.inputs[graph.input], np.random.default_rng(seed)
    low, high = kind.dtype.low, kind.dtype.high
    drawn = rng.integers(max(low, -20), min(high, 20) + 1, (IMAGES, *kind.shape))
    drawn[: IMAGES // 2] = rng.integers(low, high + 1, (IMAGES // 2, *kind.shape))
    drawn[0], drawn[1] = low, high
    return drawn if kind.dtype.low != -1 or kind.dtype.count != 2 else np.where(drawn < 1, -1, 1)


def judge(seed: int) -> str:
    """ "deployed", "as trained", "rounds" (a graph as trained, where float32 rounds) or "refused"."""
    model = Maker(seed).model()
    try:
        graph = to_graph(model)
    except (UnsupportedError, FormatError) as error:
        return "refused" if error.where or "node" in str(error) or "computes nothing" in str(error) else f"nowhere: {error}"
    x, port = images(graph, seed), model.ports[0]
    all_of_it = replace(model, outputs=tuple(name for call in model.calls for name in call.outputs))
    parts = [evaluate(all_of_it, {port.name: np.moveaxis(one, -1, 0)[None].astype(port.kind)}) for one in x]
    wanted = np.moveaxis(np.concatenate([part[model.outputs[0]] for part in parts]), 1, -1)
    found = reference.run(graph, x)
    if not graph.is_deployed:
        reals = [values for part in parts for values in part.values() if values.dtype.kind == "f"]
        if not all((np.abs(values) < SPREAD).all() and (values * 16 == np.rint(values * 16)).all() for values in reals):
            return "rounds"
    assert np.array_equal(found, wanted), f"{found.reshape(-1)[:6]} for {wanted.reshape(-1)[:6]}"
    if graph.is_deployed:
        assert np.array_equal(packed.run(graph, x), wanted), "the engines differ"
    return "deployed" if graph.is_deployed else "as trained"


@pytest.mark.parametrize("part", range(PARTS))
def test_a_deployed_graph_has_the_evaluators_integers_whatever_is_claimed(part):
    found = Counter(judge(seed) for seed in range(PART * part, PART * (part + 1)))
    assert set(found) <= {"deployed", "as trained", "rounds", "refused"}, found
    assert found["deployed"] >= PART // 4
    assert found["as trained"] >= PART // 20
