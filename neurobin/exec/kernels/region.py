"""Element-wise kernels: any chain of element-wise ops in one pass, behind a block of sums or over tensors in memory.

    void kernel(ptr args, ptr c, i64 c_stride, i64 c_block, i64 image, i64 y, i64 x, i64 count, i64 channel, i64 channels)

computes `channels` channels from `channel` on of `count` positions from (image, y, x) on, which lie in one line, or, where
maps have one position only, in as many images. A line is a row, or a whole map without gaps, where x runs past the row's
end. Channels are the outer loop, so that their constants stay in registers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurobin.exec.kernels.emit import I64, PTR, Module, Value, vector
from neurobin.exec.kernels.jit import SYMBOL
from neurobin.exec.kernels.lanes import Condition, Lane, Lanes, width
from neurobin.exec.kernels.layout import LANES, Form, Layout, plane_bytes
from neurobin.exec.kernels.planes import planes_of
from neurobin.exec.kernels.slots import Slots, Tensor

PARAMETERS = (
    (PTR, "args"),
    (PTR, "c"),
    (I64, "c_stride"),
    (I64, "c_block"),
    (I64, "image"),
    (I64, "y"),
    (I64, "x"),
    (I64, "count"),
    (I64, "channel"),
    (I64, "channels"),
)


@dataclass(frozen=True)
class Sums:
    """What the blocks of sums of a linear layer mean: constant[n] + factor * sum over blocks of 2^shift * block.

    `constant` is int64 [N] or None. `correction`, where the border of the map was padded with another value than the
    layer asks for, is int64 [OH, OW, N] in factored form: table [classes, N], class of each position [OH, OW].
    """

    low: int
    high: int
    shifts: tuple[int, ...] = (0,)
    constant: np.ndarray | None = None
    correction: tuple[np.ndarray, np.ndarray] | None = None
    factor: int = 1


class Region(Lanes):
    """The kernel being written: where operands come from and where results go."""

    def __init__(self, shape: tuple[int, int, int], slots: Slots) -> None:
        self.shape, self.slots = shape, slots
        self._over_images = shape[:2] == (1, 1)
        self._module = Module()
        function = self._module.function(SYMBOL, PARAMETERS)
        super().__init__(function)
        (self._args, self._c, self._c_stride, self._c_block, self._image, self._y, self._x, self._count, self._channel,
         self._channels) = function.parameters  # fmt: skip
        self._scalars: dict[int, Lane] = {}

    def write_kernel(self, program: Callable[[Region], None]) -> str:
        """The module, whose inner loop is what `program` writes."""
        f = self.function
        self._top = f.here()
        with f.loop(self._channel, self._channel + self._channels, LANES) as first:
            self._first = first
            self._outer = f.here()
            with f.loop(0, self._count) as position:
                self._position = position
                program(self)
        return str(self._module)

    # Constants

    def channel(self, values: np.ndarray) -> Lane:
        low, high = int(values.min()), int(values.max())
        if low == high:
            return self._scalar(low)
        bits = width(low, high)
        with self.function.earlier(self._outer):
            table = self.slots.constant(self._args, _padded(values, bits))
            return Lane(table.at(self._first * (bits // 8)).load(vector(LANES, f"i{bits}"), 4), low, high)

    def _scalar(self, number: int) -> Lane:
        """One number in all lanes, from a slot, so that kernels differing in it share their code."""
        if number in (-1, 0, 1):
            return self.number(number)
        if number not in self._scalars:
            bits = width(number, number)
            with self.function.earlier(self._top):
                value = self.slots.number(self._args, number).resized(bits).splat(LANES)
            self._scalars[number] = Lane(value, number, number)
        return self._scalars[number]

    def shifted(self, lane: Lane, count: int) -> Lane:
        if not count:
            return lane
        bits = width(lane.low, lane.high)
        with self.function.earlier(self._top):
            places = self.slots.number(self._args, min(count, bits - 1)).resized(bits).splat(LANES)
        low, high = lane.low >> count, lane.high >> count
        return Lane((lane.value >> places).resized(width(low, high)), low, high)

    def position(self, values: np.ndarray) -> Lane:
        low, high = int(values.min()), int(values.max())
        bits = width(low, high)
        with self.function.earlier(self._top):
            table = self.slots.constant(self._args, np.ascontiguousarray(values, dtype=f"<i{bits // 8}"))
            row = table.at((self._y * values.shape[1] + self._x) * (bits // 8))
        return Lane(row.at(self._in_line() * (bits // 8)).load(f"i{bits}", 4).splat(LANES), low, high)

    def _in_line(self) -> Value:
        """How far this position is from the first one in its line."""
        return self.function.constant(0) if self._over_images else self._position

    def lookup(self, table: np.ndarray, index: Lane) -> Lane:
        f, length = self.function, table.shape[1]
        low, high = int(table.min()), int(table.max())
        bits = width(low, high)
        with f.earlier(self._top):
            base = self.slots.constant(self._args, np.ascontiguousarray(_rows(table), dtype=f"<i{bits // 8}"))
        offset = index.value.resized(64).maximum(0).minimum(length - 1)  # lanes behind the last channel hold anything
        if len(table) > 1:
            row = base.at(self._first * (length * bits // 8))
            lanes = Value(f, "<" + ", ".join(f"i64 {k * length}" for k in range(LANES)) + ">", offset.kind)
            offset = offset + lanes
        else:
            row = base
        kind = vector(LANES, f"i{bits}")
        places = f.emit(f"getelementptr i{bits}, ptr {row.text}, <{LANES} x i64> {offset.text}", f"<{LANES} x ptr>")
        mask, none = f.constant(1, vector(LANES, "i1")), f.constant(0, kind)
        name = f"llvm.masked.gather.v{LANES}i{bits}.v{LANES}p0"
        return Lane(f.intrinsic(name, kind, places, "i32 4", mask, none), low, high)

    # Operands

    def sums(self, source: Sums) -> Lane:
        """The linear layer's result: its blocks of sums, put together."""
        f = self.function
        bits = width(source.low, source.high)
        place = self._c.at(self._position * self._c_stride + (self._first - self._channel) * 4)
        total: Value | None = None
        for k, shift in enumerate(source.shifts):
            if shift >= bits:
                break  # a multiple of 2^bits: nothing of it is left in these lanes
            block = place.at(self._c_block * k).load(vector(LANES, "i32"), 4).resized(bits) << shift
            total = block if total is None else total + block
        assert total is not None
        if source.factor != 1:
            total = total * source.factor
        if source.constant is not None and source.constant.any():
            total = total + self._wrapped(source.constant, bits)
        if source.correction is not None:
            table, classes = source.correction
            with f.earlier(self._top):
                rows = self.slots.constant(self._args, _padded_rows(table, bits))
                index = self.slots.constant(
                    self._args, np.ascontiguousarray(classes * (_room(table.shape[1]) * bits // 8), "<i8")
                )
                index = index.at((self._y * classes.shape[1] + self._x) * 8)
            row = rows.at(index.at(self._in_line() * 8).load(I64, 8))
            total = total + row.at(self._first * (bits // 8)).load(vector(LANES, f"i{bits}"), 4)
        return Lane(total, source.low, source.high)

    def _wrapped(self, values: np.ndarray, bits: int) -> Value:
        """A constant per channel in lanes of `bits`; sums wrap around and come out right."""
        with self.function.earlier(self._outer):
            table = self.slots.constant(self._args, _padded(values, bits))
            return table.at(self._first * (bits // 8)).load(vector(LANES, f"i{bits}"), 4)

    def read(self, name: str, layout: Layout) -> Lane:
        """A tensor's elements at this place; an axis of size 1 stretches."""
        f, channels = self.function, layout.shape[2]
        own = layout.shape[:2] == self.shape[:2]
        tall, wide = own or layout.shape[0] > 1, own or layout.shape[1] > 1
        with f.earlier(self._top):
            start, step = self._start(name, layout, tall, wide), self._step(layout)
        place = start.at(self._position * step) if wide else start
        if channels == 1 and self.shape[2] > 1:
            value = (
                place.load(f"i{8 * layout.form.numpy.itemsize}")
                .resized(self._lane_bits(layout), signed=layout.form.signed)
                .splat(LANES)
            )
        elif layout.form is Form.BITS:
            value = self._read_bits(place, layout)
        else:
            size = layout.form.numpy.itemsize
            loaded = place.at(self._first * size).load(vector(LANES, f"i{8 * size}"))
            value = loaded.resized(self._lane_bits(layout), signed=layout.form.signed)
        return Lane(value, layout.dtype.low, layout.dtype.high)

    def _lane_bits(self, layout: Layout) -> int:
        return width(layout.dtype.low, layout.dtype.high)

    def _start(self, name: str, layout: Layout, tall: bool = True, wide: bool = True) -> Value:
        """The address of the pixel (image, y, x)."""
        place = self.slots.load(self._args, Tensor(name)).at(self.slots.number(self._args, layout.origin))
        place = place.at(self._image * self.slots.number(self._args, layout.image))
        if tall:
            place = place.at(self._y * self.slots.number(self._args, layout.row))
        return place.at(self._x * self.slots.number(self._args, layout.pixel)) if wide else place

    def _step(self, layout: Layout) -> Value:
        """Bytes between positions."""
        return self.slots.number(self._args, layout.image if self._over_images else layout.pixel)

    def _read_bits(self, place: Value, layout: Layout) -> Value:
        total: Lane | None = None
        for k, plane in enumerate(planes_of(layout.dtype)):
            bit = Condition(
                place.at(plane_bytes(layout.shape[2]) * k).at(self._first // 8).load(f"i{LANES}").cast(vector(LANES, "i1"))
            )
            part = bit.choose(self.number(plane.weight), self.number(-plane.weight if plane.signs else 0))
            total = part if total is None else total + part
        assert total is not None
        return total.value.resized(self._lane_bits(layout))

    # Results

    def write(self, name: str, layout: Layout, lane: Lane) -> None:
        """Stores a result in its tensor's form."""
        with self.function.earlier(self._top):
            start, step = self._start(name, layout), self._step(layout)
        place = start.at(self._position * step)
        if layout.form is Form.BITS:
            for k, plane in enumerate(planes_of(layout.dtype)):
                mask = plane.rule.lanes(lane.value)
                place.at(plane_bytes(layout.shape[2]) * k).at(self._first // 8).store(mask.cast(f"i{LANES}"))
        else:
            size = layout.form.numpy.itemsize
            place.at(self._first * size).store(lane.value.resized(8 * size))


def _room(channels: int) -> int:
    """Channels rounded up to whole vectors of the widest block."""
    return -(-channels // 64) * 64


def _padded(values: np.ndarray, bits: int) -> np.ndarray:
    """[C] as little-endian integers with room for whole vectors; values beyond `bits` wrap."""
    return _padded_rows(values.reshape(1, -1), bits)[0]


def _padded_rows(table: np.ndarray, bits: int) -> np.ndarray:
    made = np.zeros((len(table), _room(table.shape[1])), f"<i{bits // 8}")
    made[:, : table.shape[1]] = table.astype(np.int64).astype(made.dtype)
    return made


def _rows(table: np.ndarray) -> np.ndarray:
    """A table with rows for whole vectors of channels, or its only row."""
    if len(table) == 1:
        return table
    return np.concatenate([table, np.repeat(table[-1:], _room(len(table)) - len(table), axis=0)])
