"""A thousand random networks: the qonnx package, our evaluator, the graph and its deployed form say the same."""

from __future__ import annotations

import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")
pytest.importorskip("qonnx", reason="needs the qonnx package as an oracle")

from tests.frontend.onnx.fuzz import summary

PART = 100


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_random_networks_mean_what_qonnx_says(part):
    found = summary(range(PART * part, PART * (part + 1)))
    assert found["exact"] == PART // 2
    assert found["near tie"] <= PART // 10
