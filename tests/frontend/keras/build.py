"""Keras files by hand: descriptions as Keras writes them, with weights, for networks that Keras would not make."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Config = dict[str, Any]
Weights = Mapping[str, Mapping[str, np.ndarray]]  # by layer, then by role


def layer(kind: str, name: str, *sources: str | tuple[str, int, int], **config: object) -> Config:
    """A layer of a Functional model that is called once, on the first results of `sources`, or on those named in full."""
    entries = [[source, 0, 0, {}] if isinstance(source, str) else [*source, {}] for source in sources]
    nodes = [entries] if entries else []
    return {"class_name": kind, "config": {"name": name, **config}, "name": name, "inbound_nodes": nodes}


def image(*shape: int | None, name: str = "image") -> Config:
    return layer("InputLayer", name, batch_input_shape=[None, *shape], dtype="float32")


def functional(*layers: Config, **config: object) -> Config:
    """From the first layer to the last."""
    ends = {"input_layers": [[layers[0]["name"], 0, 0]], "output_layers": [[layers[-1]["name"], 0, 0]]}
    return {"class_name": "Functional", "config": {"name": "model", "layers": list(layers), **ends, **config}}


def conv(name: str, source: str, filters: int, size: int = 3, kind: str = "QuantConv2D", **config: object) -> Config:
    own = {"filters": filters, "kernel_size": [size, size], "strides": [1, 1], "padding": "same", "use_bias": False}
    return layer(kind, name, source, **(own | config))


def write_weights(group: h5py.Group, weights: Weights, names: list[str]) -> None:
    """The groups of `model.save_weights`."""
    group.attrs["layer_names"] = np.array([name.encode() for name in names])
    group.attrs["backend"], group.attrs["keras_version"] = "tensorflow", "2.15.0"
    for name in names:
        inner, stored = group.create_group(name), weights.get(name, {})
        inner.attrs["weight_names"] = np.array([f"{name}/{role}:0".encode() for role in stored])
        for role, values in stored.items():
            inner[f"{name}/{role}:0"] = np.asarray(values, np.float32)


def write(path: Path, config: Config, weights: Weights, change: Any = None) -> Path:
    """A whole file; `change` may do to it what it likes."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["backend"], file.attrs["keras_version"] = "tensorflow", "2.15.0"
        names = [one["config"]["name"] for one in config["config"]["layers"]]
        write_weights(file.create_group("model_weights"), weights, names)
        if change is not None:
            change(file)
    return path


def archive(
    config: Config, members: Mapping[str, bytes] | None = None, weights: Mapping[str, np.ndarray] | None = None
) -> bytes:
    """A `.keras` file; `weights` by their path, `members` instead of its own."""
    stored, out = io.BytesIO(), io.BytesIO()
    with h5py.File(stored, "w") as file:
        for place, values in (weights or {}).items():
            file[place] = np.asarray(values, np.float32)
    own = {"metadata.json": b'{"keras_version": "2.15.0"}', "config.json": json.dumps(config).encode()}
    own |= {"model.weights.h5": stored.getvalue()} | dict(members or {})
    with zipfile.ZipFile(out, "w") as made:
        for name, data in own.items():
            made.writestr(name, data)
    return out.getvalue()


def small() -> tuple[Config, dict[str, dict[str, np.ndarray]]]:
    """A network of four layers with weights: real, binary, batch norm, a matrix."""
    rng = np.random.default_rng(0)
    config = functional(
        image(6, 6, 2),
        conv("first", "image", 4, kind="Conv2D", use_bias=True),
        layer("BatchNormalization", "norm", "first", axis=[3], epsilon=0.001),
        conv("binary", "norm", 4, input_quantizer="ste_sign", kernel_quantizer="ste_sign", pad_values=1.0),
        layer("GlobalAveragePooling2D", "pool", "binary"),
        layer("Dense", "dense", "pool", units=3, activation="softmax"),
    )
    weights = {
        "first": {"kernel": rng.normal(size=(3, 3, 2, 4)), "bias": rng.normal(size=4)},
        "norm": {"gamma": rng.normal(size=4), "beta": rng.normal(size=4), "moving_mean": rng.normal(size=4),
                 "moving_variance": rng.uniform(0.5, 2, 4)},
        "binary": {"kernel": rng.normal(size=(3, 3, 4, 4))},
        "dense": {"kernel": rng.normal(size=(4, 3)), "bias": rng.normal(size=3)},
    }  # fmt: skip
    return config, weights
