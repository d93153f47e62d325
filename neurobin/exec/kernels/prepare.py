"""Operands of linear layers: a map as the micro-kernels read it, in bytes or in bit planes, padded, with strides undone.

Pixel (y, x) of the padded map goes to place (y // s, x // s) and there to phase (y % s, x % s), so that a strided
convolution is one of stride 1 with its taps spread over the phases; phases that no tap reads are left out.

    void kernel(ptr args, i64 images, i64 thread, i64 threads)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.exec.kernels.emit import I64, Value, vector
from neurobin.exec.kernels.layout import Form, Layout, plane_bytes
from neurobin.exec.kernels.micro import BLOCK_ROWS, STEP
from neurobin.exec.kernels.parts import Kernel
from neurobin.exec.kernels.planes import planes_of
from neurobin.exec.kernels.slots import Slots, Tensor

BORDER_STEP = 16  # bytes


@dataclass(frozen=True)
class Bordered:
    """Bytes of a map with a border: between images and rows, before the first pixel, and of the border of a row."""

    image: int
    row: int
    origin: int
    columns: int
    height: int


@dataclass(frozen=True)
class Operand:
    """A prepared map. `bits`: planes of paired or plain words; else bytes, one plane per 8-bit digit of the numbers.

    Strides are bytes; `phases` [s, s] is the place of each phase in a pixel or -1; `before` is the padding above and left.
    `digits` counts byte planes of a phase, `plane` is the distance between them; `flip` adds 128 to signed bytes.

    A `blocked` operand is a matrix whose rows are images: 64 rows lie together, [step, row, 64 bytes], so that a block of
    rows is read from few pages.
    """

    bits: bool
    paired: bool
    flip: bool
    digits: int
    stride: tuple[int, int]
    before: tuple[int, int]
    phases: np.ndarray
    chunk: int  # bytes of one phase, all its planes
    pixel: int
    row: int
    image: int
    plane: int = 0
    blocked: bool = False

    @property
    def row_bytes(self) -> int:
        """Bytes between the rows of a tile."""
        return STEP if self.blocked else self.pixel


def fill_kernel(slots: Slots, target: str, size_per_image: int, size_fixed: int, pattern: np.ndarray) -> str:
    """Writes `pattern` (uint8, a multiple of 64 bytes) over the target, images * size_per_image + size_fixed bytes long."""
    k = Kernel(slots)
    place, source, length = k.pointer(Tensor(target)), k.constant(pattern), k.number(len(pattern))
    total = k.images * k.number(size_per_image) + k.number(size_fixed)
    first, last = k.share((total + (length - 1)) // length)
    kind = vector(STEP, "i8")
    with k.f.loop(first, last) as block:
        start = block * length
        with k.f.loop(0, (total - start).minimum(length), STEP) as offset:  # tensors end at multiples of a chunk
            place.at(start + offset).store(source.at(offset).load(kind, 1), 1)
    return str(k.module)


def border_kernel(slots: Slots, target: str, frame: Bordered, value: int) -> str:
    """Writes bytes of `value` over the border of a map: before each image's first pixel, between rows, behind the last."""
    k = Kernel(slots)
    f, place = k.f, k.pointer(Tensor(target))
    image_bytes, row, origin, columns = (k.number(n) for n in (frame.image, frame.row, frame.origin, frame.columns))
    height = k.number(frame.height)
    kind = vector(BORDER_STEP, "i8")
    pattern = k.constant(np.full(BORDER_STEP, value & 255, np.uint8)).load(kind, 1)
    first, last = k.share(k.images + 1)
    with f.loop(first, last) as image:
        start = place.at(image * image_bytes)
        with f.loop(0, origin, BORDER_STEP) as offset:
            start.at(offset).store(pattern, 1)
        with f.when(image.compare("slt", k.images)), f.loop(1, height) as y:
            line = start.at(origin - columns + y * row)
            with f.loop(0, columns, BORDER_STEP) as offset:
                line.at(offset).store(pattern, 1)
    return str(k.module)


