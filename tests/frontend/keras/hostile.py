"""Keras files that mean harm: what each is refused with."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from tests.frontend.keras.build import archive, conv, functional, image, layer, small, write, write_weights

FORMAT, USAGE, REFUSED = 1, 2, 3


class Hostile(NamedTuple):
    """Makes a file in a folder; its exit code, and words of its message."""

    make: Callable[[Path], Path]
    code: int
    words: str


def whole(change: Callable[[h5py.File], None]) -> Callable[[Path], Path]:
    """The small network's file, changed."""
    return lambda folder: write(folder / "net.h5", *small(), change)


def text(data: str | bytes) -> Callable[[Path], Path]:
    """A description as it is."""

    def make(folder: Path) -> Path:
        path = folder / "net.json"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return make


def described(*layers: Any, **config: object) -> Callable[[Path], Path]:
    """A network without weights needs none."""
    return text(json.dumps(functional(*layers, **config)))


def zipped(data: Callable[[], bytes]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "net.keras"
        path.write_bytes(data())
        return path

    return make


def _weight(group: h5py.File, value: Callable[[np.ndarray], object]) -> None:
    """Another kernel for the first layer."""
    inner = group["model_weights/first/first"]
    values = inner["kernel:0"][()]
    del inner["kernel:0"]
    inner["kernel:0"] = value(values)


def _at(values: np.ndarray, number: float) -> np.ndarray:
    values[0, 1, 1, 2] = number
    return values


def _elsewhere(link: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        _weight(file, lambda values: link)

    return change


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(3, 3, 2, 4), dtype="f4")
    layout[:] = h5py.VirtualSource("/etc/other.h5", "data", shape=(3, 3, 2, 4))
    inner = file["model_weights/first/first"]
    del inner["kernel:0"]
    inner.create_virtual_dataset("kernel:0", layout)


def _huge(file: h5py.File) -> None:
    inner = file["model_weights/first/first"]
    del inner["kernel:0"]
    inner.create_dataset("kernel:0", shape=(2**20, 2**20), dtype="f4", chunks=(1024, 1024), compression="gzip")


def _bomb(file: h5py.File) -> None:
    """Each data set alone is small enough."""
    for number in range(5):
        file.create_dataset(f"zeros{number}", (2**14, 2**11), "f4", chunks=(2**11, 2**11), compression=9)


def _wide_text(file: h5py.File) -> None:
    file.attrs.create("model_config", np.zeros((), "S60000"), dtype="S60000")
    file.create_dataset("text", shape=(), dtype=f"S{2**30}")


def _many_texts(file: h5py.File) -> None:
    """References to one text, each of which would be a copy of it."""
    kind = h5py.string_dtype()
    data = file.create_dataset("texts", (2**13,), dtype=kind)
    data[0] = "x" * 2**20


def _attribute(place: str, name: str, value: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[place].attrs[name]
        if value is not None:
            file[place].attrs[name] = value

    return change


def _config(change: Callable[[Any], None]) -> Callable[[h5py.File], None]:
    """Another description, by place in its list of layers."""

    def changed(file: h5py.File) -> None:
        config = json.loads(file.attrs["model_config"])
        change(config)
        file.attrs["model_config"] = json.dumps(config)

    return changed


def _own(place: int, **values: object) -> Callable[[Path], Path]:
    """The small network with another setting of one layer."""
    return whole(_config(lambda config: config["config"]["layers"][place]["config"].update(values)))


def _said(place: int, **values: object) -> Callable[[Path], Path]:
    """The same as a description: what has no meaning is told before its weights are missed."""
    config = small()[0]
    config["config"]["layers"][place]["config"].update(values)
    return text(json.dumps(config))


def _weights_alone(folder: Path) -> Path:
    with h5py.File(folder / "w.h5", "w") as file:
        write_weights(file, small()[1], [*small()[1]])
    return folder / "w.h5"


def _cut(folder: Path) -> Path:
    path = write(folder / "net.h5", *small())
    path.write_bytes(path.read_bytes()[:5000])
    return path


def _packed(name: str, data: bytes) -> Callable[[], bytes]:
    """An archive with a member that unpacks to far more."""

    def make() -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            for member in ("metadata.json", "config.json", "model.weights.h5"):
                made.writestr(member, data if member == name else b"{}")
        return out.getvalue()

    return make


def _lying() -> bytes:
    """A member that states fewer bytes than it has."""
    data = bytearray(_packed("config.json", b" " * 10_000)())
    place = data.rindex(b"config.json") - 46 + 24
    data[place : place + 4] = (100).to_bytes(4, "little")
    return bytes(data)


def _twice() -> bytes:
    out = io.BytesIO(archive(small()[0]))
    with zipfile.ZipFile(out, "a") as made:
        made.fp.seek(0, 2)  # type: ignore[union-attr]
        made.NameToInfo.clear()
        made.writestr("config.json", "{}")
    return out.getvalue()


def _directory() -> bytes:
    """More members than anyone needs: their list alone would take much memory."""
    out = io.BytesIO(archive(small()[0]))
    with zipfile.ZipFile(out, "a") as made:
        for number in range(20_000):
            made.writestr(f"member{number}", b"")
    return out.getvalue()


def _models(depth: int) -> Any:
    """Models in models."""
    inner: Any = layer("ReLU", "x")
    for _ in range(depth):
        inner = {"class_name": "Sequential", "config": {"name": "x", "layers": [inner]}}
    inner["config"]["build_input_shape"] = [None, 4]
    return inner


def _repeated(levels: int, times: int) -> Any:
    """Models that call the model before them so often: times^levels layers."""
    model = functional(image(4), layer("ReLU", "x", "image"))
    for level in range(levels):
        name = model["name"] = model["config"]["name"] = f"m{level}"
        model["inbound_nodes"] = [[[name, at, 0, {}] if at else ["image", 0, 0, {}]] for at in range(times)]
        model = functional(image(4), model, layer("ReLU", "x", (name, times, 0)))
    return model


def _many_quantizers() -> list[Any]:
    """A search for thresholds each."""

    def tern(n: int) -> Any:
        return {"class_name": "SteTern", "config": {"threshold_value": 0.1 + n / 1e5}}

    rows = (layer("Activation", f"q{n}", f"q{n - 1}" if n else "image", activation=tern(n)) for n in range(1500))
    return [image(4), *rows]


RELU = layer("ReLU", "x", "image")
LAMBDA = layer("Lambda", "evil", "image", function=["4wEAAAAA", None, None], function_type="lambda")
TABLE: dict[str, Hostile] = {
    # HDF5
    "cut": Hostile(_cut, FORMAT, "is no HDF5 file that can be read"),
    "a text file with its mark": Hostile(text(b"\x89HDF\r\n\x1a\n" + b"x" * 600), FORMAT, "is no HDF5 file"),
    "a link to another file": Hostile(whole(_elsewhere(h5py.ExternalLink("/etc/passwd", "/"))), FORMAT, "is a link to"),
    "a soft link": Hostile(whole(_elsewhere(h5py.SoftLink("/model_weights/dense/dense/kernel:0"))), FORMAT, "is a link to"),
    "data in another file": Hostile(whole(_virtual), FORMAT, "keeps its data in another file"),
    "a huge data set": Hostile(whole(_huge), FORMAT, "the limit elements is"),
    "many data sets of zeros": Hostile(whole(_bomb), FORMAT, "the limit total_bytes is"),
    "a wide text": Hostile(whole(_wide_text), FORMAT, "the limit config_bytes is"),
    "many names": Hostile(
        whole(_attribute("model_weights", "layer_names", np.full(5000, b"x"))), FORMAT, "the limit list_length is"
    ),
    "many texts": Hostile(whole(_many_texts), FORMAT, "the limit list_length is"),
    "weights of integers": Hostile(whole(lambda f: _weight(f, lambda w: w.astype(int))), FORMAT, "is of type int64"),
    "NaN": Hostile(whole(lambda f: _weight(f, lambda w: _at(w, np.nan))), FORMAT, "kernel: is nan, at [0, 1, 1, 2]"),
    "infinity": Hostile(whole(lambda f: _weight(f, lambda w: _at(w, np.inf))), FORMAT, "first (Conv2D), kernel: is inf"),
    "a denormal": Hostile(whole(lambda f: _weight(f, lambda w: _at(w, 1e-45))), FORMAT, "a denormal number"),
    "beyond float32": Hostile(whole(lambda f: _weight(f, lambda w: _at(w.astype(float), 1e300))), FORMAT, "kernel: is inf"),
    "a kernel of another shape": Hostile(
        whole(lambda f: _weight(f, lambda w: w[:2])), FORMAT, "its kernel has shape [2, 3, 2, 4], expected [3, 3, 2, 4]"
    ),
    "a negative variance": Hostile(
        whole(lambda f: f["model_weights/norm/norm/moving_variance:0"].write_direct(np.full(4, -1, np.float32))),
        FORMAT, "variance is -1.0 at [0], with epsilon 0.001 it has no square root",
    ),
    "a missing weight": Hostile(whole(lambda f: f["model_weights/first/first"].pop("kernel:0")), FORMAT, "is not in the"),
    "a missing layer": Hostile(
        whole(_attribute("model_weights", "layer_names", [b"first", b"norm", b"binary"])),
        FORMAT, "the network has 4 layers with weights, the file 3 (missing: dense; unknown: none)",
    ),
    "no names of layers": Hostile(whole(_attribute("model_weights", "layer_names", None)), FORMAT, "has no list layer_"),
    "names that are a text": Hostile(whole(_attribute("model_weights", "layer_names", "x")), FORMAT, "has no list "),
    "names that climb": Hostile(
        whole(_attribute("model_weights/first", "weight_names", [b"../dense/kernel:0", b"bias:0"])),
        FORMAT, "is not in the file, at 'model_weights/first/../dense/kernel:0'",
    ),
    "too few weights": Hostile(
        whole(_attribute("model_weights/first", "weight_names", [b"first/kernel:0"])),
        FORMAT, "layer first: has 2 weights, the file 1 for it",
    ),
    "weights alone": Hostile(_weights_alone, USAGE, "without its description (try: neurobin lower model.json --weights"),
    "a text of other letters": Hostile(
        whole(lambda f: f.attrs.create("model_config", b'{"x": "\xff"}', dtype=h5py.string_dtype())), FORMAT, "is not UTF-8"
    ),
    "no description": Hostile(whole(lambda f: f.attrs.pop("model_config")), FORMAT, "has no model_config, nor NIR's group"),
    "another backend": Hostile(whole(_attribute("/", "backend", "theano")), REFUSED, "written for the backend 'theano'"),
    "Keras 1": Hostile(whole(_attribute("/", "keras_version", "1.2.2")), REFUSED, "was written by Keras 1.2.2"),
    "Keras 3": Hostile(whole(_attribute("/", "keras_version", "3.4.1")), REFUSED, "expected Keras 2 (try: save it with"),
    # JSON
    "a description alone": Hostile(text(json.dumps(small()[0])), USAGE, "is a description without weights (try: neurobin"),
    "deep JSON": Hostile(text('{"class_name":' + "[" * 10**6), FORMAT, "nested too deeply"),
    "a long number": Hostile(text('{"class_name": ' + "1" * 10**5), FORMAT, "a number too long"),
    "a number beyond reals": Hostile(text('{"class_name": 1e999}'), FORMAT, "beyond 64-bit reals"),
    "a key twice": Hostile(text('{"class_name": "Model", "class_name": "Sequential"}'), FORMAT, "appears twice"),
    "NaN in JSON": Hostile(text('{"class_name": NaN}'), FORMAT, "which is not a JSON number"),
    "long JSON": Hostile(text("{" + " " * 2**24 + "}"), FORMAT, "is longer than 8388608 bytes"),
    "no UTF-8": Hostile(text(b'{"class_name": "\xff"}'), FORMAT, "is not UTF-8"),
    "JSON of something else": Hostile(text('{"layers": []}'), FORMAT, "no description of a Keras network"),
    "a subclass": Hostile(text('{"class_name": "Mine", "config": {}}'), REFUSED, "describes a Mine, expected one of"),
    "a list for a configuration": Hostile(text('{"class_name": "Model", "config": []}'), FORMAT, "no class_name and config"),
    "no layers": Hostile(text('{"class_name": "Model", "config": {}}'), FORMAT, "without a list of layers"),
    "an empty row": Hostile(text('{"class_name": "Sequential", "config": {"layers": []}}'), FORMAT, "has 0 layers"),
    "models in models": Hostile(text(json.dumps(_models(12))), FORMAT, "nests models more than 8 deep"),
    "models that multiply": Hostile(text(json.dumps(_repeated(5, 20))), FORMAT, "number of times that layers are applied"),
    # archives
    "a zip bomb": Hostile(zipped(_packed("config.json", b" " * 10**8)), FORMAT, "the limit config_bytes is"),
    "a bomb of metadata": Hostile(zipped(_packed("metadata.json", b" " * 10**6)), FORMAT, "another number"),
    "a member that lies": Hostile(zipped(_lying), FORMAT, "is no whole archive"),
    "a member twice": Hostile(zipped(_twice), FORMAT, "holds 2 members config.json, expected one"),
    "a long list of members": Hostile(zipped(_directory), REFUSED, "is a zip archive"),
    "an archive without weights": Hostile(zipped(lambda: archive(small()[0])), FORMAT, "its kernel is not in the file"),
    "an archive with broken weights": Hostile(
        zipped(lambda: archive(small()[0], {"model.weights.h5": b"\x89HDF\r\n\x1a\n"})), FORMAT, "is no HDF5 file"
    ),
    "another archive": Hostile(zipped(_packed("config.json", b"[]")), FORMAT, "the description is []"),
    # layers
    "Lambda": Hostile(described(image(4), LAMBDA), REFUSED, "layer evil (Lambda): holds code, and no code of a file is"),
    "several unknown ones": Hostile(
        described(image(4), LAMBDA, layer("Mine", "y", "evil"), conv("z", "y", 3, input_quantizer="my_sign")),
        REFUSED, "(Mine): no meaning for this layer; layer z (QuantConv2D): no meaning for input_quantizer my_sign",
    ),
    "a class of the same name": Hostile(
        described(image(4), RELU | {"module": "mine.layers", "registered_name": "mine>ReLU"}),
        REFUSED, "layer x (ReLU): is a class of 'mine>ReLU', not Keras's or Larq's",
    ),
    "a model of another class": Hostile(
        text(json.dumps(functional(image(4), RELU) | {"module": "mine"})), REFUSED, "describes a Functional of mine"
    ),
    "an inner model of another class": Hostile(
        described(image(4), layer("Sequential", "x", "image", layers=[]) | {"module": "mine"}), REFUSED, "a class of 'mine'"
    ),
    "a quantizer of the same name": Hostile(
        _said(3, input_quantizer={"module": "__main__", "class_name": "SteSign", "config": {}}), REFUSED, "of __main__"
    ),
    "an unknown function": Hostile(
        described(image(4), layer("TFOpLambda", "x", "image", function="io.read_file")), REFUSED, "'io.read_file'"
    ),
    "an unknown quantizer": Hostile(_said(3, kernel_quantizer={"class_name": "os.sys", "config": {}}), REFUSED, "os.sys"),
    "an activation that is code": Hostile(
        _said(1, activation={"class_name": "__lambda__", "config": {"value": "x"}}), REFUSED, "activation __lambda__"
    ),
    "a scale of all images": Hostile(_said(3, input_quantizer="magnitude_aware_sign"), REFUSED, "Magnitude"),
    "a quantizer that is a number": Hostile(_said(3, kernel_quantizer=3), FORMAT, "kernel_quantizer is 3, expected a name"),
    "bits out of range": Hostile(
        _own(3, kernel_quantizer={"class_name": "DoReFa", "config": {"k_bit": 64}}), REFUSED, "64 bits, expected at most"
    ),
    "no bits": Hostile(_own(3, kernel_quantizer={"class_name": "DoReFa", "config": {"k_bit": 0}}), FORMAT, "k_bit is 0"),
    "a thousand quantizers": Hostile(described(*_many_quantizers()), FORMAT, "the limit work is"),
    "half floats": Hostile(_said(3, dtype="mixed_float16"), REFUSED, "computes in 'mixed_float16'"),
    "channels first": Hostile(_own(1, data_format="channels_first"), REFUSED, "has its channels first"),
    "a stride of 0": Hostile(_own(1, strides=[0, 1]), FORMAT, "strides is [0, 1], expected two whole numbers of at least 1"),
    "a huge dilation": Hostile(_own(1, dilation_rate=[2**30, 1]), FORMAT, "the number of elements of the padded map"),
    "a real stride": Hostile(_own(1, strides=[1.5, 1]), FORMAT, "strides is [1.5, 1]"),
    "groups that divide nothing": Hostile(_own(1, groups=3), FORMAT, "3 groups of 2 channels and 4 filters"),
    "filters without number": Hostile(_own(1, filters=None), FORMAT, "filters is None"),
    "padding with a fraction": Hostile(_own(3, pad_values=0.5), REFUSED, "pads with 0.5"),
    "another padding": Hostile(_own(1, padding="causal"), REFUSED, "padding 'causal', expected same or valid"),
    "another axis": Hostile(_own(2, axis=[1]), REFUSED, "normalises axis [1] of 4, expected the last"),
    "epsilon that is no number": Hostile(_own(2, epsilon="x"), FORMAT, "epsilon is 'x', expected a number"),
    "a rectifier that jumps": Hostile(described(image(4), layer("ReLU", "x", "image", threshold=1.0)), REFUSED, "jumps"),
    "a wide padding": Hostile(
        described(image(4, 4, 1), layer("ZeroPadding2D", "x", "image", padding=[[60000, 60000], [60000, 60000]])),
        FORMAT, "the limit map_elements is",
    ),
    "a wide pool": Hostile(
        described(image(4, 4, 1), layer("AveragePooling2D", "x", "image", pool_size=2**20, strides=1, padding="same")),
        FORMAT, "the number of elements of the padded map is 1099517919241",
    ),
    "a slow pool": Hostile(
        described(image(1000, 1000, 1), layer("MaxPooling2D", "x", "image", pool_size=900, strides=1, padding="same")),
        FORMAT, "the limit products is",
    ),
    "a large image": Hostile(described(image(10**5, 10**5, 1), RELU), FORMAT, "the limit input_elements is"),
    "an open image": Hostile(described(image(None, None, 3), RELU), REFUSED, "some of it open"),
    "a negative image": Hostile(described(image(-4), RELU), FORMAT, "its input has shape [None, -4]"),
    # calls
    "two layers of one name": Hostile(described(image(4), RELU, RELU), FORMAT, "layer 'x': two layers have this name"),
    "a name that is none": Hostile(described(image(4), layer("ReLU", "a / x", "image")), FORMAT, "has the name 'a / x'"),
    "a cycle": Hostile(
        described(image(4), layer("Add", "x", "image", "y"), layer("ReLU", "y", "x")), FORMAT, "its model form a cycle"
    ),
    "a layer that reads itself": Hostile(described(image(4), layer("Add", "x", "image", "x")), FORMAT, "form a cycle"),
    "nobody's tensor": Hostile(described(image(4), layer("ReLU", "x", "nobody")), FORMAT, "reads 'nobody', call 0, wh"),
    "a call that never was": Hostile(described(image(4), layer("ReLU", "x", ("image", 7, 0))), FORMAT, "'image', call 7"),
    "a second result": Hostile(
        described(image(4), RELU, layer("ReLU", "y", ("x", 0, 5))), FORMAT, "layer y (ReLU): reads result 5 of 'x'"
    ),
    "a tensor that is a text": Hostile(
        described(image(4), RELU | {"inbound_nodes": [[["image", "0", 0, {}]]]}), FORMAT, "expected [layer, node, tensor]"
    ),
    "calls as Keras 3 has them": Hostile(
        described(image(4), RELU | {"inbound_nodes": [{"args": [], "kwargs": {}}]}), REFUSED, "described as Keras 3 does"
    ),
    "no calls": Hostile(described(image(4), RELU | {"inbound_nodes": None}), FORMAT, "has no list inbound_nodes"),
    "two outputs": Hostile(
        described(image(4), RELU, output_layers=[["x", 0, 0], ["image", 0, 0]]), REFUSED, "1 inputs and 2 outputs"
    ),
    "two inputs": Hostile(
        described(image(4), image(4, name="b"), layer("Add", "x", "b"), input_layers=[["image", 0, 0], ["b", 0, 0]]),
        REFUSED, "2 inputs and 1 outputs",
    ),
    "the image itself": Hostile(described(image(4), output_layers=[["image", 0, 0]]), REFUSED, "computes nothing"),
}  # fmt: skip
