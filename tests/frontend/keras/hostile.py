"""Keras files that mean harm: what each is made by and refused with. See `hostile_files` and `hostile_layers`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import h5py

from tests.frontend.keras.build import functional, small, write

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


def config_with(change: Callable[[Any], None]) -> Callable[[h5py.File], None]:
    """Another description, by place in its list of layers."""

    def changed(file: h5py.File) -> None:
        config = json.loads(file.attrs["model_config"])
        change(config)
        file.attrs["model_config"] = json.dumps(config)

    return changed


def own(place: int, **values: object) -> Callable[[Path], Path]:
    """The small network with another setting of one layer."""
    return whole(config_with(lambda config: config["config"]["layers"][place]["config"].update(values)))


def said(place: int, **values: object) -> Callable[[Path], Path]:
    """The same as a description: what has no meaning is told before its weights are missed."""
    config = small()[0]
    config["config"]["layers"][place]["config"].update(values)
    return text(json.dumps(config))
