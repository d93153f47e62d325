"""Boxes from outputs, and how well they were found, against hand-made cases and against the definitions spelled out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurobin.data.average_precision import average_precision, mean_average_precision, right_share
from neurobin.data.boxes import Detections, decode, overlap, without_repeats
from neurobin.data.score import score
from neurobin.errors import UsageError
from neurobin.nets.task import Goal

NONE = (-1,) * 5


def found(*rows: tuple[float, ...]) -> Detections:
    """Detections from rows (image, class, confidence, left, top, right, bottom)."""
    table = np.array(rows, np.float64).reshape(-1, 7)
    return Detections(table[:, 0].astype(int), table[:, 1].astype(int), table[:, 2], table[:, 3:])


def test_overlap_by_hand() -> None:
    a = np.array([[0, 0, 4, 4], [0, 0, 2, 2], [5, 5, 5, 9]], float)
    b = np.array([[0, 0, 4, 4], [2, 2, 6, 6], [4, 0, 8, 4]], float)
    assert overlap(a, b).tolist() == [[1, 4 / 28, 0], [0.25, 0, 0], [0, 0, 0]]


def test_average_precision_by_hand() -> None:
    """right, wrong, right of 3: recalls 1/3 at precision 1 and 2/3 at 2/3, the third is never found."""
    assert average_precision(np.array([True, False, True]), 3) == pytest.approx((1 + 2 / 3) / 3)
    assert average_precision(np.array([False, True, True]), 2) == pytest.approx(2 / 3)  # the envelope: 2/3 from the start
    assert average_precision(np.array([True, True]), 2) == 1
    assert average_precision(np.array([], bool), 2) == 0


def test_a_box_is_found_once() -> None:
    truth = np.array([[(0, 0, 0, 10, 10), (0, 20, 20, 30, 30)]])
    twice = found((0, 0, 0.9, 0, 0, 10, 10), (0, 0, 0.8, 0, 0, 10, 9), (0, 0, 0.7, 20, 20, 30, 30))
    assert mean_average_precision(twice, truth) == pytest.approx((1 + 2 / 3) / 2)
    assert right_share(twice, truth) == pytest.approx(2 / 3)


def test_half_an_overlap_is_enough_and_less_is_not() -> None:
    truth = np.array([[(3, 0, 0, 10, 10)]])
    assert mean_average_precision(found((0, 3, 0.5, 0, 0, 10, 5)), truth) == 1
    assert mean_average_precision(found((0, 3, 0.5, 0, 0, 10, 4.9)), truth) == 0


def test_class_and_image_must_be_right() -> None:
    truth = np.array([[(3, 0, 0, 10, 10), NONE], [(4, 0, 0, 10, 10), (5, 0, 0, 10, 10)]])
    detections = found((0, 4, 0.9, 0, 0, 10, 10), (1, 3, 0.9, 0, 0, 10, 10), (1, 5, 0.2, 0, 0, 10, 10))
    assert mean_average_precision(detections, truth) == pytest.approx(1 / 3)  # class 5
    assert right_share(detections, truth) == 0  # two wrong ones are sure, the right one is not
    assert mean_average_precision(found(), truth) == right_share(found(), truth) == 0


def test_the_mean_is_over_classes_that_occur() -> None:
    truth = np.array([[(3, 0, 0, 10, 10)]])
    assert mean_average_precision(found((0, 3, 0.9, 0, 0, 10, 10), (0, 7, 0.95, 0, 0, 10, 10)), truth) == 1
    with pytest.raises(UsageError, match="with at least one"):
        mean_average_precision(found(), np.array([[NONE]]))


def spelled_out(rows: list[tuple[float, ...]], truth: list[list[tuple[int, ...]]]) -> float:
    """mAP from its definition: every prefix of the detections is matched anew, every level of recall is looked up."""
    classes = {box[0] for boxes in truth for box in boxes}
    scores = []
    for name in classes:
        mine = sorted((row for row in rows if row[1] == name), key=lambda row: -row[2])
        total = sum(box[0] == name for boxes in truth for box in boxes)
        points = []
        for length in range(1, len(mine) + 1):
            left = {(i, k) for i, boxes in enumerate(truth) for k, box in enumerate(boxes) if box[0] == name}
            for image, _, _, *sides in mine[:length]:
                own = [k for k, box in enumerate(truth[int(image)]) if box[0] == name]
                if own:
                    best = max(own, key=lambda k: share(sides, truth[int(image)][k][1:]))
                    if share(sides, truth[int(image)][best][1:]) >= 0.5:
                        left.discard((int(image), best))
            points.append(((total - len(left)) / length, total - len(left)))
        levels = [max((p for p, r in points if r >= level), default=0) for level in range(1, total + 1)]
        scores.append(sum(levels) / total)
    return sum(scores) / len(scores)


def share(a: list[float], b: tuple[int, ...]) -> float:
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    common = max(wide, 0) * max(high, 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common
    return common / union


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), images=st.integers(1, 4), many=st.integers(0, 25))
def test_average_precision_is_its_definition(seed: int, images: int, many: int) -> None:
    rng = np.random.default_rng(seed)

    def box() -> tuple[int, ...]:
        left, top = rng.integers(0, 8, 2)
        return (int(left), int(top), int(left + rng.integers(4, 9)), int(top + rng.integers(4, 9)))

    truth = [[(int(rng.integers(3)), *box()) for _ in range(rng.integers(1, 4))] for _ in range(images)]
    order = rng.permutation(many)
    rows = [(int(rng.integers(images)), int(rng.integers(3)), (order[k] + 1) / (many + 1), *box()) for k in range(many)]
    table = np.array([(*boxes, *[NONE] * (3 - len(boxes))) for boxes in truth])
    assert mean_average_precision(found(*rows), table) == pytest.approx(spelled_out(rows, truth), abs=1e-12)


def test_decoding_by_hand() -> None:
    """The cell of row 1, column 2 holds a box of class 3; all others are silent."""
    outputs = np.full((1, 3, 4, 9), -20.0)
    outputs[0, 1, 2] = [20, 0, np.log(3), np.log(0.5), np.log(2), -9, -9, -9, 30]
    detections = decode(outputs)
    assert (detections.image.tolist(), detections.label.tolist()) == ([0], [3])
    assert detections.confidence[0] == pytest.approx(1)
    np.testing.assert_allclose(detections.box, [[20 - 3, 14 - 12, 20 + 3, 14 + 12]])
    outputs[0, 1, 2, 0] = 0
    outputs[0, 1, 2, 5:] = 0
    assert decode(outputs).confidence[0] == pytest.approx(0.5 / 4)
    assert decode(outputs).label.tolist() == [0]
    outputs[0, 1, 2, 3] = 1e9
    assert np.isfinite(decode(outputs).box).all()


def test_repeats_are_dropped_within_a_class_of_an_image() -> None:
    rows = [
        (0, 1, 0.9, 0, 0, 10, 10),
        (0, 1, 0.8, 0, 0, 10, 9),  # repeats the first
        (0, 2, 0.7, 0, 0, 10, 9),  # another class
        (0, 1, 0.6, 0, 0, 10, 5),  # exactly one half of the first; overlaps the dropped one by more
        (1, 1, 0.5, 0, 0, 10, 10),  # another image
    ]
    assert without_repeats(found(*rows)).confidence.tolist() == [0.9, 0.7, 0.6, 0.5]
    assert len(without_repeats(found()).image) == 0


def test_decoding_orders_by_image_and_confidence() -> None:
    outputs = np.random.default_rng(0).normal(size=(3, 4, 4, 7))
    detections = decode(outputs)
    assert (np.diff(detections.image) >= 0).all()
    for image in range(3):
        assert (np.diff(detections.confidence[detections.image == image]) <= 0).all()
    with pytest.raises(UsageError, match=r"got \(4, 10\)"):
        decode(np.zeros((4, 10)))


def test_scores_have_an_accuracy() -> None:
    logits, labels = np.eye(4), np.array([0, 1, 2, 0])
    assert score(Goal.CLASSIFICATION, logits, labels) == {"accuracy": 0.75}
    outputs = np.full((1, 1, 1, 7), 20.0)
    outputs[..., 1:5] = 0
    outputs[..., 6] = 0
    measured = score(Goal.DETECTION, outputs, np.array([[[0, -2, -2, 10, 10]]]))
    assert measured == {"accuracy": 1.0, "mean_average_precision": 1.0}
