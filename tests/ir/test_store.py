"""`.nbin`: what is saved comes back bit for bit, in few bytes, the same bytes every time, readable by safetensors."""

from __future__ import annotations

import hashlib
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load as load_tensors

from neurobin.errors import FormatError, GraphError, UnsupportedError
from neurobin.exec import packed, reference
from neurobin.ir import FLOAT32, FLOAT64, TERNARY, Builder, Constant, DType, Graph, Node, Op, TensorType, parse_dtype
from neurobin.ir.codec import decode_op, encode_op
from neurobin.ir.dtype import i
from neurobin.ir.store import load, save
from neurobin.ops.affine import Affine
from neurobin.ops.bit_dense import BitDense
from neurobin.ops.clip import Clip
from neurobin.ops.quantize import Quantize
from neurobin.ops.relu import Relu
from neurobin.ops.slice import Slice
from tests.ir.forge import read, take_apart, written
from tests.ir.graphs import every_kind_of_field
from tests.ir.strategies import any_integer, channel_counts, random_constant, seeds
from tests.networks import binary_convnet, images, residual_convnet

GOLDEN = Path(__file__).parents[1] / "golden"
finite = st.floats(allow_nan=False, allow_infinity=False)
X = TensorType((3,), i(8))


@dataclass(frozen=True)
class Holder(Op):
    """Holds a constant and does nothing."""

    constant: Constant

    def infer(self, x: TensorType) -> TensorType:
        return x


def through_codec(op: Op) -> Op:
    """Encoded and decoded without a file, so that an op of the test itself can be used."""
    tensors: dict[str, np.ndarray] = {}
    stored = encode_op(op, "n", tensors)
    return decode_op(type(op), stored, "n", tensors.__getitem__)


def test_every_kind_of_field_comes_back(tmp_path: Path) -> None:
    graph = every_kind_of_field()
    save(graph, tmp_path / "model.nbin")
    found = load(tmp_path / "model.nbin")
    assert found == graph
    assert list(found.inputs) == list(graph.inputs)
    assert found.types == graph.types
    assert found.meta == graph.meta


@pytest.mark.parametrize("graph", [binary_convnet(), binary_convnet(1, dtype=TERNARY), residual_convnet()])
def test_a_loaded_network_computes_the_same(graph: Graph, tmp_path: Path) -> None:
    save(graph, str(tmp_path / "model.nbin"))
    found = load(str(tmp_path / "model.nbin"))
    x = images(graph, 5)
    assert np.array_equal(reference.run(found, x), reference.run(graph, x))
    assert np.array_equal(packed.run(found, x), reference.run(graph, x))


@given(any_integer, st.lists(st.integers(1, 5), max_size=2).map(tuple), channel_counts, seeds)
def test_integer_constants_come_back(dtype: DType, lead: tuple[int, ...], channels: int, seed: int) -> None:
    constant = random_constant(dtype, (*lead, channels), seed)
    assert through_codec(Holder(constant)) == Holder(constant)


@given(st.lists(finite, min_size=1, max_size=9), st.sampled_from([FLOAT32, FLOAT64]), st.booleans())
def test_real_constants_come_back_to_the_last_bit(values: list[float], dtype: DType, single: bool) -> None:
    array = np.array(values)
    if single:
        with np.errstate(over="ignore"):
            narrow = array.astype(np.float32).astype(np.float64)
        array = np.where(np.isfinite(narrow), narrow, 0.0)
    found = through_codec(Holder(Constant(dtype, array)))
    assert isinstance(found, Holder)
    assert found.constant.values.tobytes() == array.tobytes()  # the sign of zero too
    assert found.constant.dtype == dtype


def test_reals_take_four_bytes_when_that_is_exact() -> None:
    kinds = {}
    for number in (0.5, 0.1, 1e300, -0.0):
        graph = Graph({"x": X}, (Node("n", Affine(bias=Constant(FLOAT64, [number])), ("x",)),), ("n",))
        kinds[number] = take_apart(written(graph)).entries["n.bias.values"]["dtype"]
    assert kinds == {0.5: "F32", 0.1: "F64", 1e300: "F64", -0.0: "F32"}


@pytest.mark.parametrize(
    ("dtype", "bits_each"),
    [("bipolar", 1), ("binary", 1), ("ternary", 2), ("u3", 3), ("i4", 4), ("bipolar2<5,2>", 2), ("i8", 8)],
)
def test_a_binary_network_is_a_small_file(dtype: str, bits_each: int, tmp_path: Path) -> None:
    constant = random_constant(parse_dtype(dtype), (100, 1000), 1)
    builder = Builder({"x": TensorType((1000,), i(8))})
    save(builder.graph(builder.add(BitDense(constant), "x")), tmp_path / "m")
    assert (tmp_path / "m").stat().st_size <= 100_000 * bits_each / 8 + 700


def test_wide_types_take_what_their_values_need() -> None:
    sizes = {}
    for top in (100, 200, 30_000, 60_000, 2**31 - 1, 2**31):
        graph = Graph({"x": X}, (Node("n", Affine(bias=Constant(i(40), [top, 0, 0])), ("x",)),), ("n",))
        sizes[top] = take_apart(written(graph)).entries["n.bias.values"]["dtype"]
    assert sizes == {100: "I8", 200: "U8", 30_000: "I16", 60_000: "U16", 2**31 - 1: "I32", 2**31: "I64"}


def test_the_same_graph_gives_the_same_bytes_in_any_process() -> None:
    code = (
        "import sys, hashlib; from tests.ir.forge import written; from tests.ir.graphs import every_kind_of_field;"
        "sys.stdout.write(hashlib.sha256(written(every_kind_of_field())).hexdigest())"
    )
    here = hashlib.sha256(written(every_kind_of_field())).hexdigest()
    root = Path(__file__).parents[2]
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=root, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        )
        assert done.stdout == here