def prepare_kernel(slots: Slots, source: str, layout: Layout, target: str, operand: Operand) -> str:
    """Copies the map `source` to its places in `target`."""
    k = Kernel(slots)
    f = k.f
    (sy, sx), (top, left) = operand.stride, operand.before
    rows, width = k.number(layout.shape[0]), k.number(layout.shape[1])
    start, goal = k.pixels(source, layout), k.pointer(Tensor(target))
    image_bytes, row_bytes, pixel_bytes = k.strides(layout)
    to_image, to_row, to_pixel = k.number(operand.image), k.number(operand.row), k.number(operand.pixel)
    table = k.constant(np.ascontiguousarray(operand.phases, "<i8"))
    copy = _Copy(k, layout, operand)
    first, last = k.share(k.images * rows)
    with f.loop(first, last) as line:
        image, y = line // rows, line % rows
        from_row = start.at(image * image_bytes).at(y * row_bytes)
        to_y = y + top
        goal_row = goal.at(image * to_image).at((to_y // sy) * to_row)
        for phase in range(sx):
            place = table.at(((to_y % sy) * sx + phase) * 8).load(I64, 8)
            begin = (phase - left) % sx
            with f.when(place.compare("sge", 0)), f.loop(begin, width, sx) as x:
                there = goal_row.at(((x + left) // sx) * to_pixel).at(place)
                copy.pixel(from_row.at(x * pixel_bytes), there, layout.shape[2])
    return str(k.module)


def pack_kernel(slots: Slots, source: str, layout: Layout, target: str, operand: Operand) -> str:
    """Copies the rows `source` to the blocks of `target`."""
    k = Kernel(slots)
    start, goal = k.pixels(source, layout), k.pointer(Tensor(target))
    image_bytes, block_bytes = k.number(layout.image), k.number(operand.image * BLOCK_ROWS)
    copy = _Copy(k, layout, operand)
    first, last = k.share(k.images)
    with k.f.loop(first, last) as row:
        place = goal.at(row // BLOCK_ROWS * block_bytes).at(row % BLOCK_ROWS * STEP)
        copy.pixel(start.at(row * image_bytes), place, layout.shape[2])
    return str(k.module)


class _Copy:
    """Moves one pixel, 64 elements at a time."""

    def __init__(self, k: Kernel, layout: Layout, operand: Operand) -> None:
        self.f, self.layout, self.operand = k.f, layout, operand
        channels = layout.shape[2]
        self.tail = channels % STEP
        self.whole = k.number(channels - self.tail)
        self.plane = k.number(operand.plane)

    def pixel(self, source: Value, target: Value, channels: int) -> None:
        if channels >= STEP:
            with self.f.loop(0, self.whole, STEP) as channel:
                self._chunk(source, target, channel, STEP)
        if self.tail:
            self._chunk(source, target, self.whole, self.tail)

    def _chunk(self, source: Value, target: Value, channel: Value, count: int) -> None:
        if self.operand.bits:
            self._to_bits(source, target, channel, count)
        else:
            self._to_bytes(source, target, channel, count)

    def _elements(self, source: Value, channel: Value) -> Value:
        size = self.layout.form.numpy.itemsize
        return source.at(channel * size).load(vector(STEP, f"i{8 * size}"))

    def _words(self, source: Value, channel: Value) -> list[Value]:
        """One 64-bit word of each plane."""
        plane = plane_bytes(self.layout.shape[2])
        return [source.at(channel // 8).at(k * plane).load(I64, 8) for k in range(len(planes_of(self.layout.dtype)))]

    def _to_bits(self, source: Value, target: Value, channel: Value, count: int) -> None:
        if self.layout.form is Form.BITS:
            words = self._words(source, channel)
        else:
            values = self._elements(source, channel)
            words = [plane.rule.lanes(values).cast(I64) for plane in planes_of(self.layout.dtype)]
            if count < STEP:
                words = [word & ((1 << count) - 1) for word in words]
        room = self.operand.chunk // len(words)
        for k, word in enumerate(words):
            paired = word ^ (word << 32) if self.operand.paired else word
            target.at(channel // 8).at(k * room).store(paired, 8)

    def _to_bytes(self, source: Value, target: Value, channel: Value, count: int) -> None:
        values = self._expanded(source, channel) if self.layout.form is Form.BITS else self._elements(source, channel)
        if self.operand.blocked:
            channel = channel * BLOCK_ROWS
        for digit in range(self.operand.digits):
            part = (values.logical_shift(8 * digit) if digit else values).resized(8)
            if self.operand.flip:
                part = part ^ -128
            self._store(target.at(self.plane * digit).at(channel), part, count)

    def _expanded(self, source: Value, channel: Value) -> Value:
        """Numbers of as many bytes as the operand has, from bit planes."""
        bits = next(bits for bits in (8, 16, 32, 64) if bits >= 8 * self.operand.digits)
        f, kind = self.f, vector(STEP, f"i{bits}")
        total: Value | None = None
        for plane, word in zip(planes_of(self.layout.dtype), self._words(source, channel), strict=True):
            low = -plane.weight if plane.signs else 0
            part = word.cast(vector(STEP, "i1")).choose(f.constant(plane.weight, kind), f.constant(low, kind))
            total = part if total is None else total + part
        assert total is not None
        return total

    def _store(self, place: Value, value: Value, count: int) -> None:
        """The first `count` bytes of a vector, and no other byte."""
        begin = 0
        for size in (64, 32, 16, 8, 4, 2, 1):
            if count - begin >= size:
                part = value if size == STEP else value.shuffled(range(begin, begin + size))
                place.at(begin).store(part)
                begin += size
