"""Loaders of image files: whole ones, and every kind of damage."""

from __future__ import annotations

import contextlib
import gzip
import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurobin.data.archives import read_jpegs, read_npz
from neurobin.data.cifar import read_batch
from neurobin.data.idx import read_idx
from neurobin.errors import FormatError


def idx(values: np.ndarray) -> bytes:
    return bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


def test_idx_plain_and_gzipped(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(idx(IMAGES))
    (tmp_path / "a.gz").write_bytes(gzip.compress(idx(IMAGES)))
    assert (read_idx(tmp_path / "a", 3) == IMAGES).all()
    assert (read_idx(tmp_path / "a.gz", 3) == IMAGES).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected an IDX header"),
        (b"\x00\x00\x08", "expected an IDX header"),
        (b"\x00\x00\x0d\x03" + bytes(12), "expected an IDX header of unsigned bytes"),
        (b"\x01\x00\x08\x03" + bytes(12), "expected an IDX header"),
        (idx(IMAGES.reshape(6, 4)), "expected 3 axes, the header states 2"),
        (idx(IMAGES)[:11], "ends within its header"),
        (idx(IMAGES)[:-1], "takes 24 bytes, the file holds 23"),
        (idx(IMAGES) + b"!", "takes 24 bytes, the file holds more"),
        (b"\x00\x00\x08\x03" + struct.pack(">3I", 2, 0, 4), "header states shape"),
        (b"\x00\x00\x08\x03" + b"\xff" * 12, "header states shape"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_damaged_idx(tmp_path: Path, content: bytes, message: str, packed: bool) -> None:
    path = tmp_path / ("a.gz" if packed else "a")
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(FormatError, match=message) as caught:
        read_idx(path, 3)
    assert str(path) in str(caught.value)


def test_damaged_gzip(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    whole = gzip.compress(idx(IMAGES))
    for content in (whole[:-9], b"not gzip at all", whole[:10] + b"\xff" * 8 + whole[18:]):
        path.write_bytes(content)
        with pytest.raises(FormatError, match="cannot read"):
            read_idx(path, 3)


@given(st.binary(max_size=80), st.integers(1, 3))
def test_idx_never_fails_otherwise(tmp_path_factory: pytest.TempPathFactory, content: bytes, axes: int) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz"
    path.write_bytes(bytes([0, 0, 8]) + content)
    with contextlib.suppress(FormatError):
        assert read_idx(path, axes).ndim == axes


def test_npz(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, a=IMAGES)
    assert (read_npz(path, ("a",))["a"] == IMAGES).all()
    with pytest.raises(FormatError, match="missing b"):
        read_npz(path, ("a", "b"))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FormatError, match="cannot read"):
        read_npz(path, ("a",))


def test_npz_is_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, a=np.array([{"a": 1}], dtype=object))
    with pytest.raises(FormatError, match="cannot read"):
        read_npz(path, ("a",))


def jpeg(values: np.ndarray) -> bytes:
    image = pytest.importorskip("PIL.Image")
    buffer = io.BytesIO()
    image.fromarray(values).save(buffer, "JPEG", quality=100)
    return buffer.getvalue()


def test_jpegs(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    parts = [jpeg(np.full((32, 32, 3), level, np.uint8)) for level in (10, 200)]
    stream = np.frombuffer(b"".join(parts), np.uint8)
    offset = np.array([0, len(parts[0]), len(stream)])
    np.savez(path, jpeg=stream, offset=offset, y=np.array([3, 4], np.uint8))
    images, labels = read_jpegs(path, (32, 32))
    assert images.shape == (2, 32, 32, 3)
    assert [image.mean() for image in images] == pytest.approx([10, 200], abs=1)
    assert labels.tolist() == [3, 4]
    with pytest.raises(FormatError, match="expected 28x28 pixels, got 32x32"):
        read_jpegs(path, (28, 28))
    for bad in (offset[::-1], offset[:2], offset + 5, offset.astype(float)):
        np.savez(path, jpeg=stream, offset=bad, y=np.array([3, 4], np.uint8))
        with pytest.raises(FormatError, match="offsets must ascend"):
            read_jpegs(path, (32, 32))
    np.savez(path, jpeg=stream[::-1], offset=offset, y=np.array([3, 4], np.uint8))
    with pytest.raises(FormatError, match="image 0: not a whole JPEG"):
        read_jpegs(path, (32, 32))


def test_cifar_batch(tmp_path: Path) -> None:
    path = tmp_path / "data_batch_1.bin"
    planes = np.arange(2 * 3072, dtype=np.int64).astype(np.uint8).reshape(2, 3, 32, 32)
    path.write_bytes(b"".join(bytes([label]) + image.tobytes() for label, image in zip((7, 1), planes, strict=True)))
    images, labels = read_batch(path)
    assert labels.tolist() == [7, 1]
    assert (images[1, 4, 9] == planes[1, :, 4, 9]).all()
    for content in (path.read_bytes()[:-1], b""):
        path.write_bytes(content)
        with pytest.raises(FormatError, match="records of 3073 bytes"):
            read_batch(path)
    with pytest.raises(FormatError, match="cannot read"):
        read_batch(tmp_path / "absent.bin")
