"""Layouts: where the elements of a tensor lie, whatever its shape, its type and its border."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurobin.exec.kernels.layout import LANES, Border, Form, Layout, aligned, bits, dense, extent, narrowest, spread
from neurobin.exec.kernels.planes import planes_of
from neurobin.exec.plan.instance import strided
from neurobin.ir import BINARY, BIPOLAR, TERNARY, DType, TensorType
from neurobin.ir.dtype import i, u
from tests.ir.strategies import any_integer, narrow, random_values, seeds

shapes = st.lists(st.integers(1, 5), min_size=0, max_size=3).flatmap(
    lambda lead: st.sampled_from([1, 3, 15, 16, 17, 64, 65]).map(lambda c: (*lead, c))
)
WIDTHS = [
    (BIPOLAR, Form.S8), (BINARY, Form.S8), (TERNARY, Form.S8), (i(8), Form.S8), (u(7), Form.S8), (u(8), Form.U8),
    (i(9), Form.S16), (i(16), Form.S16), (u(15), Form.S16), (u(16), Form.U16), (i(17), Form.S32), (u(31), Form.S32),
    (i(32), Form.S32), (u(32), Form.S64), (i(33), Form.S64), (u(63), Form.S64), (i(64), Form.S64),
]  # fmt: skip


@pytest.mark.parametrize(("dtype", "form"), WIDTHS, ids=str)
def test_the_narrowest_form_of_a_type(dtype: DType, form: Form) -> None:
    assert narrowest(dtype) is form


@given(any_integer, seeds)
def test_the_narrowest_form_holds_every_value(dtype: DType, seed: int) -> None:
    values = random_values(dtype, (50,), seed)
    assert np.array_equal(values.astype(narrowest(dtype).numpy), values)


@given(shapes)
def test_an_extent_has_every_element_in_the_same_order(shape: tuple[int, ...]) -> None:
    height, width, channels = extent(shape)
    assert height * width * channels == np.prod(shape)
    assert channels == shape[-1]


def places(layout: Layout, images: int) -> np.ndarray:
    """int64 [N, H, W, C]: the byte at which each element begins."""
    counts = (images, *layout.shape)
    steps = (layout.image, layout.row, layout.pixel, layout.form.numpy.itemsize)
    return layout.origin + sum(np.arange(n).reshape([-1 if k == axis else 1 for k in range(4)]) * step
                               for axis, (n, step) in enumerate(zip(counts, steps, strict=True)))  # fmt: skip


@given(shapes, any_integer, st.integers(1, 3))
def test_an_image_of_a_dense_layout_has_no_gaps_and_room_for_whole_vectors(
    shape: tuple[int, ...], dtype: DType, images: int
) -> None:
    layout = dense(TensorType(shape, dtype))
    size = layout.form.numpy.itemsize
    assert layout.is_dense
    assert layout.origin == 0
    assert layout.image % (LANES * size) == 0
    found = places(layout, images)
    assert found.shape == (images, *layout.shape)
    for image in found:
        assert np.array_equal(image.reshape(-1) - image.min(), np.arange(image.size) * size)
    assert found.max() + size <= layout.size(images)
    memory = np.zeros(layout.size(images), np.uint8)
    view = strided(memory, 0, layout, images)
    view[...] = -1 if layout.form.signed else 1
    assert np.count_nonzero(memory) == view.size * (size if layout.form.signed else 1)


@given(shapes, any_integer, st.integers(0, 3), st.integers(0, 3), st.integers(1, 3))
def test_pixels_have_room_for_whole_vectors(
    shape: tuple[int, ...], dtype: DType, rows: int, columns: int, images: int
) -> None:
    """No vector of 16 elements from a multiple of 16 on meets another pixel, or leaves the tensor."""
    layout = aligned(TensorType(shape, dtype), Border(rows, columns))
    room = LANES * layout.form.numpy.itemsize
    found = places(layout, images)
    starts = np.sort(found[..., ::LANES].reshape(-1))
    assert (np.diff(starts) >= room).all()
    assert starts[0] >= 0
    assert starts[-1] + room <= layout.size(images)
    assert layout.pixel % room == 0 or layout.pixel == spread(layout.pixel - 64)


@given(shapes, any_integer, st.integers(1, 2), st.integers(1, 2))
def test_the_border_of_an_image_is_before_it_between_its_rows_and_behind_it(
    shape: tuple[int, ...], dtype: DType, rows: int, columns: int
) -> None:
    layout = aligned(TensorType(shape, dtype), Border(rows, columns))
    height, width, _ = layout.shape
    pixels = places(layout, 1)[0, ..., 0]
    for y in range(-rows, height + rows):
        for x in range(-columns, width + columns):
            place = layout.origin + y * layout.row + x * layout.pixel
            assert 0 <= place <= layout.size(1) - layout.pixel
            assert (place in pixels) == (0 <= y < height and 0 <= x < width)


@given(shapes, narrow)
def test_bit_planes_have_words_of_64_channels(shape: tuple[int, ...], dtype: DType) -> None:
    layout = bits(TensorType(shape, dtype))
    assert layout.form is Form.BITS
    assert layout.pixel == 8 * -(-shape[-1] // 64) * len(planes_of(dtype))
    assert not layout.origin


@pytest.mark.parametrize("pixel", [64, 100, 448, 512, 1024, 1536])
def test_no_pixel_is_a_multiple_of_512_bytes(pixel: int) -> None:
    assert spread(pixel) % 512
    assert 0 <= spread(pixel) - pixel <= 64
