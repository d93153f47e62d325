"""Damaged files: changed bytes, and changed models with sound offsets, give a graph or a refusal; nothing else, and soon."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from neurobin.frontend.tflite.convert import RULES, to_graph
from neurobin.frontend.tflite.convert.fold import FOLDS
from neurobin.frontend.tflite.describe import describe
from neurobin.frontend.tflite.reader import parse
from neurobin.frontend.tflite.schema import BUILTINS, KINDS
from tests.frontend.outcome import outcome
from tests.frontend.tflite.build import Cell, Step, model
from tests.frontend.tflite.generate import KINDS as SORTS
from tests.frontend.tflite.network import Network

FILES = 36
LARGEST = 3000  # bytes: most of them hold structure then, not weights
BYTES, MODELS = 2000, 1500
SECONDS = 5  # for any one of them
NUMBERS = (0, 1, 2, 3, 4, 7, 8, 127, 128, 255, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**32 - 4)
SIZES = (-1, 0, 1, 2, 3, 4, 9, 33, 2**15, 2**31 - 1)
SCALES = (0.0, -1.0, 1e-45, 1e-30, 0.5, 1.0, 3e38, float("nan"), float("inf"))
OPERATORS = sorted({*BUILTINS[:60], *RULES, *FOLDS, "Mystery"})


@pytest.fixture(scope="module")
def networks() -> list[Network]:
    """Those with an operator that none before them has, and others."""
    found = (SORTS[seed % len(SORTS)](np.random.default_rng(seed)) for seed in range(10**4, 10**4 + 10 * FILES))
    small = [net for net in found if len(model(net.cells, net.steps)) < LARGEST]
    seen: set[str] = set()
    first: list[Network] = []
    for net in small:
        operators = {step.op for step in net.steps}
        first += [] if operators <= seen else [net]
        seen |= operators
    return [*first, *(net for net in small if net not in first)][:FILES]


@pytest.fixture(scope="module")
def files(networks) -> list[bytes]:
    small = (Path(__file__).parent / "networks" / "operators8.tflite").read_bytes()
    return [*(model(net.cells, net.steps) for net in networks), small]


def change_bytes(files, rng) -> bytes:
    """One to three numbers, bits, cuts, insertions or splices from another file; now and then a truncation."""
    data = bytearray(rng.choice(np.array(files, object)))
    for _ in range(int(rng.integers(1, 4))):
        at, kind = int(rng.integers(8, max(9, len(data)))), int(rng.integers(6))
        if kind == 0:
            data[at : at + 1] = bytes([int(rng.integers(256))])
        elif kind < 3:
            at -= at % 4
            data[at : at + 4] = int(rng.choice(NUMBERS)).to_bytes(4, "little")
        elif kind == 3:
            del data[at : at + int(rng.integers(1, 9))]
        elif kind == 4:
            data[at:at] = rng.bytes(int(rng.integers(1, 9)))
        else:
            other = rng.choice(np.array(files, object))
            begin = int(rng.integers(len(other)))
            data[at : at + 20] = other[begin : begin + int(rng.integers(1, 40))]
    if rng.random() < 0.05:
        del data[int(rng.integers(8, len(data))) :]
    return bytes(data)


def change_model(networks, rng) -> bytes:
    """One to three changes of tensors, operators and options that leave every offset sound."""
    net = networks[int(rng.integers(len(networks)))]
    cells, steps = [*net.cells], [*net.steps]
    for _ in range(int(rng.integers(1, 4))):
        if rng.random() < 0.6:
            index = int(rng.integers(len(cells)))
            cells[index] = _cell(cells[index], rng)
        else:
            index = int(rng.integers(len(steps)))
            steps[index] = _step(steps[index], len(cells), rng)
    return model(cells, steps)


def _cell(cell: Cell, rng) -> Cell:
    """Another shape, type, scale, zero point, axis, or number in a constant; or as many numbers as another shape takes."""
    kind = int(rng.integers(8))
    if kind == 0 and cell.shape:
        place, size = int(rng.integers(len(cell.shape))), int(rng.choice(SIZES))
        return replace(cell, shape=(*cell.shape[:place], size, *cell.shape[place + 1 :]))
    if kind == 1:
        return replace(
            cell, shape=((*cell.shape, 1), cell.shape[:-1], cell.shape[::-1], (1, *cell.shape))[int(rng.integers(4))]
        )
    if kind == 2:
        return replace(cell, kind=list(KINDS.values())[int(rng.integers(len(KINDS)))].str)
    if kind == 3:
        count = int(rng.choice([1, 2, cell.shape[-1] if cell.shape else 1]))
        return replace(cell, scale=[float(np.float32(rng.choice(SCALES)))] * min(max(count, 1), 300), zero=())
    if kind == 4 and cell.scale:
        return replace(cell, zero=[int(rng.choice([-128, 127, 128, 2**62, 1]))] * len(cell.scale))
    if kind == 5:
        return replace(cell, axis=int(rng.choice([-1, 0, 1, 3, 9])))
    if cell.data is None or not np.size(cell.data):
        return cell
    values = np.array(cell.data)
    if kind == 6:
        flat = values.reshape(-1)
        values = (flat, values[None], flat[:1], flat[:0], np.repeat(flat, 2))[int(rng.integers(5))]
        return replace(cell, shape=values.shape, data=values)
    value = rng.choice(SCALES) if values.dtype.kind == "f" else rng.integers(-128, 128)
    values.reshape(-1)[int(rng.integers(values.size))] = value
    return replace(cell, data=values)


def _step(step: Step, count: int, rng) -> Step:
    """Another operator, operand, result or option."""
    kind = int(rng.integers(4))
    if kind == 0:
        return replace(step, op=str(rng.choice(OPERATORS)), options={})
    if kind == 1:
        inputs = [*step.inputs, int(rng.integers(-1, count))][int(rng.integers(2)) :]
        return replace(step, inputs=inputs)
    if kind == 2 and step.inputs:
        inputs = [*step.inputs]
        inputs[int(rng.integers(len(inputs)))] = int(rng.integers(-1, count))
        return replace(step, inputs=inputs)
    if not step.options:
        return step
    name = str(rng.choice(list(step.options)))
    real = isinstance(step.options[name], float)
    value = float(np.float32(rng.choice(SCALES))) if real else int(rng.choice([0, 1, 2, 5, 100]))
    return replace(step, options={**step.options, name: value})


def _read(data: bytes) -> None:
    parsed = parse(data)
    describe(parsed)
    to_graph(parsed)


def test_the_networks_hold_nearly_every_operator(networks):
    """`QUANTIZE` and others of Larq's networks, which are larger, stand in for operators all the same."""
    found = {step.op for net in networks for step in net.steps}
    assert {*RULES, *FOLDS} - found <= {"QUANTIZE", "DEQUANTIZE", "SQUEEZE"}


@pytest.mark.parametrize(("change", "count", "source"), [(change_bytes, BYTES, "files"), (change_model, MODELS, "networks")])
def test_a_changed_file_is_a_graph_or_refused(change, count, source, request):
    given = request.getfixturevalue(source)
    assert len(given) >= FILES
    rng, outcomes, slowest = np.random.default_rng(0), Counter(), 0.0
    for index in range(count):
        data = change(given, rng)
        begin = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                outcomes[outcome(partial(_read, data))] += 1
            except Exception as error:
                raise AssertionError(f"change {index} ends in {type(error).__name__}: {error}") from error
        slowest = max(slowest, time.perf_counter() - begin)
    assert outcomes["graph"] > count // 50  # or nothing got as far as the converter
    assert outcomes["FormatError"] > count // 4
    assert slowest < SECONDS
