"""Methods are found by file name and say where they come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurobin import methods
from neurobin.errors import UsageError
from neurobin.methods import load_method, method_names

NEW = """
from dataclasses import replace
from neurobin.methods.bnn import METHOD as BNN
METHOD = replace(BNN, name="brand_new", title="Brand new")
"""


def test_names() -> None:
    first = {"full_precision", "int8", "binaryconnect", "bnn", "xnornet", "twn", "dorefa", "birealnet", "reactnet"}
    assert first <= set(method_names())
    assert method_names() == sorted(method_names())


@pytest.mark.parametrize("name", method_names())
def test_a_method_is_complete(name: str) -> None:
    method = load_method(name)
    assert method.name == name
    assert method.title
    assert method.weights
    assert method.activations
    assert method.blocks
    assert 2013 <= method.year <= 2030
    assert str(method.year) in method.citation
    assert not method.arxiv or f"arXiv {method.arxiv}" in method.citation
    assert all(0 < published.accuracy_percent < 100 and published.source for published in method.literature_accuracy)


def test_int8_is_full_precision_until_deployed() -> None:
    real, int8 = load_method("full_precision"), load_method("int8")
    assert (real.build, real.recipe) == (int8.build, int8.recipe)
    assert (real.precision.weight_bits, int8.precision.weight_bits) == (16, 8)


def test_unknown_method_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown method 'xnor_net' .*'xnornet'"):
        load_method("xnor_net")
    with pytest.raises(UsageError, match="neurobin methods"):
        load_method("_method")


def test_a_new_file_is_a_new_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "brand_new.py").write_text(NEW)
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(tmp_path)])
    assert "brand_new" in method_names()
    assert load_method("brand_new").title == "Brand new"
