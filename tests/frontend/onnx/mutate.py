"""Ways to damage a model: its bytes, as storage and networks do it; its meaning, as only someone who knows ONNX would.

    python -m tests.frontend.onnx.mutate 0 5000

makes that many changes of either kind, from that number on, and prints what became of them. Each is made of its number
alone, so that one that goes wrong is made again by `mutate NUMBER 1`.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from ml_dtypes import int2, int4, uint4
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, helper, load_model, numpy_helper

from neurobin.frontend.onnx.convert import to_graph
from neurobin.frontend.onnx.kinds import converted
from neurobin.frontend.onnx.reader import from_proto, parse
from neurobin.frontend.onnx.sane import check
from tests.frontend.onnx.generate import network
from tests.frontend.onnx.generate_narrow import narrow_network
from tests.frontend.outcome import outcome

FILES, NARROW_FILES = 40, 6
LARGEST = 4000  # bytes: most of them hold structure then, not weights
QUANTIZED = Path(__file__).parent / "brevitas"
T = TypeVar("T")
WHOLE = (0, -1, 1, 2, 3, 7, -2, 255, 1000, 2**31 - 1, 2**31, -(2**31), 2**62, -(2**63), 2**63 - 1)
REAL = (0.0, -0.0, -1.0, 0.5, 1e-30, 1e-45, 1e38, -1e38, float("nan"), float("inf"), float("-inf"))
TEXT = (b"", b"x", b"CEIL", b"ROUND", b"NHWC", b"SAME_UPPER", b"\xff", b"N" * 100)
KINDS = (np.float64, np.float16, np.int64, np.int32, np.int8, np.uint8, np.bool_, int4, uint4, int2)
NAMES = """
    Add Mul Div Sub Pow Max Min Sum And Not Greater Less Equal Where Relu Clip Sign Round Floor Abs Neg Erf LeakyRelu PRelu
    HardSigmoid Softmax Identity Dropout Cast QuantizeLinear DequantizeLinear BatchNormalization MatMul Gemm Conv ConvInteger
    ConvTranspose MaxPool AveragePool GlobalAveragePool GlobalMaxPool ReduceMean ReduceSum ArgMax TopK Pad Concat Split Slice
    Flatten Reshape Transpose Squeeze Unsqueeze Gather Expand Tile DepthToSpace Constant ConstantOfShape Shape
"""
OPERATORS = NAMES.split()


def _pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    return choices[int(rng.integers(len(choices)))]


def change_bytes(files: Sequence[ModelProto], rng: np.random.Generator) -> bytes:
    """One to three flips, deletions, insertions, splices from another file; now and then a truncation."""
    data = bytearray(_pick(rng, files).SerializeToString())
    for _ in range(int(rng.integers(1, 4))):
        at, kind = int(rng.integers(len(data))), int(rng.integers(5))
        if kind == 0:
            data[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            data[at] = int(rng.integers(256))
        elif kind == 2:
            del data[at : at + int(rng.integers(1, 20))]
        elif kind == 3:
            data[at:at] = rng.bytes(int(rng.integers(1, 9)))
        else:
            other = _pick(rng, files).SerializeToString()
            begin = int(rng.integers(len(other)))
            data[at : at + 20] = other[begin : begin + int(rng.integers(1, 40))]
        data = data or bytearray(b"\0")
    if rng.random() < 0.05:
        del data[int(rng.integers(len(data))) :]
    return bytes(data)


def change_model(files: Sequence[ModelProto], rng: np.random.Generator) -> bytes:
    """One to three changes of a model that leave its protobuf valid."""
    model = ModelProto()
    model.CopyFrom(_pick(rng, files))
    for _ in range(int(rng.integers(1, 4))):
        change = _pick(rng, (_attribute, _operands, _operator, _values, _values, _input, _output, _insert, _opset))
        change(model, rng)
    return model.SerializeToString()


def _node(graph: GraphProto, rng: np.random.Generator) -> NodeProto:
    return _pick(rng, graph.node) if graph.node else graph.node.add(op_type="Relu", input=["image"], output=["made"])


def _name(graph: GraphProto, rng: np.random.Generator) -> str:
    """Any tensor, or none."""
    made = [name for node in graph.node for name in node.output]
    return _pick(rng, [*made, *(one.name for one in graph.initializer), "image", ""])


def _attribute(model: ModelProto, rng: np.random.Generator) -> None:
    """Another value, or another count of values."""
    node = _node(model.graph, rng)
    if not node.attribute:
        return
    attribute = _pick(rng, node.attribute)
    if attribute.type == AttributeProto.INTS:
        kept = list(attribute.ints)[: int(rng.integers(len(attribute.ints) + 1))]
        attribute.ints[:] = [*kept, _pick(rng, WHOLE), *attribute.ints[len(kept) + int(rng.integers(2)) :]]
    attribute.i, attribute.f, attribute.s = _pick(rng, WHOLE), _pick(rng, REAL), _pick(rng, TEXT)


def _operands(model: ModelProto, rng: np.random.Generator) -> None:
    """Another operand, one more, or one less."""
    node = _node(model.graph, rng)
    kind = int(rng.integers(3))
    if kind == 0 or not node.input:
        node.input.append(_name(model.graph, rng))
    elif kind == 1:
        node.input[int(rng.integers(len(node.input)))] = _name(model.graph, rng)
    else:
        node.input.pop()


def _operator(model: ModelProto, rng: np.random.Generator) -> None:
    node = _node(model.graph, rng)
    node.op_type = _pick(rng, OPERATORS)
    if rng.random() < 0.5:
        del node.attribute[:]
        node.domain = ""


def _values(model: ModelProto, rng: np.random.Generator) -> None:
    """A constant with another number in it, of another shape, or of another type."""
    if not model.graph.initializer:
        return
    tensor = _pick(rng, model.graph.initializer)
    values = numpy_helper.to_array(tensor).copy()
    kind = int(rng.integers(4))
    if kind < 2 and values.size:
        number = _pick(rng, REAL) if values.dtype.kind == "f" else int(rng.integers(4))
        with np.errstate(all="ignore"):
            values.reshape(-1)[int(rng.integers(values.size))] = number
    elif kind == 2:
        flat = values.reshape(-1)
        values = _pick(rng, (flat, values[None], flat[:1], flat[:0], values.T, np.concatenate([flat, flat])))
    else:
        with np.errstate(all="ignore"):
            values = converted(values, np.dtype(_pick(rng, KINDS)))
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), tensor.name))


def _input(model: ModelProto, rng: np.random.Generator) -> None:
    kind = model.graph.input[0].type.tensor_type
    choice = int(rng.integers(4))
    if choice == 0 and kind.shape.dim:
        _pick(rng, kind.shape.dim).dim_value = _pick(rng, WHOLE)
    elif choice == 1:
        kind.shape.dim.add().dim_value = 3
    elif choice == 2 and kind.shape.dim:
        kind.shape.dim.pop()
    else:
        kind.elem_type = int(rng.integers(28))


def _output(model: ModelProto, rng: np.random.Generator) -> None:
    """A node with one output more, which may be the model's."""
    node = _node(model.graph, rng)
    node.output.append(f"extra{len(node.output)}{node.output[0] if node.output else ''}")
    if rng.random() < 0.5:
        model.graph.output[0].name = node.output[-1]


