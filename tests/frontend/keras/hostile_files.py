"""HDF5 files and archives that mean harm, whatever network they hold."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from tests.frontend.keras.build import archive, small, write, write_weights
from tests.frontend.keras.hostile import FORMAT, REFUSED, USAGE, Hostile, text, whole


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


def _chunk(file: h5py.File) -> None:
    """Ten numbers, for which two gigabytes would be unpacked."""
    file.create_dataset("few", (10,), "f4", maxshape=(None,), chunks=(2**29,), compression="gzip")


def _ragged(file: h5py.File) -> None:
    file.create_dataset("ragged", (3,), h5py.vlen_dtype(np.float32))[0] = np.zeros(10**6, np.float32)


def _reference(file: h5py.File) -> None:
    file["part"] = file["model_weights/first/first/kernel:0"].regionref[0:2]


def _enumeration(file: h5py.File) -> None:
    inner = file["model_weights/first/first"]
    del inner["kernel:0"]
    inner.create_dataset("kernel:0", (3, 3, 2, 4), h5py.enum_dtype({"no": 0, "yes": 1}, "i1"))


def _circle(file: h5py.File) -> None:
    file["model_weights/again"] = file["model_weights"]


def _linked(file: h5py.File) -> None:
    data = file.create_dataset("zeros", (2**25,), "f4", chunks=(2**20,), compression=9)
    for number in range(10):
        file[f"zeros{number}"] = data


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


def _by_lzma() -> bytes:
    """Its dictionary is as large as it states."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as made:
        for member in ("metadata.json", "config.json", "model.weights.h5"):
            made.writestr(member, b"{}")
    return out.getvalue()


FILES: dict[str, Hostile] = {
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
    "a chunk far larger than its data": Hostile(whole(_chunk), FORMAT, "one chunk: the number of elements"),
    "a list of numbers of any length": Hostile(whole(_ragged), FORMAT, "'/ragged': is of type object"),
    "a reference": Hostile(whole(_reference), FORMAT, "'/part': is of type object"),
    "a record": Hostile(whole(lambda f: f.create_dataset("x", 2, [("a", "f4"), ("b", "i2")])), FORMAT, "is of type [('a'"),
    "an enumeration as a kernel": Hostile(whole(_enumeration), FORMAT, "its kernel is of type int8, expected float32"),
    "groups in a circle": Hostile(whole(_circle), FORMAT, "nests groups more than 12 deep"),
    "one data set under many names": Hostile(whole(_linked), FORMAT, "the limit total_bytes is"),
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
    "an archive packed by another method": Hostile(zipped(_by_lzma), FORMAT, "packs metadata.json as Keras does not"),
}  # fmt: skip
