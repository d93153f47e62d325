"""Networks that Keras and Larq built mean here what Keras computes with them (see `make`)."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("h5py", reason="needs the h5py package: pip install h5py")

from neurobin.exec import packed, reference
from neurobin.frontend.load import describe, load
from neurobin.ir import BIPOLAR, TERNARY, Encoding, Graph
from neurobin.ops.conv2d import Conv2d
from neurobin.passes import lower

FOLDER = Path(__file__).parent / "networks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.npz"))
CLOSE = 1e-4


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The files as Keras wrote them."""
    made = tmp_path_factory.mktemp("keras")
    for file in FOLDER.glob("*.gz"):
        (made / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    return made


@pytest.fixture(scope="module")
def graphs(folder) -> dict[str, Graph]:
    return {name: opened(folder, name) for name in NAMES}


def opened(folder: Path, name: str) -> Graph:
    """The graph in one file, or in a description beside its weights."""
    if (folder / f"{name}.json").exists():
        return load(folder / f"{name}.json", weights=folder / f"{name}.h5")
    return load(next(path for path in folder.glob(f"{name}.*")))


def recorded(name: str) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """(images, outputs, sums of products inside for the first two images, by layer)."""
    with np.load(FOLDER / f"{name}.npz") as file:
        inside = {key: file[key] for key in file.files if key not in ("images", "outputs")}
        return file["images"].astype(np.int64), file["outputs"], inside


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_those_of_keras(name, graphs):
    images, wanted, _ = recorded(name)
    found = reference.run(graphs[name], images)
    found = softmax(found) if graphs[name].meta["left_out"] else found
    assert np.abs(found - wanted).max() < CLOSE
    assert np.array_equal(found.argmax(1), wanted.argmax(1))
    assert len(set(wanted.argmax(1))) >= 4  # or the networks would tell nothing


@pytest.mark.parametrize("name", [name for name in NAMES if recorded(name)[2]])
def test_sums_of_quantized_products_are_exact(name, graphs):
    images, _, inside = recorded(name)
    values = reference.run_all(graphs[name], images[:2])
    for key, wanted in inside.items():
        assert np.array_equal(values[f"{key}.conv2d"], wanted), key
        assert len(np.unique(wanted)) > 8, key


@pytest.mark.parametrize("name", NAMES)
def test_deployed_networks_rank_alike_and_the_engines_agree(name, graphs):
    images, wanted, _ = recorded(name)
    deployed = lower(graphs[name], images)
    found = reference.run(deployed, images)
    assert np.array_equal(packed.run(deployed, images), found)
    assert (found.argmax(1) == wanted.argmax(1)).sum() >= len(images) - 2  # 8 bits where Keras has reals


def test_what_is_few_values_in_larq_is_codes_here(graphs):
    """Kernels as bits, ternary digits and planes; nothing of a quantizer is left to real weights."""
    ops = [(node.name, node.op) for graph in graphs.values() for node in graph.nodes if isinstance(node.op, Conv2d)]
    assert {(op.weight.dtype.encoding, op.weight.dtype.bits) for _, op in ops} >= {
        (Encoding.BIPOLAR, 1), (Encoding.UNSIGNED, 2), (Encoding.BIPOLAR, 3), (Encoding.TERNARY, 2), (Encoding.UNSIGNED, 1),
    }  # fmt: skip
    convs = dict(ops)
    assert convs["ones.conv2d"].weight.dtype == convs["zeros.conv2d"].weight.dtype == BIPOLAR
    assert convs["ternary.conv2d"].weight.dtype == TERNARY
    assert convs["ones.conv2d"].pad_value == 1
    assert convs["zeros.conv2d"].pad_value == 0
    assert convs["zeros.conv2d"].groups == 2


def test_an_archive_and_a_whole_file_of_one_network_are_the_same_graph(graphs):
    """The weights differ: what is drawn for the one is not for the other."""
    pairs = zip(graphs["nested"].nodes, graphs["nested_archive"].nodes, strict=True)
    assert all((a.op.name, a.inputs) == (b.op.name, b.inputs) for a, b in pairs)


def test_a_model_applied_three_times_stands_there_three_times(graphs):
    weights = [node.op.weight for node in graphs["nested"].nodes if isinstance(node.op, Conv2d)]
    assert sum(weight == weights[1] for weight in weights) == 3


def test_a_file_is_described(folder):
    found = describe(folder / "signs.h5")
    assert found.facts["format"] == "Keras 2.15.0, HDF5"
    assert found.facts["input"] == "[null, 16, 14, 3]"
    first = {one.name: (one.domain, one.count, one.known) for one in found.operators}
    assert first["QuantConv2D"] == ("larq", 5, True)
    assert first["Add"] == ("keras", 2, True)
    assert all(one.known for one in found.operators)
    assert describe(folder / "functions.keras").facts["format"] == "Keras 2.15.0, archive"
    alone = describe(folder / "plain.json")
    assert alone.facts["weights"] == "none: a description alone"
    assert {"math.maximum", "split"} <= {one.name for one in describe(folder / "functions.keras").operators}


def test_the_networks_hold_what_they_are_for(folder):
    """Every layer and function that has a rule, every quantizer in its place."""
    from neurobin.frontend.keras.convert import _NO_OPS, FUNCTIONS, RULES
    from neurobin.frontend.keras.convert.quantizers import INPUTS, KERNELS

    seen = {one.name for path in folder.iterdir() if not path.name.endswith(("plain.h5", "sequence.h5"))
            for one in describe(path).operators}  # fmt: skip
    assert seen >= RULES.keys() - set(_NO_OPS)
    assert seen >= FUNCTIONS.keys() - {"math.add", "math.divide", "nn.softmax", "math.negative", "identity"}
    text = "".join(json.dumps(_config(path)) for path in folder.iterdir())
    for name in {*INPUTS, *KERNELS} - {"xnor_weight_scale", "magnitude_aware_sign_unclipped"}:  # functions, of Larq Zoo
        assert f'"class_name": "{name}"' in text, name


def _config(path: Path) -> object:
    import zipfile

    import h5py

    if path.suffix == ".json":
        return json.loads(path.read_text())
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as file:
            return json.loads(file.read("config.json"))
    with h5py.File(path) as file:
        return json.loads(file.attrs.get("model_config", "{}"))


def test_the_command_takes_a_description_and_its_weights(folder, tmp_path):
    out = tmp_path / "out.nbin"
    command = [sys.executable, "-m", "neurobin", "lower", str(folder / "sequence.json")]
    done = subprocess.run(
        [*command, "--weights", str(folder / "sequence.h5"), "-o", str(out)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert load(out).is_deployed
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "is a description without weights (try: neurobin lower model.json --weights weights.h5" in done.stderr


def test_neither_torch_nor_the_onnx_package_is_loaded(folder):
    code = f"""
import sys
for name in ("torch", "onnx", "tensorflow"): sys.modules[name] = None
from pathlib import Path
from neurobin.frontend.load import load
assert load(Path({str(folder / "planes.keras")!r})).nodes
"""
    subprocess.run([sys.executable, "-c", code], check=True)
