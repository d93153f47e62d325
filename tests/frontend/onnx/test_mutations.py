"""Damaged files: thousands of changed bytes, and thousands of changed models, give a graph or a refusal; nothing else."""

from __future__ import annotations

import time
import warnings
from collections import Counter

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

from neurobin.errors import NeurobinError
from neurobin.frontend.onnx.convert import to_graph
from neurobin.frontend.onnx.reader import from_proto, parse
from neurobin.frontend.onnx.sane import check
from tests.frontend.onnx.generate import network
from tests.frontend.onnx.mutate import change_bytes, change_model

FILES = 40
LARGEST = 4000  # bytes: most of them hold structure then, not weights
BYTES, MODELS = 5000, 1500
SECONDS = 5  # for any one of them


def _outcome(data: bytes) -> str:
    """What became of the file; everything but a graph or an error of ours is let through."""
    try:
        model = from_proto(parse(data))
        check(model)
        to_graph(model)
    except NeurobinError as error:
        kind, said = type(error).__name__, str(error)
    else:
        return "graph"
    assert len(said) < 2000 + 400 * said.count(";")  # one complaint, or a list of them
    return kind


@pytest.fixture(scope="module")
def files():
    found = [network(seed, seed % 2 == 0)[0] for seed in range(3 * FILES)]
    small = [model for model in found if model.ByteSize() < LARGEST][:FILES]
    assert len(small) == FILES
    return small


@pytest.mark.parametrize(("change", "count"), [(change_bytes, BYTES), (change_model, MODELS)])
def test_a_changed_file_is_a_graph_or_refused(files, change, count):
    rng, outcomes, slowest = np.random.default_rng(0), Counter(), 0.0
    for index in range(count):
        data = change(files, rng)
        begin = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                outcomes[_outcome(data)] += 1
            except Exception as error:
                raise AssertionError(f"change {index} ends in {type(error).__name__}: {error}") from error
        slowest = max(slowest, time.perf_counter() - begin)
    assert outcomes["graph"] > count // 100  # or nothing got as far as the converter
    assert outcomes["FormatError"] > count // 4
    assert slowest < SECONDS
