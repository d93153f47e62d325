"""A near tie excuses the image that it is in, and no other."""

from __future__ import annotations

import numpy as np

from neurobin.ir import FLOAT32, Builder, TensorType
from neurobin.ops.sign import Sign
from tests.near_ties import apart, margins, unexplained


def test_only_images_with_a_value_at_a_threshold_are_excused():
    builder = Builder({"x": TensorType((2,), FLOAT32)})
    graph = builder.graph(builder.add(Sign(), "x"))
    images = np.array([[1.0, 1e-6], [1.0, -0.01], [-4.0, 2.0]])
    assert np.allclose(margins(graph, images), [0.25e-6, 0.0025, 0.5])
    assert unexplained(graph, images, np.array([True, True, False])) == [1]
    assert unexplained(graph, images, np.array([True, False, False])) == []


def test_images_apart_are_told_by_number_and_nan_is_far_off():
    wanted = np.array([[100.0, 0.0], [1.0, 2.0], [3.0, 4.0]])
    found = wanted + np.array([[0.009, 0.0], [0.0, 0.011], [np.nan, 0.0]])
    assert apart(found, wanted, 1e-4).tolist() == [False, True, True]
