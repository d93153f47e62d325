"""Data sets by name: digits comes with scikit-learn, digit_scenes is made from it, the others are files that the user has.

Folders are searched in this order: $NEUROBIN_DATA, ~/.cache/neurobin, and where Debian's package dataset-fashion-mnist
puts its files. Each may hold the files itself or in a sub-folder named after the data set. Nothing is downloaded.
"""

from __future__ import annotations

import gzip
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from neurobin.data.archives import read_jpegs, read_npz
from neurobin.data.cifar import SIDE, read_batch
from neurobin.data.dataset import Dataset
from neurobin.data.digit_scenes import LEVELS, PARTS, TEST_SCENES, TRAIN_SCENES, scenes
from neurobin.data.idx import read_idx
from neurobin.errors import FormatError, UsageError, nearest
from neurobin.nets.task import Goal

CLASSES = 10
TEST_EVERY = 5
DEBIAN_FOLDER = Path("/usr/share/datasets")
IDX_STEMS = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
NPZ_KEYS = ("x_train", "y_train", "x_test", "y_test")

Loader = Callable[[str, Path], Dataset | None]


def dataset_names() -> list[str]:
    """All data set names, sorted."""
    return sorted((*_MADE, *_SOURCES))


def load_dataset(name: str) -> Dataset:
    """The data set of that name.

    Raises UsageError when it is unknown or absent (naming every place tried), FormatError when a file is damaged.
    """
    if name in _MADE:
        return _MADE[name]()
    if name not in _SOURCES:
        raise UsageError(f"unknown data set {name!r}", hint=nearest(name, dataset_names()))
    folders = search_folders(name)
    for folder in folders:
        for loader in _SOURCES[name][0]:
            found = loader(name, folder)
            if found is not None:
                return found
    tried = ", ".join(map(str, folders))
    raise UsageError(f"data set {name!r} was not found in: {tried}", hint=_SOURCES[name][1])


def search_folders(name: str) -> list[Path]:
    """The folders in which `name` is looked for, in order."""
    roots = [Path(os.environ["NEUROBIN_DATA"])] if os.environ.get("NEUROBIN_DATA") else []
    roots += [Path.home() / ".cache" / "neurobin", DEBIAN_FOLDER]
    spellings = dict.fromkeys((name, name.replace("_", "-")))
    return [folder for root in roots for folder in (root, *(root / spelling for spelling in spellings))]


def load_digits() -> Dataset:
    """The 1797 handwritten digits (8x8, pixels 0 ... 16) that scikit-learn ships (UCI optdigits, test part).

    Split by rule, not by a random generator, so that it never changes: within each class every fifth image in the data
    set's own order, from the first on, is for testing. That makes 364 test and 1433 training images in class proportion.
    """
    table = _digits_table()
    images = table[:, :-1].astype(np.uint8).reshape(-1, 8, 8, 1)
    labels = table[:, -1].astype(np.int64)
    held_out = np.zeros(len(labels), bool)
    for label in range(CLASSES):
        held_out[np.flatnonzero(labels == label)[::TEST_EVERY]] = True
    return Dataset(
        "digits", images[~held_out], labels[~held_out], images[held_out], labels[held_out], classes=CLASSES, levels=17
    )


def load_digit_scenes() -> Dataset:
    """4000 training and 1000 test scenes of 40x40 pixels for detection, made from the digits of the same split."""
    digits = load_digits()
    train = scenes(digits.x_train[..., 0], digits.y_train, TRAIN_SCENES, seed=0, parts=PARTS)
    test = scenes(digits.x_test[..., 0], digits.y_test, TEST_SCENES, seed=1)
    return Dataset("digit_scenes", *train, *test, classes=CLASSES, levels=LEVELS, goal=Goal.DETECTION)


