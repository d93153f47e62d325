"""Reductions over the channels of a pixel: their sum, and which of them is the largest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from neurobin.exec.kernels.emit import Function, Value, assign, element_bits, vector
from neurobin.exec.kernels.layout import LANES, Layout
from neurobin.exec.kernels.parts import Kernel
from neurobin.exec.kernels.slots import Slots


@dataclass(frozen=True)
class Reduction:
    """Lanes that go over a pixel's channels.

    `start` is what they hold at first, in elements of so many bits; `step` adds values [16] of the channels `index` [16] to
    them where `inside` holds (the others are behind the last channel); `total` makes one number of them.
    """

    start: Callable[[Function, int], list[Value]]
    step: Callable[[list[Value], Value, Value, Value], list[Value]]
    total: Callable[[list[Value]], Value]


def reduction_kernel(slots: Slots, reduction: Reduction, source: tuple[str, Layout], target: tuple[str, Layout]) -> str:
    """One pixel after the other, a vector of channels at a time."""
    (layout, result), k = (source[1], target[1]), Kernel(slots)
    f, base, goal = k.f, k.pixels(*source), k.pixels(*target)
    (image_bytes, row, pixel), (to_image, to_row, to_pixel) = k.strides(layout), k.strides(result)
    rows, pixels, channels = (k.number(n) for n in layout.shape)
    size, made_bits = layout.form.numpy.itemsize, 8 * result.form.numpy.itemsize
    bits = max(32, 8 * size, made_bits)
    lanes = Value(f, f"<{', '.join(f'i{bits} {n}' for n in range(LANES))}>", vector(LANES, f"i{bits}"))
    first, last = k.share(k.images * rows)
    with f.loop(first, last) as line, f.loop(0, pixels) as x:
        image, y = line // rows, line % rows
        start = base.at(image * image_bytes).at(y * row).at(x * pixel)
        kept = [f.variable(value) for value in reduction.start(f, bits)]
        with f.loop(0, channels, LANES) as channel:
            loaded = start.at(channel * size).load(vector(LANES, f"i{8 * size}")).resized(bits, signed=layout.form.signed)
            index = lanes + channel.resized(bits).splat(LANES)
            inside = index.compare("slt", channels.resized(bits).splat(LANES))
            assign(kept, reduction.step([one.get() for one in kept], loaded, index, inside))
        made = reduction.total([one.get() for one in kept]).resized(made_bits)
        goal.at(image * to_image).at(y * to_row).at(x * to_pixel).store(made)
    return str(k.module)


def _reduced(name: str, lanes: Value) -> Value:
    bits = element_bits(lanes.kind)
    return lanes.out.intrinsic(f"llvm.vector.reduce.{name}.v{LANES}i{bits}", f"i{bits}", lanes)


def _sum() -> Reduction:
    def start(f: Function, bits: int) -> list[Value]:
        return [f.constant(0, vector(LANES, f"i{bits}"))]

    def step(kept: list[Value], values: Value, _: Value, inside: Value) -> list[Value]:
        return [kept[0] + inside.choose(values, values.out.constant(0, values.kind))]

    return Reduction(start, step, lambda kept: _reduced("add", kept[0]))


def _largest() -> Reduction:
    """Every lane keeps its largest value and that value's first channel."""

    def start(f: Function, bits: int) -> list[Value]:
        kind = vector(LANES, f"i{bits}")
        return [f.constant(-(1 << (bits - 1)), kind), f.constant((1 << (bits - 1)) - 1, kind)]

    def step(kept: list[Value], values: Value, index: Value, inside: Value) -> list[Value]:
        best, where = kept
        # a lane that has no channel yet takes its first one even where that holds the least number there is
        takes = inside & (values.compare("sgt", best) | where.compare("sgt", index))
        return [takes.choose(values, best), takes.choose(index, where)]

    def total(kept: list[Value]) -> Value:
        best, where = kept
        winners = best.compare("eq", _reduced("smax", best).splat(LANES))
        bits = element_bits(best.kind)
        return _reduced("smin", winners.choose(where, best.out.constant((1 << (bits - 1)) - 1, best.kind)))

    return Reduction(start, step, total)


CHANNEL_SUM, LARGEST_CHANNEL = _sum(), _largest()
