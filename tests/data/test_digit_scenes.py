"""Digits in scenes: the same on every machine, boxes on the digits, and no digit in two splits."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from neurobin.data import Dataset, load_dataset
from neurobin.data.digit_scenes import LARGEST, PARTS, SIDE, SMALLEST, TEST_SCENES, TRAIN_SCENES, cell_of, scaled, scenes
from neurobin.data.load import load_digits
from neurobin.errors import FormatError
from neurobin.nets.task import Goal


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("digit_scenes")


def test_every_machine_makes_the_same_scenes(data: Dataset) -> None:
    parts = (data.x_train, data.y_train, data.x_test, data.y_test)
    assert [zlib.crc32(np.ascontiguousarray(part)) for part in parts] == CHECKSUMS


def test_shape_and_task(data: Dataset) -> None:
    assert data.x_train.shape == (TRAIN_SCENES, SIDE, SIDE, 1)
    assert data.x_test.shape == (TEST_SCENES, SIDE, SIDE, 1)
    assert (data.task.goal, data.task.classes, data.task.levels) == (Goal.DETECTION, 10, 256)
    assert not data.large
    present = data.y_test[..., 0] >= 0
    assert set(present.sum(1)) == {1, 2, 3}
    assert (present[:, :-1] >= present[:, 1:]).all()  # boxes first, then rows of none
    assert set(data.y_test[present][:, 0]) == set(range(10))


def test_boxes_are_apart_and_in_cells_of_their_own(data: Dataset) -> None:
    for boxes in data.y_train[:500]:
        boxes = boxes[boxes[:, 0] >= 0]
        cover = np.zeros((SIDE, SIDE), int)
        for _, left, top, right, bottom in boxes:
            cover[top:bottom, left:right] += 1
        assert cover.max() == 1
        assert len({cell_of(box) for box in boxes}) == len(boxes)


def test_boxes_hold_what_was_drawn_and_nothing_else_does() -> None:
    """Solid digits without clutter fill their boxes with bright ink; all other pixels are noise."""
    solid, labels = np.full((20, 8, 8), 16), np.arange(20) % 10
    clear = 0
    for image, boxes in zip(*scenes(solid, labels, 60, seed=5), strict=True):
        outside = np.ones((SIDE, SIDE), bool)
        for _, left, top, right, bottom in boxes[boxes[:, 0] >= 0]:
            assert image[top:bottom, left:right].min() >= 160
            assert right - left == bottom - top
            assert SMALLEST <= right - left <= LARGEST
            outside[top:bottom, left:right] = False
        clear += image[outside, 0].max() < 32  # the rest has clutter
    assert clear >= 4


def test_boxes_are_tight_around_the_ink(data: Dataset) -> None:
    for image, boxes in zip(data.x_test[:200, ..., 0], data.y_test, strict=False):
        for _, left, top, right, bottom in boxes[boxes[:, 0] >= 0]:
            ink = image[top:bottom, left:right] >= 48
            assert ink[0].any()
            assert ink[-1].any()
            assert ink[:, 0].any()
            assert ink[:, -1].any()


def test_labels_are_those_of_the_digits() -> None:
    """Each class has an ink pattern of its own here: as many bright rows as its label says, on the left half."""
    digits = np.zeros((3, 8, 8), int)
    for label in range(3):
        digits[label, :, : 2 + 3 * label] = 16
    images, boxes = scenes(digits, np.arange(3), 40, seed=2)
    for label, left, top, right, bottom in boxes[boxes[..., 0] >= 0]:
        assert round((right - left) / (bottom - top) * 8 - 2 - 3 * label) in (0, 1)
    assert images.max() <= 255


def test_splits_share_no_digit(data: Dataset) -> None:
    digits = load_digits()
    train, _ = scenes(digits.x_train[..., 0], digits.y_train, TRAIN_SCENES, seed=0, parts=PARTS)
    test, _ = scenes(digits.x_test[..., 0], digits.y_test, TEST_SCENES, seed=1)
    assert np.array_equal(train, data.x_train)
    assert np.array_equal(test, data.x_test)
    known = {image.tobytes() for image in digits.x_train}
    assert not any(image.tobytes() in known for image in digits.x_test)


def test_a_tenth_of_the_scenes_has_digits_of_its_own() -> None:
    digits = load_digits().x_train[..., 0]
    labels = load_digits().y_train
    changed = digits.copy()
    changed[3::PARTS] = changed[3::PARTS].transpose(0, 2, 1)
    before, after = (scenes(source, labels, 100, seed=0, parts=PARTS)[0] for source in (digits, changed))
    differs = (before != after).any(axis=(1, 2, 3))
    assert differs[30:40].all()
    assert not differs[:30].any()
    assert not differs[40:].any()


def test_scaling_is_bilinear() -> None:
    rng = np.random.default_rng(0)
    digit = rng.integers(0, 17, (8, 8))
    for side in (8, 10, 13, 16):
        at = np.clip((np.arange(side) + 0.5) * 8 / side - 0.5, 0, 7)
        columns = np.array([np.interp(at, np.arange(8), row) for row in digit])
        expected = np.array([np.interp(at, np.arange(8), column) for column in columns.T]).T * 200 / 16
        assert np.abs(scaled(digit, side, 200) - expected).max() <= 1
    assert (scaled(digit, 8, 160) == digit * 10).all()


def test_boxes_are_checked(data: Dataset) -> None:
    x, y = data.x_test[:2], data.y_test[:2]
    there = y[..., :1] >= 0

    def make(labels: np.ndarray) -> Dataset:
        return Dataset("made up", x, labels, x, y, classes=10, levels=256, goal=Goal.DETECTION)

    assert make(y).y_train is y
    for wrong, message in (
        (y[:1], r"expected boxes \[2, M, 5\]"),
        (y[..., :4], r"expected boxes \[2, M, 5\]"),
        (np.full_like(y, -1), "with at least one"),
        (np.where(there & (np.arange(5) == 0), 10, y), "labels reach from 10 to 10"),
        (np.where(there, np.add(y, [0, 40, 0, 40, 0]), y), "reaches out of its image"),
        (y[..., [0, 3, 2, 1, 4]], "a box is empty"),
    ):
        with pytest.raises(FormatError, match=message):
            make(wrong)


CHECKSUMS = [1128580302, 464222599, 527008876, 1997771170]
