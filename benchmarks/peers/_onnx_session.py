"""One ONNX graph with one input and one output, run by ONNX Runtime on buffers that are bound once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np

from benchmarks.contender import Contender, unchanged

IR_VERSION, OPSET = 8, 13  # old enough for every ONNX Runtime of the last years, new enough for all that is used here
DOMAIN = "com.microsoft"  # of the operators that ONNX Runtime adds to the standard


def node(op: str, *inputs: str, output: str = "y", domain: str = "", **attributes: object) -> object:
    """One node of a graph."""
    from onnx import helper

    return helper.make_node(op, list(inputs), [output], domain=domain, **attributes)  # type: ignore[arg-type]


def missing() -> str:
    """Both packages are needed: onnx writes the graphs that onnxruntime runs."""
    absent = [package for package in ("onnx", "onnxruntime") if find_spec(package) is None]
    return f"not installed; pip install {' '.join(absent)}" if absent else ""


def description(what: str, threads: int) -> str:
    return f"onnxruntime {version('onnxruntime')}, {what}, buffers bound, {threads} thread{'s' * (threads > 1)}"


@dataclass(frozen=True)
class Workload:
    """Nodes that read "x" and constants by name and write "y" of this shape and type."""

    nodes: Sequence[object]
    constants: dict[str, np.ndarray]
    x: np.ndarray
    y_shape: tuple[int, ...]
    y_type: type[np.generic] = np.float32

    def contender(
        self,
        name: str,
        what: str,
        threads: int,
        convert: Callable[[np.ndarray], np.ndarray],
        expected: Callable[[np.ndarray], np.ndarray] = unchanged,
    ) -> Contender:
        """`convert` makes the contender's output of what is in "y"."""
        import onnxruntime  # type: ignore[import-untyped]

        session = onnxruntime.InferenceSession(self._model(), _options(threads), providers=["CPUExecutionProvider"])
        y = onnxruntime.OrtValue.ortvalue_from_shape_and_type(self.y_shape, self.y_type)
        binding = session.io_binding()
        binding.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(self.x))
        binding.bind_ortvalue_output("y", y)

        def output() -> np.ndarray:
            session.run_with_iobinding(binding)
            return convert(y.numpy())

        run = lambda: session.run_with_iobinding(binding)  # noqa: E731
        return Contender(name, description(what, threads), run, output, expected)

    def _model(self) -> bytes:
        from onnx import helper, numpy_helper

        def port(name: str, shape: tuple[int, ...], kind: np.dtype) -> object:
            return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(kind), shape)

        constants = [numpy_helper.from_array(np.asarray(value), name) for name, value in self.constants.items()]
        x, y = port("x", self.x.shape, self.x.dtype), port("y", self.y_shape, np.dtype(self.y_type))
        graph = helper.make_graph(self.nodes, "workload", [x], [y], constants)  # type: ignore[arg-type, list-item]
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)]
        data: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION).SerializeToString()
        return data


def _options(threads: int) -> object:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.force_spinning_stop", "1")  # or its threads burn time in the turns of others
    return options


def planes(values: np.ndarray, dtype: type[np.generic] = np.float32) -> np.ndarray:
    """[N, H, W, C] -> [N, C, H, W], contiguous."""
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2), dtype)


def pixels(values: np.ndarray) -> np.ndarray:
    """[N, C, H, W] -> int32 [N, H, W, C]."""
    return values.transpose(0, 2, 3, 1).astype(np.int32)


def integers(values: np.ndarray) -> np.ndarray:
    return values.astype(np.int32)
