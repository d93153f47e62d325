"""The detector: a grid of outputs, taught by a real-valued one, and as good in integers as in torch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurobin.data import Dataset, load_dataset
from neurobin.errors import UsageError
from neurobin.exec import packed, reference
from neurobin.methods import load_method
from neurobin.nets import Task
from neurobin.nets.detector import Detector
from neurobin.nets.task import Goal
from neurobin.recipes.techniques.hints import FeatureHints
from neurobin.train import train_on
from neurobin.train.loop import predict
from neurobin.zoo.make import make

SCENES = Task(40, 40, 1, 10, 256, goal=Goal.DETECTION)


@pytest.fixture(scope="module")
def few() -> Dataset:
    """A quarter of the training scenes and a tenth of the test scenes."""
    data = load_dataset("digit_scenes")
    train, test = slice(None, None, 4), slice(None, None, 10)
    return replace(
        data, x_train=data.x_train[train], y_train=data.y_train[train], x_test=data.x_test[test], y_test=data.y_test[test]
    )


def test_binary_detector_learns_and_deploys(few: Dataset) -> None:
    """At half the width and without the teacher, which would have to be trained as long again."""
    method = load_method("kt_detector")
    assert isinstance(method.build, Detector)
    alone = tuple(t for t in method.recipe.techniques if not isinstance(t, FeatureHints))
    method = replace(
        method, build=replace(method.build, width=0.5), recipe=replace(method.recipe, techniques=alone, batch=16)
    )
    assert few.score(predict(method.build(few.task), few.x_test))["mean_average_precision"] < 0.02
    result = train_on(method, few, epochs=8, progress=False)
    assert result.history[-1]["loss"] < 0.55 * result.history[0]["loss"]
    entry = make(result, few, "a test")
    precision = entry.deployed.meta["mean_average_precision"]
    assert isinstance(precision, dict)
    assert set(precision) == set(entry.accuracy) == {"torch", "float", "deployed"}
    assert float(str(precision["torch"])) > 0.07
    assert float(str(precision["float"])) == pytest.approx(float(str(precision["torch"])), abs=0.02)
    assert float(str(precision["deployed"])) == pytest.approx(float(str(precision["torch"])), abs=0.05)
    assert result.accuracy == entry.accuracy["torch"]
    outputs = reference.run(entry.deployed, few.x_test[:4])
    assert outputs.shape == (4, 5, 5, 15)
    assert np.array_equal(packed.run(entry.deployed, few.x_test[:4]), outputs)
    assert {node.op.name for node in entry.deployed.nodes} >= {"bit_conv2d", "requantise", "max_pool2d"}


def test_teacher_and_student_have_the_same_layers() -> None:
    teacher, student = (load_method(name).build(SCENES) for name in ("full_precision_detector", "kt_detector"))
    assert [name for name, _ in teacher.named_children()] == [name for name, _ in student.named_children()]
    shapes = [tuple(p.shape for p in module.parameters()) for module in (teacher, student)]
    assert shapes[0] == shapes[1]
    (hints,) = (t for t in load_method("kt_detector").recipe.techniques if isinstance(t, FeatureHints))
    assert hints.teacher == "full_precision_detector"
    assert set(hints.at) <= {name for name, _ in student.named_children()}


def test_methods_and_data_sets_must_ask_for_the_same(few: Dataset) -> None:
    with pytest.raises(UsageError, match="bnn is made for classification, the data set digit_scenes for detection"):
        train_on(load_method("bnn"), few, progress=False)
    with pytest.raises(UsageError, match=r"kt_detector is made for detection, .*--data digit_scenes"):
        train_on(load_method("kt_detector"), load_dataset("digits"), progress=False)
    method = load_method("full_precision_detector")
    with pytest.raises(UsageError, match="their boxes would stay"):
        train_on(replace(method, recipe=replace(method.recipe, shift=1)), few, progress=False)


def test_impossible_tasks_are_refused() -> None:
    build = load_method("kt_detector").build
    with pytest.raises(UsageError, match="needs images with boxes"):
        build(Task(40, 40, 1, 10, 256))
    with pytest.raises(UsageError, match="multiples of 8, got 40x44"):
        build(replace(SCENES, width=44))
    with pytest.raises(UsageError, match="no core carries this network"):
        build(replace(SCENES, core=True))
