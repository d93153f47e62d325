"""The examples in the docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import neurobin.exec
import neurobin.ir
import neurobin.ops

_PACKAGES = (neurobin.ir, neurobin.ops, neurobin.exec)
MODULES = ["neurobin.units", "neurobin.errors"] + [
    found.name for package in _PACKAGES for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    tests = [test for name in MODULES for test in finder.find(importlib.import_module(name))]
    assert sum(len(test.examples) for test in tests) >= 6
