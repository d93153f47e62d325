"""Maximum and sum over windows, in the form in which the map is stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.exec.kernels.emit import Value, element_bits, vector
from neurobin.exec.kernels.layout import LANES, Form, Layout
from neurobin.exec.kernels.parts import Kernel
from neurobin.exec.kernels.slots import Slots


@dataclass(frozen=True)
class Pool:
    """What a pool asks for: the reduction ("max" or "sum") and its window; padding adds nothing and never wins."""

    kind: str
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]


def pool_kernel(slots: Slots, pool: Pool, source: tuple[str, Layout], target: tuple[str, Layout]) -> str:
    """One row of outputs after the other, a vector of channels at a time."""
    (layout, result), k = (source[1], target[1]), Kernel(slots)
    f, base, goal = k.f, k.pixels(*source), k.pixels(*target)
    (kh, kw), (sy, sx), (dy, dx) = ([k.number(n) for n in pair] for pair in (pool.kernel, pool.stride, pool.dilation))
    top, left = k.number(pool.padding[0]), k.number(pool.padding[1])
    (height, width), (out_height, out_width) = (
        (k.number(shape[0]), k.number(shape[1])) for shape in (layout.shape, result.shape)
    )
    element = _Element(layout, result, pool.kind)
    chunks = k.number(element.chunks)
    (image_bytes, row, pixel), (to_image, to_row, to_pixel) = k.strides(layout), k.strides(result)
    first, last = k.share(k.images * out_height)
    with f.loop(first, last) as line:
        image, y = line // out_height, line % out_height
        from_image, goal_row = base.at(image * image_bytes), goal.at(image * to_image).at(y * to_row)
        with f.loop(0, out_width) as x, f.loop(0, chunks) as chunk:
            total = f.variable(f.constant(element.start, element.wide))
            with f.loop(0, kh) as ky:
                at_y = y * sy + ky * dy - top
                with f.when(_inside(at_y, height)), f.loop(0, kw) as kx:
                    at_x = x * sx + kx * dx - left
                    with f.when(_inside(at_x, width)):
                        place = from_image.at(at_y * row).at(at_x * pixel).at(chunk * element.read_bytes)
                        total.set(element.join(total.get(), place))
            element.store(goal_row.at(x * to_pixel).at(chunk * element.written_bytes), total.get())
    return str(k.module)


def _inside(index: Value, size: Value) -> Value:
    return index.compare("ult", size)  # a negative index is a huge one


class _Element:
    """How a chunk of channels is read, joined and written."""

    def __init__(self, layout: Layout, result: Layout, kind: str) -> None:
        self.kind, self.bits = kind, layout.form is Form.BITS
        if self.bits:
            self.chunks, self.wide, self.start = layout.pixel // 8, "i64", 0
            self.read_bytes = self.written_bytes = 8
            return
        lanes = _lanes(result.shape[2])
        size, out_size = layout.form.numpy.itemsize, result.form.numpy.itemsize
        self.signed = layout.form.signed
        self.narrow = vector(lanes, f"i{8 * size}")
        self.out_bits = 8 * out_size
        self.wide = self.narrow if kind == "max" else vector(lanes, f"i{max(8 * out_size, 32)}")
        self.start = 0 if kind == "sum" or not self.signed else int(np.iinfo(layout.form.numpy).min)
        self.chunks = -(-result.shape[2] // lanes)
        self.read_bytes, self.written_bytes = lanes * size, lanes * out_size

    def join(self, total: Value, place: Value) -> Value:
        if self.bits:  # bit 0 is the smaller value
            return total | place.load("i64", 8)
        value = place.load(self.narrow)
        if self.kind == "sum":
            return total + value.resized(element_bits(self.wide), signed=self.signed)
        greater = value.compare("sgt" if self.signed else "ugt", total)
        return greater.choose(value, total)

    def store(self, place: Value, total: Value) -> None:
        place.store(total if self.bits else total.resized(self.out_bits))


def _lanes(channels: int) -> int:
    """The widest of 64, 32 and 16 elements that a pixel has room for."""
    room = -(-channels // LANES) * LANES
    return next(n for n in (64, 32, 16) if room % n == 0)
