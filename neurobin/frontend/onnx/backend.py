"""The interface by which onnx's own conformance tests run a backend (onnx.backend.base): here, the evaluator on numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, numpy_helper
from onnx.backend.base import Backend, BackendRep

from neurobin.frontend.onnx.evaluate import evaluate
from neurobin.frontend.onnx.model import Model
from neurobin.frontend.onnx.reader import from_proto


class Prepared(BackendRep):
    """A model ready to run."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def run(self, inputs: Any, **_: Any) -> tuple[np.ndarray, ...]:
        """The outputs for inputs in the order of the model, as arrays or TensorProtos; one array may come bare."""
        given: Sequence[Any] = [inputs] if isinstance(inputs, np.ndarray) else inputs
        arrays = [numpy_helper.to_array(value) if isinstance(value, TensorProto) else np.asarray(value) for value in given]
        named = dict(zip((port.name for port in self.model.ports), arrays, strict=True))
        return tuple(evaluate(self.model, named).values())


class NeurobinBackend(Backend):
    """Raises UnsupportedError for operators and types without a meaning here, FormatError for models that are wrong."""

    @classmethod
    def prepare(cls, model: ModelProto, device: str = "CPU", **_: Any) -> Prepared:
        return Prepared(from_proto(model))

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device == "CPU"
