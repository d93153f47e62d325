"""The kernel that runs a region by itself, over tensors in memory."""

from __future__ import annotations

from neurobin.exec.kernels.parts import Kernel
from neurobin.exec.kernels.slots import Arguments, Code, Slots


def elementwise_kernel(slots: Slots, shape: tuple[int, int, int], region: tuple[str, Slots]) -> str:
    """Rows of a map, or for a vector blocks of its channels, are shared among threads."""
    height, width, channels = shape
    block = channels if height > 1 else max(64, -(-channels // (16 * 64)) * 64)
    k = Kernel(slots)
    f = k.f
    rows, pixels, total, size = (k.number(n) for n in (height, width, channels, block))
    run, run_args = k.pointer(Code(region[0])), k.pointer(Arguments(region[1]))
    blocks = (total + (size - 1)) // size
    zero = f.constant(0)
    nothing = f.emit("inttoptr i64 0 to ptr", "ptr")
    first, last = k.share(k.images * rows * blocks)
    with f.loop(first, last) as task:
        line, channel = task // blocks, task % blocks * size
        count = (total - channel).minimum(size)
        f.call(run, run_args, nothing, zero, zero, line // rows, line % rows, zero, pixels, channel, count)
    return str(k.module)
