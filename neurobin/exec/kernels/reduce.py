"""Sums over the channels of a pixel."""

from __future__ import annotations

from neurobin.exec.kernels.emit import Value, vector
from neurobin.exec.kernels.layout import LANES, Layout
from neurobin.exec.kernels.parts import Kernel
from neurobin.exec.kernels.slots import Slots


def channel_sum_kernel(slots: Slots, source: tuple[str, Layout], target: tuple[str, Layout]) -> str:
    """One pixel after the other, a vector of channels at a time; those behind the last count as 0."""
    (layout, result), k = (source[1], target[1]), Kernel(slots)
    f, base, goal = k.f, k.pixels(*source), k.pixels(*target)
    (image_bytes, row, pixel), (to_image, to_row, to_pixel) = k.strides(layout), k.strides(result)
    rows, pixels, channels = (k.number(n) for n in layout.shape)
    size, bits = layout.form.numpy.itemsize, max(32, 8 * result.form.numpy.itemsize)
    wide, lanes = (
        vector(LANES, f"i{bits}"),
        Value(f, f"<{', '.join(f'i64 {n}' for n in range(LANES))}>", vector(LANES, "i64")),
    )
    first, last = k.share(k.images * rows)
    with f.loop(first, last) as line, f.loop(0, pixels) as x:
        image, y = line // rows, line % rows
        start = base.at(image * image_bytes).at(y * row).at(x * pixel)
        total = f.variable(f.constant(0, wide))
        with f.loop(0, channels, LANES) as channel:
            loaded = start.at(channel * size).load(vector(LANES, f"i{8 * size}")).resized(bits, signed=layout.form.signed)
            inside = lanes.compare("slt", (channels - channel).splat(LANES))
            total.set(total.get() + inside.choose(loaded, f.constant(0, wide)))
        summed = f.intrinsic(f"llvm.vector.reduce.add.v{LANES}i{bits}", f"i{bits}", total.get())
        goal.at(image * to_image).at(y * to_row).at(x * to_pixel).store(summed.resized(8 * result.form.numpy.itemsize))
    return str(k.module)
