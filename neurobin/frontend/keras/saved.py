"""What a user has of a Keras network: one file with everything, or a description beside a file of weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from neurobin.errors import FormatError, UnsupportedError, UsageError
from neurobin.files import open_regular, read_text
from neurobin.frontend.hdf5.reading import Content, read, read_bytes
from neurobin.frontend.keras.archive import is_keras, unpacked
from neurobin.frontend.keras.model import Layer, Model
from neurobin.frontend.keras.reader import model_of
from neurobin.frontend.keras.weights import Weights, by_group, by_path, has_weights
from neurobin.frontend.limits import Limits
from neurobin.ir.container import parse_json, short
from neurobin.ir.text import shown

_GROUP = "model_weights"
_HINT = "neurobin lower model.json --weights weights.h5, with what model.to_json() and model.save_weights() wrote"


@dataclass(frozen=True)
class Saved:
    """A network, how it was saved, and its weights when they are asked for."""

    model: Model
    kind: str
    content: Content | None
    weights: Callable[[], Weights]


def opened(path: Path, limits: Limits, weights: Path | None = None) -> Saved:
    """An archive, or a description with the file of its weights. Raises FormatError, UnsupportedError or UsageError."""
    with open_regular(path) as file:
        archived = is_keras(file)
    if not archived:
        return _described(path, limits, weights)
    if weights is not None:
        raise UsageError("holds its weights itself", hint="leave --weights out")
    metadata, config, stored = unpacked(path, limits)
    said = parse_json(metadata, "metadata")
    version = said.get("keras_version") if isinstance(said, dict) else None
    model = model_of(parse_json(config, "description"), _version(version), limits)
    content = read_bytes(stored, limits)
    return Saved(model, "archive", content, partial(by_path, model.layers, content, model.version))


def of_content(content: Content, limits: Limits) -> Saved:
    """A file of `model.save("x.h5")`. Raises FormatError, UnsupportedError, or UsageError for weights alone."""
    config = content.attribute("", "model_config")
    if config is None and content.attribute("", "layer_names") is not None:
        raise UsageError("holds the weights of a Keras network without its description", hint=_HINT)
    if not isinstance(config, str):
        raise FormatError("has no model_config, nor NIR's group node", hint="expected model.save('x.h5') of Keras 2, or NIR")
    _check_backend(content, "")
    version = _version(content.attribute("", "keras_version"))
    model = model_of(parse_json(config.encode(), "description"), version, limits)
    return Saved(model, "HDF5", content, partial(by_group, model.layers, content, _GROUP))


def _described(path: Path, limits: Limits, weights: Path | None) -> Saved:
    config = parse_json(read_text(path, limits.config_bytes).encode(), "description")
    if not isinstance(config, dict) or "class_name" not in config:
        raise FormatError("is JSON, and no description of a Keras network", hint="expected what model.to_json() wrote")
    backend = config.get("backend", "tensorflow")
    if backend != "tensorflow":
        raise UnsupportedError(f"was written for the backend {short(backend)}, expected tensorflow")
    model = model_of(config, _version(config.get("keras_version")), limits)
    if weights is None:
        return Saved(model, "description", None, partial(_missing, model.layers))
    try:
        content = read(weights, limits)
        whole = content.attribute("", "layer_names") is None
        _check_backend(content, _GROUP if whole else "")
    except FormatError as error:
        where = f"{shown(str(weights))}{': ' * bool(error.where)}{error.where}"
        raise FormatError(error.what, where=where, hint=error.hint) from None
    return Saved(model, "description with weights", content, partial(by_group, model.layers, content, _GROUP * whole))


def _missing(layers: Sequence[Layer]) -> Weights:
    """Nothing, for a network that has no weights. Raises UsageError for any other."""
    if has_weights(layers):
        raise UsageError("is a description without weights", hint=_HINT)
    return {}


def _version(stated: object) -> str:
    """Keras's version, "" where nothing is stated."""
    if not isinstance(stated, str | None):
        raise FormatError(f"keras_version is {short(stated)}, expected a text")
    return stated or ""


def _check_backend(content: Content, group: str) -> None:
    """Theano's kernels are turned round. Raises UnsupportedError for other backends than TensorFlow."""
    backend = content.attribute(group, "backend")
    if backend not in (None, "tensorflow"):
        raise UnsupportedError(f"was written for the backend {short(backend)}, expected tensorflow")
