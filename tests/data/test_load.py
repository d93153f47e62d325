"""Data sets by name: where they are looked for, the digits' split, and clear errors."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from neurobin.data import load as data_module
from neurobin.data.dataset import Dataset
from neurobin.data.load import dataset_names, load_dataset
from neurobin.errors import FormatError, UsageError
from tests.data.test_formats import idx


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No data outside the test's own folder, which $NEUROBIN_DATA names."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NEUROBIN_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(data_module, "DEBIAN_FOLDER", tmp_path / "debian")
    return tmp_path


def synthetic(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 28, 28), dtype=np.uint8), rng.integers(0, 10, count, dtype=np.uint8)


def write_idx(folder: Path, packed: bool = True) -> None:
    folder.mkdir(parents=True)
    for part, count in (("train", 5), ("t10k", 3)):
        for kind, values in zip(("images-idx3", "labels-idx1"), synthetic(count, count), strict=True):
            raw = idx(values)
            path = folder / f"{part}-{kind}-ubyte{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(raw) if packed else raw)


def test_digits_split() -> None:
    digits = load_dataset("digits")
    assert (len(digits.x_train), len(digits.x_test)) == (1433, 364)
    assert digits.x_train.shape[1:] == (8, 8, 1)
    assert (digits.levels, digits.classes, int(digits.x_train.max())) == (17, 10, 16)
    whole = np.bincount(digits.y_train) + np.bincount(digits.y_test)
    assert (np.bincount(digits.y_test) == -(-whole // 5)).all()
    assert digits.y_test[:10].tolist() == list(range(10))
    assert digits.x_test[0, :2, :, 0].tolist() == [[0, 0, 5, 13, 9, 1, 0, 0], [0, 0, 13, 15, 10, 15, 5, 0]]


def test_digits_parts_share_no_image() -> None:
    digits = load_dataset("digits")
    train = {image.tobytes() for image in digits.x_train}
    assert not any(image.tobytes() in train for image in digits.x_test)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("mnist", "data/mnist"),
        ("fashion_mnist", "data/fashion-mnist"),
        ("fashion_mnist", "data/fashion_mnist"),
        ("fashion_mnist", "home/.cache/neurobin/fashion-mnist"),
        ("fashion_mnist", "debian/fashion-mnist"),
    ],
)
def test_idx_folders(nowhere: Path, name: str, folder: str, packed: bool) -> None:
    write_idx(nowhere / folder, packed)
    found = load_dataset(name)
    images, labels = synthetic(5, 5)
    assert (found.x_train[..., 0] == images).all()
    assert (found.y_train == labels).all()
    assert found.x_test.shape == (3, 28, 28, 1)
    assert found.task.levels == 256


def test_fashion_is_not_taken_for_mnist(nowhere: Path) -> None:
    write_idx(nowhere / "data" / "fashion-mnist")
    with pytest.raises(UsageError):
        load_dataset("mnist")


def test_the_folder_itself_may_be_the_data_set(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx(nowhere / "elsewhere" / "mnist")
    monkeypatch.setenv("NEUROBIN_DATA", str(nowhere / "elsewhere" / "mnist"))
    assert len(load_dataset("mnist").x_train) == 5


def test_keras_archive(nowhere: Path) -> None:
    (nowhere / "data").mkdir()
    x, y = synthetic(6, 1)
    np.savez(nowhere / "data" / "mnist.npz", x_train=x, y_train=y, x_test=x[:2], y_test=y[:2])
    assert load_dataset("mnist").x_test.shape == (2, 28, 28, 1)
    np.savez(nowhere / "data" / "mnist.npz", x_train=x, y_train=y + 3.5, x_test=x[:2], y_test=y[:2])
    with pytest.raises(FormatError, match="whole numbers as labels, got float64"):
        load_dataset("mnist")


def test_cifar_binary_version(nowhere: Path) -> None:
    folder = nowhere / "data" / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for number, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        (folder / f"{name}.bin").write_bytes((bytes([number]) + bytes(3072)) * 2)
    found = load_dataset("cifar10")
    assert found.y_train.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert found.x_test.shape == (2, 32, 32, 3)


def test_incomplete_folder(nowhere: Path) -> None:
    write_idx(nowhere / "data" / "mnist")
    (nowhere / "data" / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FormatError, match="missing t10k-labels-idx1-ubyte"):
        load_dataset("mnist")


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_absent_data_names_every_place(nowhere: Path, name: str) -> None:
    with pytest.raises(UsageError, match="was not found in") as caught:
        load_dataset(name)
    for folder in ("data", "home/.cache/neurobin", "debian"):
        assert re.search(rf"{re.escape(str(nowhere / folder))}[,/ ]", str(caught.value))
    assert "NEUROBIN_DATA" in caught.value.hint
    assert caught.value.exit_code == 2


def test_unknown_name() -> None:
    with pytest.raises(UsageError, match="try: 'fashion_mnist'"):
        load_dataset("fashion-mnst")
    assert dataset_names() == ["cifar10", "digit_scenes", "digits", "fashion_mnist", "mnist"]


def test_datasets_check_their_parts() -> None:
    x, y = np.zeros((4, 8, 8, 1), np.uint8), np.arange(4)

    def make(**changes: object) -> Dataset:
        parts = {"x_train": x, "y_train": y, "x_test": x, "y_test": y, "classes": 10, "levels": 17} | changes
        return Dataset("made up", **parts)  # type: ignore[arg-type]

    assert not make().large
    for changes, message in (
        ({"x_train": x[..., 0]}, r"train part: expected uint8 images \[N, H, W, C\]"),
        ({"x_test": x.astype(float)}, "test part: expected uint8 images"),
        ({"y_test": y[:3]}, "one label per image"),
        ({"y_train": y + 7}, "labels reach from 7 to 10"),
        ({"x_test": x + 17}, "a pixel is 17"),
        ({"x_test": np.zeros((4, 9, 8, 1), np.uint8)}, r"train images are \(8, 8, 1\), test images \(9, 8, 1\)"),
    ):
        with pytest.raises(FormatError, match=message):
            make(**changes)


def test_digits_are_those_of_scikit_learn():
    """The file is read directly; the library's own loader is the oracle."""
    bunch = pytest.importorskip("sklearn.datasets").load_digits()
    table = data_module._digits_table()
    assert np.array_equal(table[:, :-1].reshape(-1, 8, 8), bunch.images)
    assert np.array_equal(table[:, -1], bunch.target)
