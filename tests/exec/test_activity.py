"""Activity: exact means over images, and what a model file may say about them."""

from __future__ import annotations

import numpy as np
import pytest

from neurobin.errors import FormatError, GraphError
from neurobin.exec import reference
from neurobin.exec.activity import from_summary, measure
from neurobin.ir import Graph
from tests.networks import binary_convnet, images


def test_rates_are_the_share_of_images_in_which_an_element_is_positive() -> None:
    graph = binary_convnet()
    x = images(graph, 10)
    found = measure(graph, x, batch=4)
    values = reference.run_all(graph, x)
    assert found.images == 10
    assert set(found.positive) == {name for name, kind in graph.types.items() if kind.dtype.bits <= 4}
    for name, rate in found.positive.items():
        assert np.array_equal(rate, (values[name] > 0).mean(axis=0))
    with pytest.raises(GraphError, match="no activity was measured for tensor 'image'"):
        found.of("image")
    with pytest.raises(GraphError, match="at least one image"):
        measure(graph, x[:0])


def test_a_summary_in_the_model_s_meta_data_comes_back() -> None:
    graph = binary_convnet()
    measured = measure(graph, images(graph, 6))
    found = from_summary(graph.with_meta(activity=measured.summary()))
    assert found is not None
    assert found.images == 6
    assert found.source != measured.source
    for name, rate in measured.positive.items():
        assert found.of(name).shape == graph.types[name].shape
        assert found.of(name).mean() == pytest.approx(rate.mean(), rel=1e-12)
    assert from_summary(graph) is None
    assert from_summary(graph.with_meta(activity={"positive": {"not a tensor": 0.5}, "images": 1})).positive == {}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "kept",
    [{"images": 1, "positive": {"flatten10": rate}} for rate in (1.5, -0.1, "0.5", None, True, [0.5])]
    + [{"images": images_, "positive": {}} for images_ in (-1, "3", None, 1.5, True)],
)
def test_impossible_summaries_are_refused(kept: dict) -> None:
    with pytest.raises(FormatError, match=r"expected a (share|count)"):
        from_summary(binary_convnet().with_meta(activity=kept))


@pytest.mark.parametrize("kept", [None, 3, [], {}, {"positive": 3}])
def test_no_summary_is_none(kept: object) -> None:
    graph: Graph = binary_convnet().with_meta(activity=kept)  # type: ignore[arg-type]
    assert from_summary(graph) is None