def _digits_table() -> np.ndarray:
    """int64 [1797, 65]: 64 pixels and the label. Read from scikit-learn's file, because importing it takes seconds."""
    found = importlib.util.find_spec("sklearn")
    if found is None or found.origin is None:
        raise UsageError("the digits come with scikit-learn, which is not installed", hint="pip install scikit-learn")
    with gzip.open(Path(found.origin).parent / "datasets" / "data" / "digits.csv.gz", "rt", encoding="ascii") as file:
        return np.loadtxt(file, delimiter=",", dtype=np.int64)


def _from_idx(name: str, folder: Path) -> Dataset | None:
    paths = [_first_file(folder, stem, f"{stem}.gz", stem.replace("-idx", ".idx")) for stem in IDX_STEMS]
    present = [path for path in paths if path is not None]
    if not present or not _is_about(name, folder):
        return None
    if len(present) < len(paths):
        missing = ", ".join(stem for stem, path in zip(IDX_STEMS, paths, strict=True) if path is None)
        raise FormatError(f"incomplete, missing {missing} (.gz or not)", where=str(folder))
    x_train, y_train, x_test, y_test = (read_idx(path, 3 if i % 2 == 0 else 1) for i, path in enumerate(present))
    return _dataset(name, x_train[..., None], y_train, x_test[..., None], y_test)


def _is_about(name: str, folder: Path) -> bool:
    """MNIST and Fashion-MNIST have the same file names, so IDX files must lie in a folder named after their data set."""
    return folder.name.replace("_", "-") == name.replace("_", "-")


def _from_npz(name: str, folder: Path) -> Dataset | None:
    path = _first_file(folder, f"{name}.npz")
    if path is None:
        return None
    arrays = read_npz(path, NPZ_KEYS)
    x_train, y_train, x_test, y_test = (arrays[key] for key in NPZ_KEYS)
    if x_train.ndim == 3:
        x_train, x_test = x_train[..., None], x_test[..., None]
    return _dataset(name, x_train, y_train.reshape(-1), x_test, y_test.reshape(-1))


def _from_cifar_binary(name: str, folder: Path) -> Dataset | None:
    for place in (folder, folder / "cifar-10-batches-bin"):
        paths = [place / f"data_batch_{i}.bin" for i in range(1, 6)]
        if all(path.is_file() for path in (*paths, place / "test_batch.bin")):
            train = [read_batch(path) for path in paths]
            x_test, y_test = read_batch(place / "test_batch.bin")
            x_train, y_train = (np.concatenate(parts) for parts in zip(*train, strict=True))
            return _dataset(name, x_train, y_train, x_test, y_test)
    return None


def _from_cifar_jpeg(name: str, folder: Path) -> Dataset | None:
    train, test = (_first_file(folder, f"{name}_jpeg_{part}.npz") for part in ("train", "test"))
    if train is None or test is None:
        return None
    return _dataset(name, *read_jpegs(train, (SIDE, SIDE)), *read_jpegs(test, (SIDE, SIDE)))


def _first_file(folder: Path, *names: str) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _dataset(name: str, x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> Dataset:
    labels = [y.astype(np.int64) if y.dtype.kind in "iu" else y for y in (y_train, y_test)]
    return Dataset(name, x_train, labels[0], x_test, labels[1], classes=CLASSES, levels=256)


USUAL = {Goal.CLASSIFICATION: "fashion_mnist", Goal.DETECTION: "digit_scenes"}  # what the zoo's networks are trained on

_MADE: dict[str, Callable[[], Dataset]] = {"digits": load_digits, "digit_scenes": load_digit_scenes}

_SOURCES: dict[str, tuple[tuple[Loader, ...], str]] = {
    "mnist": (
        (_from_npz, _from_idx),
        "put mnist.npz (x_train, y_train, x_test, y_test) or a folder mnist of the four IDX files into $NEUROBIN_DATA",
    ),
    "fashion_mnist": (
        (_from_npz, _from_idx),
        "apt install dataset-fashion-mnist, or put the four IDX files into $NEUROBIN_DATA/fashion-mnist",
    ),
    "cifar10": (
        (_from_npz, _from_cifar_binary, _from_cifar_jpeg),
        "unpack cifar-10-binary.tar.gz (the binary version) into $NEUROBIN_DATA",
    ),
}
