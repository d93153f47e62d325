"""NIR in and out: the same numbers, and files that lie or crash the HDF5 library are refused."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("h5py", reason="needs the h5py package: pip install 'neurobin[nir]'")

import h5py

from neurobin import zoo
from neurobin.errors import FormatError, UnsupportedError
from neurobin.exec import reference
from neurobin.export.nir import save_nir
from neurobin.frontend.images import Images
from neurobin.frontend.load import describe, load
from neurobin.frontend.nir import from_nir
from neurobin.ir import BINARY, BIPOLAR, Constant, TensorType
from neurobin.ir.dtype import i, u
from tests.networks import Random

PIXELS = Images(u(8), 1.0, 0.0)
EXPRESSIBLE = ("birealnet_digits", "dbnn_fashion_mnist")


def write(path: Path, nodes: dict[str, dict[str, object]], edges: list[tuple[str, str]], root: str = "NIRGraph") -> Path:
    """A file in NIR's layout; a parameter may be a function that writes what it likes into the node's group."""
    text = h5py.string_dtype()
    with h5py.File(path, "w") as file:
        file.create_dataset("version", data="1.0", dtype=text)
        file.create_dataset("node/type", data=root, dtype=text)
        file.create_dataset("node/edges", data=np.array(edges, dtype=object).reshape(-1, 2), dtype=text)
        for name, parameters in nodes.items():
            group = file.create_group(f"node/nodes/{name}")
            for key, value in parameters.items():
                if callable(value):
                    value(group, key)
                else:
                    group.create_dataset(key, data=value, dtype=text if isinstance(value, str) else None)
    return path


def chain(*nodes: dict[str, object]) -> tuple[dict[str, dict[str, object]], list[tuple[str, str]]]:
    """Nodes in a row between an input of 2 x 4 x 4 and an output."""
    row = [{"type": "Input", "shape": [2, 4, 4]}, *nodes, {"type": "Output", "shape": [1]}]
    names = [f"n{index}" for index in range(len(row))]
    return dict(zip(names, row, strict=True)), list(pairwise(names))


def conv(**changes: object) -> dict[str, object]:
    node = {"type": "Conv2d", "weight": np.ones((3, 2, 3, 3)), "bias": np.zeros(3), "stride": [1, 1], "padding": [1, 1],
            "dilation": [1, 1], "groups": 1, "input_shape": [4, 4]}  # fmt: skip
    return node | changes


@pytest.mark.parametrize("name", EXPRESSIBLE)
def test_what_nir_can_say_comes_back_as_it_was(name, tmp_path):
    graph = zoo.load(name, trained=True)
    save_nir(graph, tmp_path / "net.nir")
    kind = graph.inputs[graph.input]
    again = from_nir(tmp_path / "net.nir", Images(kind.dtype, 1.0, 0.0))
    x = np.random.default_rng(0).integers(0, kind.dtype.high + 1, (6, *kind.shape))
    assert np.array_equal(reference.run(graph, x), reference.run(again, x))


@pytest.mark.parametrize("name", EXPRESSIBLE)
def test_the_nir_package_reads_what_is_written(name, tmp_path):
    nir = pytest.importorskip("nir", reason="needs the nir package as a second reader")
    graph = zoo.load(name, trained=True)
    save_nir(graph, tmp_path / "net.nir")
    read = nir.read(str(tmp_path / "net.nir"))  # with its own inference of all types
    assert {type(node).__name__ for node in read.nodes.values()} >= {"Input", "Output", "Threshold"}


@pytest.mark.parametrize("dtype", [BINARY, BIPOLAR])
def test_integer_thresholds_that_descend_are_turned(dtype, tmp_path):
    b = Random(3, TensorType((4, 4, 2), u(8)))
    x = b.op("int_conv2d", "image", weight=b.weight(i(4), 6, 3, 3, 2), padding=(1, 1, 1, 1))
    thresholds, down = b.thresholds(x), Constant(BINARY, np.array([0, 1, 1, 0, 1, 0]))
    x = b.op("multi_threshold", x, thresholds=thresholds, dtype=dtype, descending=down)
    if dtype == BINARY:
        x = b.op("max_pool2d", x, kernel=(2, 2), stride=(2, 2))
    graph = b.graph(x)
    save_nir(graph, tmp_path / "net.nir")
    images = np.random.default_rng(1).integers(0, 256, (16, 4, 4, 2))
    assert np.array_equal(reference.run(graph, images), reference.run(from_nir(tmp_path / "net.nir", PIXELS), images))


def test_a_network_by_hand(tmp_path):
    weight = np.arange(2 * 32).reshape(2, 32) - 30.0
    nodes, edges = chain(
        {"type": "Scale", "scale": np.full((2, 4, 4), 0.5)},
        {"type": "Threshold", "threshold": np.full((2, 4, 4), 50.0)},
        {"type": "Flatten", "start_dim": 0, "end_dim": -1, "input_type": [2, 4, 4]},
        {"type": "Affine", "weight": weight, "bias": [1.0, -2.0]},
    )
    graph = load(write(tmp_path / "hand.nir", nodes, edges), PIXELS)
    x = np.random.default_rng(0).integers(98, 103, (5, 4, 4, 2))
    bits = (x.transpose(0, 3, 1, 2) / 2 > 50.0).reshape(5, -1)  # 100 is not above it
    assert np.array_equal(reference.run(graph, x), bits @ weight.T + [1.0, -2.0])


def test_edges_into_one_node_are_summed_whatever_their_order(tmp_path):
    nodes = {"out": {"type": "Output", "shape": [3]}, "b": {"type": "Linear", "weight": np.eye(3)[::-1]},
             "a": {"type": "Linear", "weight": 2 * np.eye(3)}, "in": {"type": "Input", "shape": [3]}}  # fmt: skip
    edges = [("b", "out"), ("a", "out"), ("in", "a"), ("in", "b")]
    graph = load(write(tmp_path / "sum.nir", nodes, edges), PIXELS)
    assert reference.run(graph, np.array([[1, 2, 3]])).tolist() == [[5.0, 6.0, 7.0]]


def test_a_description_names_what_has_no_meaning(tmp_path):
    nodes, edges = chain(conv(), {"type": "LIF", "tau": np.ones((3, 4, 4))})
    path = write(tmp_path / "lif.nir", nodes, edges)
    known = {operator.name: operator.known for operator in describe(path).operators}
    assert (known["Conv2d"], known["LIF"]) == (True, False)
    with pytest.raises(UnsupportedError, match=r"node 'n2' \(LIF\): neurons here have no state"):
        load(path)


def external(group, key):
    group[key] = h5py.ExternalLink("/etc/passwd", "/")


def soft(group, key):
    group[key] = h5py.SoftLink("/node/nodes/n0/shape")


def elsewhere(group, key):
    group.create_dataset(key, shape=(16,), dtype="f8", external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)])


def huge(group, key):
    group.create_dataset(key, shape=(2**20, 2**20), dtype="f8", chunks=(1024, 1024), compression="gzip")


def virtual(group, key):
    layout = h5py.VirtualLayout(shape=(16,), dtype="f8")
    layout[:] = h5py.VirtualSource("/etc/other.h5", "data", shape=(16,))
    group.create_virtual_dataset(key, layout)


HOSTILE = {
    "external link": (chain(conv(weight=external)), "is a link to somewhere else"),
    "soft link": (chain(conv(weight=soft)), "is a link to somewhere else"),
    "external storage": (chain(conv(weight=elsewhere)), "keeps its data in another file"),
    "virtual data": (chain(conv(weight=virtual)), "keeps its data in another file"),
    "terabytes in kilobytes": (chain(conv(weight=huge)), "the limit elements is"),
    "NaN": (chain(conv(bias=[0, np.nan, 0])), r"bias is nan at \[1\]"),
    "no weight": (chain({"type": "Linear"}), "has no weight"),
    "flat weight": (chain(conv(weight=np.ones(4))), "expected 4 axes"),
    "wrong channels": (chain(conv(weight=np.ones((3, 5, 3, 3)))), r"node 'n1' \(Conv2d\)"),
    "zero stride": (chain(conv(stride=[0, 1])), "stride"),
    "zero groups": (chain(conv(groups=0)), "groups"),
    "places differ": (chain({"type": "Scale", "scale": np.arange(32.0).reshape(2, 4, 4)}), "varies over the places"),
    "odd padding": (chain(conv(padding="mirror")), "padding 'mirror'"),
    "four axes": ((chain()[0] | {"n0": {"type": "Input", "shape": [1, 2, 3, 4]}}, []), "has shape"),
    "no edges": ((chain()[0], []), "nothing leads to it"),
    "edge to nowhere": ((chain(conv())[0], [("n0", "n9")]), "is no node"),
    "two inputs": ((chain()[0] | {"x": {"type": "Input", "shape": [2]}}, []), "2 inputs and 1 outputs"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_lies_is_refused(name, tmp_path):
    (nodes, edges), message = HOSTILE[name]
    path = write(tmp_path / "bad.nir", nodes, edges)
    with pytest.raises((FormatError, UnsupportedError), match=message):
        load(path)


def test_a_cycle_is_named(tmp_path):
    nodes, edges = chain({"type": "Scale", "scale": 1.0}, {"type": "Scale", "scale": 1.0})
    path = write(tmp_path / "cycle.nir", nodes, [*edges, ("n2", "n1")])
    with pytest.raises(UnsupportedError, match="form a cycle"):
        load(path)


def test_damaged_files_end_the_helper_and_not_us(tmp_path):
    nodes, edges = chain(conv())
    whole = write(tmp_path / "whole.nir", nodes, edges).read_bytes()
    rng = np.random.default_rng(0)
    for number in range(12):
        damaged = bytearray(whole)
        for place in rng.integers(8, len(whole), 6):
            damaged[place] = int(rng.integers(256))
        path = tmp_path / f"{number}.nir"
        path.write_bytes(bytes(damaged[: rng.integers(200, len(whole))] if number % 3 == 0 else damaged))
        with suppress(FormatError, UnsupportedError):
            load(path)
