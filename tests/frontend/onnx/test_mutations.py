"""Damaged files give a graph or a refusal, nothing else: a share of the changes that `mutate` makes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

from tests.frontend.onnx.mutate import change_bytes, change_model, good_files, tally

COUNTS = {change_bytes: 1500, change_model: 400}
SECONDS = 5  # for any one of them


@pytest.mark.parametrize("change", COUNTS)
def test_a_changed_file_is_a_graph_or_refused(change):
    count = COUNTS[change]
    found = tally(change, range(count))
    assert found.wrong == {}
    assert found.outcomes.total() == count
    assert found.outcomes["graph"] > count // 100  # or nothing got as far as the converter
    assert found.outcomes["FormatError"] > count // 4
    assert found.slowest[0] < SECONDS


@pytest.mark.parametrize("change", COUNTS)
def test_a_change_is_made_of_its_number(change):
    made = [[change(good_files(), np.random.default_rng(number)) for number in range(5)] for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made[0])) == 5
