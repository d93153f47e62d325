"""The promise of CONTRIBUTING: a new op is one new file. Here it lies in a temporary folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import neurobin.ops
from neurobin.errors import FormatError, GraphError, UnsupportedError
from neurobin.exec import packed, reference
from neurobin.exec.compare import first_divergence
from neurobin.ir import Builder, Constant, TensorType, to_text
from neurobin.ir.dtype import i
from neurobin.ir.store import load, save
from neurobin.ops import op_class, op_names
from tests.ir.forge import written

SOURCE = '''
"""Throw-away: y = sign * (x + offset), then the channels rolled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.errors import GraphError
from neurobin.ir import Constant, DType, Op, TensorType, int_for, per_channel


@dataclass(frozen=True)
class RollNegate2d(Op):
    """Maps only."""

    offset: Constant
    steps: tuple[int, ...] = (1,)
    label: str = "a b"
    keep: DType | None = None

    def infer(self, x: TensorType) -> TensorType:
        if len(x.shape) != 3:
            raise GraphError("expected a map")
        offset = per_channel(self.offset, x.channels, "offset")
        low, high = x.dtype.low + int(offset.min()), x.dtype.high + int(offset.max())
        return TensorType(x.shape, self.keep or int_for(-high, -low))

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.roll(-(x + self.offset.values.astype(np.int64)), sum(self.steps), axis=-1)
'''


@pytest.fixture
def extended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that the package of ops looks into too."""
    monkeypatch.setattr(neurobin.ops, "__path__", [*neurobin.ops.__path__, str(tmp_path)])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    for name in [
        name for name in sys.modules if isinstance(sys.modules[name], ModuleType) and name.startswith("neurobin.ops.")
    ]:
        if str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


def test_one_new_file_is_a_new_op(extended: Path) -> None:
    (extended / "roll_negate2d.py").write_text(SOURCE)
    assert "roll_negate2d" in op_names()
    builder = Builder({"x": TensorType((2, 2, 70), i(3))})
    name = builder.add(op_class("roll_negate2d")(Constant(i(4), np.arange(70) % 5), steps=(1, 2)), "x")
    name = builder.add(op_class("roll_negate2d")(Constant(i(4), [1])), name)
    graph = builder.graph(name)
    x = np.random.default_rng(0).integers(-4, 4, (3, 2, 2, 70))
    y = reference.run(graph, x)
    assert np.array_equal(y, np.roll(np.roll(x + np.arange(70) % 5, 3, axis=-1) - 1, 1, axis=-1))
    assert np.array_equal(packed.run(graph, x), y)
    assert first_divergence(graph, x) is None
    save(graph, extended / "model.nbin")
    found = load(extended / "model.nbin")
    assert found == graph
    assert np.array_equal(reference.run(found, x), y)
    assert "roll_negate2d(x) offset=i4[70]#" in to_text(graph)
    assert graph.work(name).bits_written == graph.types[name].bits
    with pytest.raises(GraphError, match="expected a map"):
        builder.add(op_class("roll_negate2d")(Constant(i(4), [1])), builder.add(op_class("flatten")(), "x"))


def test_a_file_with_the_op_cannot_be_read_without_it(extended: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (extended / "roll_negate2d.py").write_text(SOURCE)
    builder = Builder({"x": TensorType((1, 1, 1), i(3))})
    graph = builder.graph(builder.add(op_class("roll_negate2d")(Constant(i(4), [1])), "x"))
    save(graph, extended / "model.nbin")
    monkeypatch.setattr(neurobin.ops, "__path__", list(neurobin.ops.__path__)[:-1])
    with pytest.raises(UnsupportedError, match="unknown op 'roll_negate2d'"):
        load(extended / "model.nbin")
    with pytest.raises(UnsupportedError):
        written(graph)


def test_mistakes_in_a_new_file_are_named(extended: Path) -> None:
    (extended / "no_class.py").write_text("x = 1\n")
    with pytest.raises(
        UnsupportedError, match=r"op 'no_class': its file defines no op class NoClass \(try: class NoClass\(Op\)\)"
    ):
        op_class("no_class")
    (extended / "odd_field.py").write_text(
        SOURCE.replace("RollNegate2d", "OddField").replace("tuple[int, ...] = (1,)", "dict = None")
    )
    builder = Builder({"x": TensorType((1, 1, 1), i(3))})
    graph = builder.graph(builder.add(op_class("odd_field")(Constant(i(4), [1]), keep=i(9)), "x"))
    with pytest.raises(GraphError, match="field 'steps' of OddField is annotated <class 'dict'>, which cannot be stored"):
        save(graph, extended / "model.nbin")


def test_a_file_cannot_name_code_outside_the_ops(tmp_path: Path) -> None:
    """The name of an op never becomes a path or a module of its own."""
    builder = Builder({"x": TensorType((1,), i(3))})
    raw = written(builder.graph(builder.add(op_class("relu")(), "x")))
    for name in ("os", "....", "relu/../relu", "__init__", "relu.", ".relu", ""):
        from tests.ir.forge import read, take_apart

        parts = take_apart(raw)
        parts.document["nodes"][0]["op"] = name
        with pytest.raises((UnsupportedError, FormatError)):
            read(parts.seal())