def _insert(model: ModelProto, rng: np.random.Generator) -> None:
    """A node behind all others, as the new end."""
    inputs = [_name(model.graph, rng) for _ in range(int(rng.integers(4)))]
    name = f"new{len(model.graph.node)}"
    model.graph.node.append(helper.make_node(_pick(rng, OPERATORS), inputs, [name]))
    model.graph.output[0].name = name


def _opset(model: ModelProto, rng: np.random.Generator) -> None:
    model.opset_import[0].version = int(_pick(rng, (0, 6, 7, 9, 10, 11, 12, 14, 18, 20, 25, 99)))


Change = Callable[[Sequence[ModelProto], np.random.Generator], bytes]
CHANGES: tuple[Change, ...] = (change_bytes, change_model)


@cache
def good_files() -> tuple[ModelProto, ...]:
    """The small ones among random networks, three that another tool quantized, and some of four and two bits."""
    found = [network(seed, seed % 2 == 0)[0] for seed in range(3 * FILES)]
    small = [model for model in found if model.ByteSize() < LARGEST][:FILES]
    assert len(small) == FILES
    narrow = [narrow_network(np.random.default_rng(seed), "image").proto() for seed in range(NARROW_FILES)]
    quantized = [load_model(QUANTIZED / f"{name}.onnx") for name in ("ort_qdq", "ort_qoperator", "ort_qdq_int4")]
    return (*small, *quantized, *narrow)


def read(data: bytes) -> None:
    """As `load` reads a file, up to its graph."""
    model = from_proto(parse(data))
    check(model)
    to_graph(model)


@dataclass
class Tally:
    """What became of changes: outcomes by name, those that went wrong by number, processor seconds of the slowest."""

    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: dict[int, str] = field(default_factory=dict)
    slowest: tuple[float, int] = (0.0, -1)


def tally(change: Change, numbers: range) -> Tally:
    """Makes the changes of these numbers, with every warning an error."""
    result = Tally()
    for number in numbers:
        data = change(good_files(), np.random.default_rng(number))
        begin = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                result.outcomes[outcome(partial(read, data))] += 1
            except Exception as error:  # which must not be, whatever it is
                result.wrong[number] = f"{type(error).__name__}: {str(error)[:200]}"
        result.slowest = max(result.slowest, (time.process_time() - begin, number))
    return result


if __name__ == "__main__":
    first, count = (int(argument) for argument in sys.argv[1:3])
    for change in CHANGES:
        found = tally(change, range(first, first + count))
        counts = ", ".join(f"{kind} {number}" for kind, number in found.outcomes.most_common())
        print(
            f"{change.__name__}: {counts}; wrong {len(found.wrong)}; slowest {found.slowest[0]:.2f} s ({found.slowest[1]})"
        )
        for number, error in found.wrong.items():
            print(f"    {number}: {error}")
