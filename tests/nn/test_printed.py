"""A network prints every choice that changes what it computes: a checkpoint is told from another's by the print."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

import neurobin.nets
import neurobin.nn
from neurobin.errors import UsageError
from neurobin.methods import load_method, method_names
from neurobin.nets import Task
from neurobin.nets.task import Goal
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.activations.staged import StagedActivation
from neurobin.nn.estimators import Estimator
from neurobin.nn.layers.conv import QuantConv2d
from neurobin.nn.weights.quantizer import Stateless, WeightScheme
from neurobin.train.checkpoint import print_of
from tests.nn.choices import ESTIMATORS, MODULES, SCHEMES, Made

VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def found_in(package: ModuleType) -> Iterator[object]:
    """Everything that the files of a package define."""
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(info.name)
        yield from (thing for thing in vars(module).values() if getattr(thing, "__module__", "") == info.name)


FOUND = [*found_in(neurobin.nn), *found_in(neurobin.nets)]
CLASSES = {thing for thing in FOUND if isinstance(thing, type)}


def assert_all_differ(make: Callable[..., Any], made: Made, printed: Callable[[Any], str]) -> None:
    """Every argument of `make` has other values in the table, and each of them is seen in print."""
    base, varied = made
    arguments = {name for name, found in inspect.signature(make).parameters.items() if found.kind not in VARIADIC}
    assert set(varied) == arguments - {"channels"}, make
    prints = {printed(make(**base))}
    for argument, values in varied.items():
        for value in values:
            print_ = printed(make(**base | {argument: value}))
            assert print_ not in prints, f"{make.__name__} does not print {argument}={value!r}"
            prints.add(print_)


def with_weights(scheme: Any) -> nn.Module:
    weight = nn.Parameter(torch.linspace(-1, 1, 8 * 4 * 9).view(8, 4, 3, 3))
    layer = QuantConv2d(4, 8, 3)
    layer.quantizer = scheme.bind(weight)
    return layer


@pytest.mark.parametrize("kind", MODULES, ids=lambda kind: kind.__name__)
def test_modules(kind: type[nn.Module]) -> None:
    assert_all_differ(kind, MODULES[kind], print_of)


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: scheme.__name__)
def test_weight_schemes(scheme: type) -> None:
    assert_all_differ(scheme, SCHEMES[scheme], lambda made: print_of(with_weights(made)))


@pytest.mark.parametrize("maker", ESTIMATORS, ids=lambda maker: maker.__name__)
def test_estimators(maker: Callable[..., Estimator]) -> None:
    assert_all_differ(maker, ESTIMATORS[maker], repr)


def test_nothing_is_left_out() -> None:
    """A new block, scheme or estimator belongs into a table of `choices`."""
    quantizers = {type(with_weights(scheme(**base)).quantizer) for scheme, (base, _) in SCHEMES.items()}
    modules = {thing for thing in CLASSES if issubclass(thing, nn.Module)}
    assert modules - quantizers == set(MODULES)
    assert {thing for thing in CLASSES if hasattr(thing, "bind")} - {Stateless, WeightScheme} == set(SCHEMES)
    makers = {thing for thing in FOUND if getattr(thing, "__annotations__", {}).get("return") == "Estimator"}
    assert makers == set(ESTIMATORS)


@pytest.mark.parametrize("name", method_names())
def test_no_method_prints_an_address(name: str) -> None:
    """It would differ from one process to the next, and no checkpoint would ever fit again."""
    method = load_method(name)
    size = 40 if method.goal is Goal.DETECTION else 16
    assert "0x" not in repr(method.build(Task(size, size, 1, 10, 256, goal=method.goal)))


def test_functions_of_stages_have_names() -> None:
    with pytest.raises(UsageError, match=r"functions with a name of their own, got .*try: def"):
        StagedActivation(4, SignActivation, ((0.5, lambda x: x),))
    with pytest.raises(UsageError, match="functions with a name of their own"):
        StagedActivation(4, SignActivation, ((0.5, partial(torch.clamp, min=0)),))
