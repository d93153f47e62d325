"""Tensors in files beside the model: read where they should be, from nowhere else; nothing is left open."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

import onnx
from onnx import StringStringEntryProto

from neurobin.errors import FormatError
from neurobin.frontend.limits import DEFAULT, Limits
from neurobin.frontend.onnx.external import Folder
from neurobin.frontend.onnx.reader import read_model
from tests.frontend.onnx.hostile_structures import node, proto, tensor

WEIGHTS = np.arange(8, dtype=np.float32).reshape(4, 2)


def _entries(**stated: object) -> list[StringStringEntryProto]:
    return [StringStringEntryProto(key=key, value=str(value)) for key, value in stated.items()]


@pytest.mark.parametrize(
    "location", ["weights.bin", "sub/weights.bin", "sub/deeper/weights.bin", "./weights.bin", "größe.bin"]
)
def test_data_below_the_folder_is_read(tmp_path, location):
    """Behind other bytes, as every tool writes it that puts all tensors into one file."""
    file = tmp_path / location
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"before" + WEIGHTS.tobytes() + b"behind")
    folder = Folder(tmp_path, DEFAULT)
    assert folder.read(_entries(location=location, offset=6, length=32), 32, "") == WEIGHTS.tobytes()
    assert folder.read(_entries(location=location, offset=6, checksum="0" * 40), 32, "") == WEIGHTS.tobytes()


def test_what_onnx_saves_is_read(tmp_path, monkeypatch):
    model = proto([node("MatMul", "x", "w")], [tensor(WEIGHTS, "w")])
    path = tmp_path / "model.onnx"
    onnx.save(model, path, save_as_external_data=True, location="model.data", size_threshold=0)
    assert (tmp_path / "model.data").exists()
    monkeypatch.chdir(tmp_path)
    for name in (path, path.relative_to(tmp_path)):
        assert np.array_equal(read_model(name).constants["w"], WEIGHTS)


@given(offset=st.integers(0, 80), length=st.integers(0, 80), size=st.integers(0, 80))
def test_no_byte_beyond_the_file_is_read(tmp_path_factory, offset, length, size):
    folder = tmp_path_factory.mktemp("data")
    data = bytes(range(size))
    (folder / "d").write_bytes(data)
    if offset + length <= size:
        assert Folder(folder, DEFAULT).read(_entries(location="d", offset=offset), length, "") == data[offset:][:length]
    else:
        with pytest.raises(FormatError, match=f"of a file of {size}"):
            Folder(folder, DEFAULT).read(_entries(location="d", offset=offset), length, "")


@given(st.text(st.sampled_from("./\\\0ab~$ *"), max_size=12))
def test_no_place_leads_out(tmp_path_factory, location):
    """Whatever the place says, only the one file in the folder can be read; every other name is there, outside of it."""
    outer = tmp_path_factory.mktemp("outer")
    folder = outer / "model"
    folder.mkdir()
    (folder / "a").write_bytes(b"good")
    for name in ("a", "b", "ab"):
        (outer / name).write_bytes(b"evil")
    try:
        read = Folder(folder, DEFAULT).read(_entries(location=location), 4, "")
    except FormatError:
        read = b"good"
    assert read == b"good"


def test_a_model_without_a_folder_has_no_data_beside_it():
    with pytest.raises(FormatError, match="came without a folder"):
        Folder(None, DEFAULT).read(_entries(location="d"), 4, "constant 'w'")


def test_a_folder_that_is_gone(tmp_path):
    with pytest.raises(FormatError, match="no such file"):
        Folder(tmp_path / "gone", DEFAULT).read(_entries(location="d"), 4, "constant 'w'")


def test_a_file_beyond_the_limit(tmp_path):
    (tmp_path / "d").write_bytes(bytes(100))
    with pytest.raises(FormatError, match="the limit file_bytes is 99"):
        Folder(tmp_path, Limits(file_bytes=99)).read(_entries(location="d"), 4, "")


def test_nothing_is_left_open(tmp_path):
    """Whether it is read or refused at any depth."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "d").write_bytes(bytes(4))
    (tmp_path / "link").symlink_to("sub")
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for location in ("sub/d", "sub/x", "x/y/z", "link/d", "sub", "../d", "sub/d/e"):
        for length in (4, 5):
            try:
                Folder(tmp_path, DEFAULT).read(_entries(location=location), length, "")
            except FormatError:
                continue
    assert before == (len(os.listdir("/proc/self/fd")) if before else 0)
