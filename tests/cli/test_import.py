"""Networks of other tools on the command line: files wherever a network is expected, and clear refusals."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """bnn_digits as its integers and as trained."""
    from neurobin import zoo
    from neurobin.export.qonnx import save_qonnx

    folder = tmp_path_factory.mktemp("onnx")
    save_qonnx(zoo.load("bnn_digits"), folder / "integers.onnx")
    save_qonnx(zoo.load("bnn_digits", trained=True), folder / "trained.onnx")
    return folder


def test_integers_run_as_what_they_are(neurobin, files):
    ours = json.loads(neurobin("run", "bnn_digits", "--json").out)
    theirs = json.loads(neurobin("run", str(files / "integers.onnx"), "--test-data", "digits", "--json").out)
    assert theirs["predictions"] == ours["predictions"]
    assert theirs["accuracy"] == ours["accuracy"]


def test_a_network_as_trained_is_lowered_on_the_way(neurobin, files):
    ours = json.loads(neurobin("run", "bnn_digits", "--json").out)
    theirs = json.loads(neurobin("run", str(files / "trained.onnx"), "--test-data", "digits", "--json").out)
    assert abs(theirs["accuracy"] - ours["accuracy"]) < 0.01


def test_files_are_validated_priced_and_counted(neurobin, files):
    name = str(files / "integers.onnx")
    found = json.loads(neurobin("validate", name, "--images", "8", "--json").out)
    assert found["mismatches"] == 0
    assert {pair["status"] for pair in found["pairs"]} <= {"equal", "refused"}
    priced = json.loads(neurobin("estimate", name, "--target", "stm32l4r5", "--json").out)
    ours = json.loads(neurobin("estimate", "bnn_digits", "--target", "stm32l4r5", "--json").out)
    assert priced["rows"][0]["latency_s"] == pytest.approx(ours["rows"][0]["latency_s"], rel=0.05)
    counted = json.loads(neurobin("count", str(files / "trained.onnx"), "--json").out)
    assert counted["params"] == json.loads(neurobin("count", "bnn_digits", "--json").out)["params"]


def test_lower_writes_a_file_of_our_own(neurobin, files, tmp_path):
    done = neurobin(
        "lower", str(files / "trained.onnx"), "--test-data", "digits", "-o", str(tmp_path / "out.nbin"), "--json"
    )
    assert done.code == 0
    assert json.loads(done.out)["accuracy"]["deployed"] > 0.9
    assert json.loads(neurobin("run", str(tmp_path / "out.nbin"), "--json").out)["dataset"] == "digits"


def test_without_a_data_set_calibration_is_said_to_be_random(neurobin, files):
    done = neurobin("estimate", str(files / "trained.onnx"), "--target", "stm32l4r5", "--json")
    assert done.code == 0
    assert "calibrated on random images" in done.err
    refused = neurobin("run", str(files / "trained.onnx"))
    assert (refused.code, "--test-data NAME" in refused.err) == (2, True)


def test_inspect_tells_what_becomes_bits(neurobin, files):
    found = json.loads(neurobin("inspect", str(files / "trained.onnx"), "--json").out)
    assert found["facts"]["producer"] == "neurobin"
    assert {operator["name"]: operator["count"] for operator in found["operators"]}["Conv"] >= 2
    forms = [layer["form"] for layer in found["layers"]]
    assert "bits: popcounts" in forms
    assert found["problem"] is None
    shown = neurobin("inspect", "bnn_digits").out
    assert "of all products are popcounts" in shown


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("run", "nothere.onnx"), 1, "nothere.onnx: there is no such file"),
        (("run", "FILE", "--pixel", "zero"), 2, "expected --pixel SCALE"),
        (("run", "FILE", "--pixel", "1/0"), 2, "expected --pixel SCALE"),
        (("run", "FILE", "--pixel", "-1"), 2, "worth more than 0"),
        (("run", "FILE", "--allow", "node=5"), 2, "no limit 'node' (try: 'nodes')"),
        (("run", "FILE", "--allow", "nodes=many"), 2, "expected --allow nodes=NUMBER"),
        (("run", "FILE", "--allow", "nodes=3"), 1, "the limit nodes is 3 (try: --allow nodes="),
    ],
)  # fmt: skip
def test_wrong_options_and_files_are_named(neurobin, files, arguments, code, message):
    refused = neurobin(*(str(files / "trained.onnx") if argument == "FILE" else argument for argument in arguments))
    assert (refused.code, refused.out) == (code, "")
    assert message in refused.err


def test_export_says_what_it_wrote(neurobin, tmp_path):
    done = neurobin("export", "twn_digits", "-o", str(tmp_path / "twn.onnx"))
    assert (done.code, done.out) == (0, "")
    assert "ops)" in done.err


@pytest.fixture(scope="module")
def vector(tmp_path_factory):
    """A network of another tool as trained, in a file of our own that names neither itself nor a data set: 64 -> 10."""
    import numpy as np

    from neurobin.ir import BIPOLAR, Builder, Constant, TensorType
    from neurobin.ir.dtype import u
    from neurobin.ir.store import save
    from neurobin.ops.dense import Dense

    builder = Builder({"image": TensorType((64,), u(8))})
    signs = np.where(np.random.default_rng(0).random((10, 64)) < 0.5, -1, 1)
    made = builder.add(Dense(Constant(BIPOLAR, signs)), "image")
    graph = builder.graph(made, source="torch")
    path = tmp_path_factory.mktemp("vector") / "mine.trained.nbin"
    save(graph, path)
    return path


def test_a_file_of_our_own_takes_the_data_set_it_does_not_name(neurobin, vector):
    found = json.loads(neurobin("run", str(vector), "--test-data", "digits", "--json").out)
    assert (found["dataset"], found["images"]) == ("digits", 364)
    refused = neurobin("run", str(vector))
    assert (refused.code, "--test-data NAME" in refused.err) == (2, True)
    assert "calibrated" not in refused.err  # said before any work


def test_grey_images_go_row_by_row_into_a_vector(neurobin, vector):
    import numpy as np

    from neurobin.data import load_dataset
    from neurobin.ir.store import load

    found = json.loads(neurobin("run", str(vector), "--test-data", "digits", "--json").out)
    weight = load(vector).nodes[0].op.weight.values.astype(int)
    images = load_dataset("digits").x_test.astype(int).reshape(364, 64)
    assert found["predictions"] == np.argmax(images @ weight.T, axis=1).tolist()


def test_the_data_set_that_a_file_names_stays(neurobin):
    from neurobin import zoo

    done = neurobin("run", str(zoo.path("bnn_digits")), "--test-data", "mnist", "--json")
    assert json.loads(done.out)["dataset"] == "digits"
    assert "--test-data mnist is left aside" in done.err


@pytest.mark.parametrize("command", ["run", "lower", "validate", "estimate", "compare"])
def test_images_of_another_shape_are_a_wrong_option(neurobin, files, command):
    done = neurobin(command, str(files / "trained.onnx"), "--test-data", "digit_scenes")
    assert (done.code, done.out) == (2, "")
    assert "trained takes images of 8x8x1, those of digit_scenes are" in done.err


def test_an_assumed_pixel_is_stated_where_it_decides_the_accuracy(neurobin, tmp_path):
    import numpy as np
    import onnx
    from onnx import helper, numpy_helper

    values = {"w": np.where(np.random.default_rng(1).random((10, 1, 8, 8)) < 0.5, -1, 1).astype(np.float32)}
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"]), helper.make_node("Flatten", ["c"], ["y"])]
    ends = [helper.make_tensor_value_info(n, 1, s) for n, s in (("x", [1, 1, 8, 8]), ("y", [1, 10]))]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [numpy_helper.from_array(v, k) for k, v in values.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "real.onnx")
    run = ("run", str(tmp_path / "real.onnx"), "--test-data", "digits")
    assert "pixels over 255 (--pixel" in neurobin(*run).err
    assert neurobin(*run, "--pixel", "1/16").err == ""


def test_content_decides_not_the_name(neurobin, files, tmp_path):
    from neurobin import zoo

    named = tmp_path / "a.nbin"
    named.write_bytes((files / "trained.onnx").read_bytes())
    assert "ONNX" in json.loads(neurobin("inspect", str(named), "--json").out)["facts"]["format"]
    ours = tmp_path / "b.onnx"
    ours.write_bytes(zoo.path("bnn_digits").read_bytes())
    assert json.loads(neurobin("inspect", str(ours), "--json").out)["problem"] is None


def test_nir_says_how_it_is_read_back_and_what_to_do_where_it_has_no_words(neurobin, tmp_path):
    pytest.importorskip("h5py", reason="needs the h5py package: pip install 'neurobin[nir]'")
    refused = neurobin("export", "birealnet_digits", "-o", str(tmp_path / "b.nir"))
    assert (refused.code, "--trained" in refused.err, ".onnx" in refused.err) == (3, True, True)
    assert "--pixel 1" in neurobin("export", "birealnet_digits", "--trained", "-o", str(tmp_path / "b.nir")).err
    run = ("run", str(tmp_path / "b.nir"), "--test-data", "digits", "--json")
    assert json.loads(neurobin(*run, "--pixel", "1").out)["accuracy"] > 0.95


def test_inspect_says_what_was_left_out(neurobin, vector):
    from neurobin.ir.store import load, save

    ending = vector.with_name("softmax.trained.nbin")
    save(load(vector).with_meta(left_out="Softmax"), ending)
    assert json.loads(neurobin("inspect", str(ending), "--json").out)["left_out"] == "Softmax"
    assert "Left out at the end, for a graph gives the scores: Softmax." in neurobin("inspect", str(ending)).out
    assert "Left out" not in neurobin("inspect", str(vector)).out