def test_saving_what_was_loaded_gives_the_same_bytes(tmp_path: Path) -> None:
    raw = written(every_kind_of_field())
    assert written(read(raw)) == raw


def test_files_of_version_1_stay_readable(request: pytest.FixtureRequest) -> None:
    path = GOLDEN / "version1.nbin"
    if request.config.getoption("--overwrite") and not path.exists():
        save(every_kind_of_field(), path)
    assert load(path) == every_kind_of_field()


def test_the_safetensors_library_reads_it(tmp_path: Path) -> None:
    graph = every_kind_of_field()
    save(graph, tmp_path / "m.safetensors")
    raw = (tmp_path / "m.safetensors").read_bytes()
    tensors = load_tensors(raw)
    with safe_open(tmp_path / "m.safetensors", "np") as file:
        assert set(file.metadata()) == {"nbin", "sha256"}
        assert set(file.keys()) == set(tensors) == set(take_apart(raw).entries)
    assert tensors["int_conv2d.weight.values"].dtype == np.int8
    assert np.array_equal(tensors["int_conv2d.weight.values"], graph.by_name["int_conv2d"].op.constants()["weight"].values)
    assert tensors["bit_conv2d_3.weight.planes"].shape == (1, -(-5 * 6 * 18 // 64))
    # alignment: every tensor starts at a multiple of its item size, counted from the start of the file
    (length,) = struct.unpack("<Q", raw[:8])
    sizes = {"U64": 8, "F64": 8, "I64": 8, "I32": 4, "F32": 4, "I16": 2, "U16": 2, "I8": 1, "U8": 1}
    assert all((8 + length + e["data_offsets"][0]) % sizes[e["dtype"]] == 0 for e in take_apart(raw).entries.values())


def test_loading_imports_no_torch(tmp_path: Path) -> None:
    save(binary_convnet(), tmp_path / "m.nbin")
    code = (
        f"import sys; from neurobin.ir.store import load; load({str(tmp_path / 'm.nbin')!r});"
        "print(sorted({'torch', 'simpy', 'plotly', 'sklearn', 'safetensors'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({"a": float("nan")}, "meta.a: nan is not text, a finite number"),
        ({"a": [float("inf")]}, "meta.a: inf is not text, a finite number"),
        ({"a": {"b": (1, 2)}}, r"meta.a.b: \(1, 2\) is not text"),
        ({"a": np.float64(1)}, r"meta.a: np.float64\(1.0\) is not text"),
        ({"a": 2**64}, "is not text, a finite number of 64 bits"),
        ({1: 2}, "meta: expected a name, got 1"),
        ({"a": "\ud800"}, "meta.a: the text '.ud800' is not valid Unicode"),
    ],
)
def test_meta_data_that_json_cannot_carry(meta: dict, message: str, tmp_path: Path) -> None:
    graph = Graph({"x": X}, (Node("n", Relu(), ("x",)),), ("n",), meta)
    with pytest.raises(FormatError, match=message):
        save(graph, tmp_path / "m.nbin")
    assert not list(tmp_path.iterdir())


def test_meta_data_that_contains_itself_ends(tmp_path: Path) -> None:
    loop: list = []
    loop += [loop, loop]
    with pytest.raises(FormatError, match="nested more than 32 deep"):
        save(Graph({"x": X}, (Node("n", Relu(), ("x",)),), ("n",), {"a": loop}), tmp_path / "m.nbin")


@pytest.mark.parametrize("name", ["\ud800", "x" * 1001])
def test_names_that_cannot_be_stored(name: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError):
        save(Graph({"x": X}, (Node(name, Relu(), ("x",)),), (name,)), tmp_path / "m.nbin")


@pytest.mark.parametrize(
    "name", ["a/b", "../../x", "weight.planes", "__metadata__", "", " ", "\n\x00\x1b", "名前", '"}', "\u202e"]
)
def test_any_other_name_is_just_a_name(name: str, tmp_path: Path) -> None:
    weight = random_constant(TERNARY, (3, 3), 0)
    graph = Graph({"x": X}, (Node(name, BitDense(weight), ("x",)), Node("n", BitDense(weight), (name,))), ("n",))
    save(graph, tmp_path / "m.nbin")
    assert load(tmp_path / "m.nbin") == graph


def test_what_does_not_verify_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="reads 'y'"):
        save(Graph({"x": X}, (Node("n", Relu(), ("y",)),), ("n",)), tmp_path / "m.nbin")
    assert not list(tmp_path.iterdir())


def test_an_op_no_reader_finds_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="unknown op 'test_store'"):
        save(Graph({"x": X}, (Node("n", Holder(Constant(i(8), [1])), ("x",)),), ("n",)), tmp_path / "m.nbin")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("bits", 1.5, "field 'bits' is 1.5, expected a whole number"),
        ("bits", "2", "field 'bits' is '2', expected a whole number"),
        ("bits", 2**63, "expected a whole number"),
    ],
)
def test_a_field_of_another_type_is_not_saved(field: str, value: object, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        encode_op(Quantize(**{field: value}), "n", {})  # type: ignore[arg-type]


def test_numpy_numbers_are_numbers() -> None:
    assert through_codec(Slice(np.int32(1), np.int64(2))) == Slice(1, 2)  # type: ignore[arg-type]
    found = through_codec(Clip(np.float32(0.5), 1))  # type: ignore[arg-type]
    assert repr(found) == "Clip(low=0.5, high=1.0)"
