"""Windows over prepared maps: every tap of every output is where the map has it, and steps cover them in few reads."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from neurobin.exec.kernels.geometry import Frame, cover
from neurobin.ops._window import Window

sizes = st.integers(1, 6)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=7), st.integers(1, 9))
def test_a_cover_reads_every_offset_in_the_fewest_windows(offsets: list[int], span: int) -> None:
    """Fewest by trying all: a window that reads something may begin at an offset."""
    wanted = np.array(offsets)
    found = cover(wanted, span)
    assert np.array_equal(found.starts[found.step] + found.unit, wanted)
    assert found.unit.min() >= 0
    assert found.unit.max() < span

    def suffices(count: int) -> bool:
        return any(
            all(any(start <= offset < start + span for start in starts) for offset in offsets)
            for starts in combinations(sorted(set(offsets)), count)
        )

    assert len(found.starts) == next(count for count in range(1, len(offsets) + 1) if suffices(count))


@pytest.mark.parametrize(("channels", "steps"), [(1, 1), (63, 1), (64, 1), (65, 2), (256, 4), (257, 5)])
def test_a_tap_of_many_channels_takes_a_step_per_64_bytes(channels: int, steps: int) -> None:
    assert len(cover(np.arange(channels), 64).starts) == steps


@st.composite
def frames(draw: st.DrawFn, strides: st.SearchStrategy[int]) -> Frame:
    """Windows on maps, with asymmetric padding, from which an output remains."""
    kernel, dilation = (draw(sizes), draw(sizes)), (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    stride, size = (draw(strides), draw(strides)), (draw(sizes), draw(sizes))
    top, left, bottom, right = (draw(st.integers(0, 7)) for _ in range(4))
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    assume(reach[0] <= size[0] + top + bottom and reach[1] <= size[1] + left + right)
    window = Window(kernel, stride, (top, left, bottom, right), dilation)
    return Frame(kernel, stride, window.padding, dilation, size, window.output((*size, 1)))


def prepared(frame: Frame, maps: np.ndarray, fill: int) -> np.ndarray:
    """Maps [N, H, W] as places [N * height * width and a border, phases], padded with `fill`."""
    images, height, width = maps.shape
    phases = frame.phases()
    border = frame.before[0] * frame.width + frame.before[1]
    made = np.full((images * frame.height * frame.width + border, max(int(phases.max()) + 1, 1)), fill)
    for n in range(images):
        for y in range(height):
            for x in range(width):
                row, column = y + frame.before[0], x + frame.before[1]
                phase = phases[row % frame.stride[0], column % frame.stride[1]]
                place = (n * frame.height + row // frame.stride[0]) * frame.width + column // frame.stride[1]
                if phase >= 0:
                    assert made[place, phase] == fill, "two pixels on one place"
                    made[place, phase] = maps[n, y, x]
    return made


def windows_of(frame: Frame, memory: np.ndarray, images: int) -> np.ndarray:
    """[N, OH, OW, KH, KW] read back: tap by tap from each output's place."""
    taps, (sy, sx) = frame.taps(), frame.stride
    places = taps[..., 0] // sy * frame.width + taps[..., 1] // sx
    phases = frame.phases()[taps[..., 0] % sy, taps[..., 1] % sx]
    grid = np.arange(frame.output[0])[:, None] * frame.width + np.arange(frame.output[1])
    start = np.arange(images)[:, None, None] * (frame.height * frame.width) + grid
    return memory[start[..., None, None] + places, phases]


def check_frame(frame: Frame, images: int) -> None:
    maps = 1 + np.arange(images * frame.size[0] * frame.size[1]).reshape(images, *frame.size)
    window = Window(frame.kernel, frame.stride, frame.padding, frame.dilation)
    expected = window.patches(maps[..., None], 0)[..., 0]
    assert np.array_equal(windows_of(frame, prepared(frame, maps, 0), images), expected)


@settings(max_examples=100)
@given(frames(st.just(1)), st.integers(1, 3))
def test_taps_read_the_patches_of_a_map_with_shared_borders(frame: Frame, images: int) -> None:
    check_frame(frame, images)


@settings(max_examples=100)
@given(frames(st.integers(1, 4)), st.integers(1, 3))
def test_taps_read_the_patches_of_a_map_whose_strides_are_undone(frame: Frame, images: int) -> None:
    check_frame(frame, images)


@settings(max_examples=50)
@given(frames(st.just(1)), st.integers(0, 2), st.integers(0, 2), st.integers(1, 2))
def test_a_wider_border_than_needed_is_read_as_well(frame: Frame, rows: int, columns: int, images: int) -> None:
    border = (frame.before[0] + rows, frame.before[1] + columns)
    parts = (frame.kernel, frame.stride, frame.padding, frame.dilation, frame.size, frame.output)
    check_frame(Frame(*parts, border=border), images)


@settings(max_examples=50)
@given(frames(st.integers(1, 3)))
def test_overhangs_are_the_taps_outside_of_the_map(frame: Frame) -> None:
    classes, outside = frame.overhangs()
    window = Window(frame.kernel, frame.stride, frame.padding, frame.dilation)
    inside = window.patches(np.ones((1, *frame.size, 1), np.int64), 0)[0, ..., 0]
    assert np.array_equal(outside[classes], inside == 0)


def test_a_matrix_is_a_map_of_one_pixel() -> None:
    parts = ((1, 1), (0, 0, 0, 0), (1, 1), (1, 1), (1, 1))
    assert Frame((1, 1), *parts).is_matrix
    assert not Frame((1, 1), (1, 1), (0, 0, 0, 0), (1, 1), (1, 2), (1, 2)).is_matrix
    assert not Frame((1, 1), (1, 1), (0, 1, 0, 0), (1, 1), (1, 1), (1, 2)).is_matrix
