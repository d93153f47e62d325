"""Digits in scenes: a detection set made from the bundled handwritten digits, the same numbers on every machine.

A scene is a grey canvas of 40x40 pixels with noise, fragments of digits as clutter, and one to three whole digits, 10 to 16
pixels high and of random ink, each with its class and the box of its visible ink. Boxes do not overlap, and no two have
their centre in one cell of the detection grid. Train and test scenes are made from the train and test digits. The train
digits are dealt into ten parts, each the only source of a tenth of the scenes, in order: a held-out tenth shares no digit
with the rest.

Everything is integer arithmetic on PCG64's raw stream, which numpy promises never to change.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.nn.grid import CELL, NO_BOX

SIDE = 40
LEVELS = 256
TRAIN_SCENES, TEST_SCENES = 4000, 1000
PARTS = 10
MOST = 3
SMALLEST, LARGEST = 10, 16
NOISE = 32  # background pixels are 0 ... 31
VISIBLE = 48  # ink above the brightest noise
FRAGMENTS = 6
TRIES = 30


@dataclass
class _Draw:
    """Whole numbers from a raw random stream; the bias of the remainder is below 2^-50."""

    stream: np.random.PCG64

    def below(self, count: int) -> int:
        return int(self.stream.random_raw() % count)

    def between(self, low: int, high: int) -> int:
        """`low` ... `high`, both included."""
        return low + self.below(high - low + 1)


def scenes(digits: np.ndarray, labels: np.ndarray, count: int, seed: int, parts: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """(uint8 [count, 40, 40, 1], int64 boxes [count, 3, 5]) from digits [N, 8, 8] with pixels 0 ... 16.

    Scene k uses the digits of part k * parts // count only; digit i belongs to part i mod parts.
    """
    images = np.zeros((count, SIDE, SIDE, 1), np.uint8)
    boxes = np.full((count, MOST, 5), NO_BOX, np.int64)
    for k in range(count):
        part = slice(k * parts // count, None, parts)
        draw = _Draw(np.random.PCG64(np.random.SeedSequence([seed, k])))
        images[k, :, :, 0] = _scene(draw, digits[part], labels[part], boxes[k])
    return images, boxes


def _scene(draw: _Draw, digits: np.ndarray, labels: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """uint8 [40, 40]; its boxes are written into `boxes` [3, 5]."""
    raw = draw.stream.random_raw(SIDE * SIDE)
    canvas = (raw % np.uint64(NOISE)).astype(np.uint8).reshape(SIDE, SIDE)
    for _ in range(draw.below(FRAGMENTS + 1)):
        _clutter(draw, canvas, digits)
    wanted, found = draw.between(1, MOST), 0
    for _ in range(TRIES):
        if found == wanted:
            break
        index = draw.below(len(digits))
        digit = scaled(digits[index], draw.between(SMALLEST, LARGEST), draw.between(160, LEVELS - 1))
        rows, columns = _visible(digit)
        top, left = draw.below(SIDE - len(rows) + 1), draw.below(SIDE - len(columns) + 1)
        box = np.array([labels[index], left, top, left + len(columns), top + len(rows)])
        if all(_apart(box, other) for other in boxes[:found]):
            place = canvas[top : top + len(rows), left : left + len(columns)]
            np.maximum(place, digit[np.ix_(rows, columns)], out=place)
            boxes[found] = box
            found += 1
    return canvas


def scaled(digit: np.ndarray, side: int, ink: int) -> np.ndarray:
    """uint8 [side, side]: a digit [8, 8] of pixels 0 ... 16, enlarged bilinearly, its full ink drawn as `ink` <= 255.

    Output pixel j lies at ((2 j + 1) 8 - side) / (2 side) in input pixels; weights are whole numbers over 2 side.
    """
    size, unit = len(digit), 2 * side
    at = np.clip((2 * np.arange(side) + 1) * size - side, 0, (size - 1) * unit)
    below = np.minimum(at // unit, size - 2)
    share = at - below * unit
    weight = np.zeros((side, size), np.int64)
    weight[np.arange(side), below] = unit - share
    weight[np.arange(side), below + 1] = share
    total = weight @ digit.astype(np.int64) @ weight.T
    return np.asarray(total * ink // (16 * unit * unit), np.uint8)


def _visible(digit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows and columns from the first to the last with visible ink."""
    ink = digit >= VISIBLE
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    return np.arange(rows[0], rows[-1] + 1), np.arange(columns[0], columns[-1] + 1)


def _apart(a: np.ndarray, b: np.ndarray) -> bool:
    """True for boxes without a common pixel whose centres lie in different cells."""
    overlap = a[1] < b[3] and b[1] < a[3] and a[2] < b[4] and b[2] < a[4]
    return not overlap and cell_of(a) != cell_of(b)


def cell_of(box: np.ndarray) -> tuple[int, int]:
    """(row, column) of the grid cell that holds the centre of a box."""
    _, left, top, right, bottom = (int(k) for k in box)
    return (top + bottom) // (2 * CELL), (left + right) // (2 * CELL)


def _clutter(draw: _Draw, canvas: np.ndarray, digits: np.ndarray) -> None:
    """Paint a fragment of 3 to 5 pixels of a digit, in place."""
    digit = scaled(digits[draw.below(len(digits))], draw.between(SMALLEST, LARGEST), draw.between(96, LEVELS - 1))
    side = draw.between(3, 5)
    row, column = draw.below(len(digit) - side + 1), draw.below(len(digit) - side + 1)
    top, left = draw.below(SIDE - side + 1), draw.below(SIDE - side + 1)
    place = canvas[top : top + side, left : left + side]
    np.maximum(place, digit[row : row + side, column : column + side], out=place)
