"""Which stored array is which weight: by name, in order, within a layer, in pieces, and in archives of every version."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("h5py", reason="needs the h5py package: pip install h5py")

import h5py

from neurobin.exec import reference
from neurobin.frontend.load import load
from tests.frontend.keras.build import archive, functional, image, layer, small, write, write_weights
from tests.frontend.keras.single import WHOLE


def test_weights_go_by_name_or_in_order(tmp_path: Path):
    """Names of layers differ between two runs of one program: Keras fills them one after the other."""
    config, weights = small()
    (tmp_path / "net.json").write_text(json.dumps({**config, "keras_version": "2.15.0", "backend": "tensorflow"}))
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 2))
    wanted = reference.run(load(write(tmp_path / "net.h5", config, weights)), images)
    for names in ([*weights], [*weights][::-1], [f"{name}_7" for name in weights]):
        with h5py.File(tmp_path / "w.h5", "w") as file:
            write_weights(file, {name: weights[name.removesuffix("_7")] for name in names}, names)
        assert np.array_equal(reference.run(load(tmp_path / "net.json", weights=tmp_path / "w.h5"), images), wanted)
    whole = load(tmp_path / "net.json", weights=tmp_path / "net.h5")
    assert np.array_equal(reference.run(whole, images), wanted)


def test_names_may_hold_slashes(tmp_path):
    config, weights = small()
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 2))
    wanted = reference.run(load(write(tmp_path / "net.h5", config, weights)), images)
    renamed = json.loads(json.dumps(config).replace('"binary"', '"block/../binary"'))
    weights["block/../binary"] = weights.pop("binary")
    assert np.array_equal(reference.run(load(write(tmp_path / "net.h5", renamed, weights)), images), wanted)


def test_roles_go_by_name_within_a_layer(tmp_path):
    config, weights = small()
    turned = {name: dict(reversed(roles.items())) for name, roles in weights.items()}
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 2))
    found = [reference.run(load(write(tmp_path / "net.h5", config, one)), images) for one in (weights, turned)]
    assert np.array_equal(*found)


def test_attributes_in_pieces_are_put_together(tmp_path):
    config, weights = small()

    def pieces(file: h5py.File) -> None:
        text, names = file.attrs["model_config"], file["model_weights"].attrs["layer_names"]
        del file.attrs["model_config"], file["model_weights"].attrs["layer_names"]
        for number in range(3):
            file.attrs[f"model_config{number}"] = text[number * len(text) // 3 : (number + 1) * len(text) // 3]
            file["model_weights"].attrs[f"layer_names{number}"] = names[2 * number : 2 * number + 2]

    def bytes_(file: h5py.File) -> None:  # as h5py 2 stored them
        for name in ("model_config", "keras_version", "backend"):
            file.attrs[name] = np.bytes_(file.attrs[name].encode())

    images = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 2))
    for change in (pieces, bytes_):
        found = [reference.run(load(write(tmp_path / "net.h5", config, weights, one)), images) for one in (None, change)]
        assert np.array_equal(*found)


def test_an_archive_by_hand(tmp_path):
    config, weights = small()
    groups = {"first": "conv2d", "norm": "batch_normalization", "binary": "quant_conv2d", "dense": "dense"}
    stored = {
        f"layers/{groups[name]}/vars/{n}": one for name, roles in weights.items() for n, one in enumerate(roles.values())
    }
    (tmp_path / "net.keras").write_bytes(archive(config, weights=stored))
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 2))
    wanted = reference.run(load(write(tmp_path / "net.h5", config, weights)), images)
    assert np.array_equal(reference.run(load(tmp_path / "net.keras"), images), wanted)


@pytest.mark.parametrize(("version", "group"), [("2.13.1", "_layer_checkpoint_dependencies/dense_2"),
                                                ("2.14.0", "_layer_checkpoint_dependencies/dense_1"),
                                                ("2.15.0", "layers/dense_1")])  # fmt: skip
def test_archives_of_every_version_number_layers_in_their_way(version, group, tmp_path):
    dense = {"units": 2, "use_bias": False}
    config = functional(image(2), layer("Dense", "a", "image", **dense), layer("Dense", "b", "a", **dense))
    first, second = np.array([[1, 2], [3, 4]]), np.array([[0, 1], [-1, 0]])
    stored = {f"{group.partition('/')[0]}/dense/vars/0": first, f"{group}/vars/0": second}
    metadata = json.dumps({"keras_version": version}).encode()
    (tmp_path / "net.keras").write_bytes(archive(config, {"metadata.json": metadata}, stored))
    found = reference.run(load(tmp_path / "net.keras", WHOLE), np.array([[5, 7]]))
    assert np.array_equal(found, np.array([[5, 7]]) @ first @ second)
