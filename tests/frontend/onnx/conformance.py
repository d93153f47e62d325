"""The conformance table: every test case that ships with onnx, run through its backend interface.

    python -m tests.frontend.onnx.conformance

A case passes with the types, shapes and values the standard's authors recorded, or names what is not supported.
"""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.backend import NeurobinBackend

NAMES = """
    Conv Gemm MatMul BatchNormalization Add Sub Mul Div Relu PRelu LeakyRelu Clip Sign HardSigmoid MaxPool AveragePool
    GlobalAveragePool GlobalMaxPool Pad Concat Split Slice Flatten Reshape Transpose Squeeze Unsqueeze Identity ReduceMean
    ReduceSum Where Greater GreaterOrEqual Less LessOrEqual Equal Gather Cast QuantizeLinear DequantizeLinear ConvInteger
    MatMulInteger QLinearConv QLinearMatMul ArgMax Softmax Constant Shape Round Floor Ceil Abs Neg Max Min Pow Expand Dropout
    TopK DepthToSpace ConvTranspose BitwiseAnd BitwiseOr BitwiseXor BitwiseNot
"""
CORE = frozenset(NAMES.split())
KINDS = ("node", "pytorch-converted", "pytorch-operator", "simple")


@dataclass(frozen=True)
class Case:
    """One test case: a model, and inputs with the outputs that belong to them."""

    kind: str
    name: str
    model: onnx.ModelProto
    data: list[tuple[list[object], list[object]]]
    rtol: float
    atol: float

    @property
    def operators(self) -> frozenset[str]:
        return frozenset(node.op_type for node in self.model.graph.node)

    def run(self) -> None:
        """Raises AssertionError at a wrong type, shape or value, UnsupportedError for what has no meaning here."""
        prepared = NeurobinBackend.prepare(self.model)
        for inputs, outputs in self.data:
            for actual, recorded in zip(prepared.run(inputs), outputs, strict=True):
                expected = _array(recorded)
                assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
                np.testing.assert_allclose(actual, expected, rtol=self.rtol, atol=self.atol)


@dataclass
class Row:
    """What became of the cases of one operator."""

    passed: int = 0
    unsupported: Counter[str] = field(default_factory=Counter)


def cases() -> Iterator[Case]:
    """All of them: the node cases are made by the onnx package, the others lie in it as files."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # while making its cases, onnx casts out of range
        made = collect_testcases(None)
    for case in made:
        yield Case("node", case.name, case.model, [(list(i), list(o)) for i, o in case.data_sets], case.rtol, case.atol)
    for kind in KINDS[1:]:
        for stored in load_model_tests(kind=kind):
            folder = Path(stored.model_dir)
            data = [(_tensors(one, "input"), _tensors(one, "output")) for one in sorted(folder.glob("test_data_set_*"))]
            yield Case(kind, stored.name, onnx.load(folder / "model.onnx"), data, stored.rtol, stored.atol)


def table(found: Iterator[tuple[Case, str]]) -> dict[str, Row]:
    """Rows by operator ("several" for cases of more than one) from cases with "" or what they lack."""
    rows: dict[str, Row] = defaultdict(Row)
    for case, lacks in found:
        row = rows[next(iter(case.operators)) if len(case.operators) == 1 else "several"]
        row.passed += not lacks
        if lacks:
            row.unsupported[lacks] += 1
    return dict(sorted(rows.items()))


def outcome(case: Case) -> str:
    """ "" when the case passes, else what is not supported. Raises AssertionError for a wrong value."""
    try:
        case.run()
    except UnsupportedError as error:
        return error.what
    return ""


def _array(value: object) -> np.ndarray:
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    assert isinstance(value, np.ndarray | np.generic), "a case of sequences passed"
    return np.asarray(value)


def _tensors(folder: Path, what: str) -> list[object]:
    files = sorted(folder.glob(f"{what}_*.pb"), key=lambda file: int(file.stem.rpartition("_")[2]))
    return [onnx.TensorProto.FromString(file.read_bytes()) for file in files]


if __name__ == "__main__":
    found = [(case, outcome(case)) for case in cases()]
    for name, row in table(iter(found)).items():
        reasons = ", ".join(f"{count} {what}" for what, count in row.unsupported.most_common(3))
        print(f"{name:28}{row.passed + row.unsupported.total():6}{row.passed:8}{row.unsupported.total():8}  {reasons}")
    for kind in KINDS:
        of_kind = [lacks for case, lacks in found if case.kind == kind]
        print(f"{kind:28}{len(of_kind):6}{of_kind.count(''):8}{len(of_kind) - of_kind.count(''):8}")
