"""One native call for a whole network: every step in order, for every chunk of images, on one or several threads.

    void kernel(ptr steps, i64 count, ptr ends, i64 images, i64 chunk, i64 thread, i64 threads, ptr barrier)

`steps` holds (code, arguments) pairs. `ends` holds, for the input and then for the output, the address of the cell of its
tensor, the address of all images, and the bytes of one image. Threads meet at a barrier after each step: a counter that
each of them raises and then watches, so that handing over costs no system call. One that waits for long, since there are
more threads than cores, lets others run.
"""

from __future__ import annotations

import os
from functools import cache

from neurobin.exec.kernels.emit import I64, PTR, Module
from neurobin.exec.kernels.jit import SYMBOL

_LOOKS = 1 << 14  # at the barrier before another thread may have the core, some ten microseconds

PARAMETERS = (
    (PTR, "steps"),
    (I64, "count"),
    (PTR, "ends"),
    (I64, "images"),
    (I64, "chunk"),
    (I64, "thread"),
    (I64, "threads"),
    (PTR, "barrier"),
)


@cache
def runner() -> str:
    """The module of the runner."""
    module = Module()
    f = module.function(SYMBOL, PARAMETERS)
    steps, count, ends, images, chunk, thread, threads, barrier = f.parameters
    (input_cell, inputs, input_bytes, output_cell, outputs, output_bytes) = (
        ends.at(8 * k).load(PTR if k % 3 < 2 else I64, 8) for k in range(6)
    )
    meetings = f.variable(f.constant(0))

    def meet() -> None:
        """All threads pass when the counter reaches `threads` for this meeting."""
        with f.when(threads.compare("sgt", 1)):
            goal = meetings.get() + threads
            meetings.set(goal)
            f.emit(f"atomicrmw add ptr {barrier.text}, i64 1 seq_cst, align 8", I64)
            looks, top, wait, end = f.variable(f.constant(0)), f.label(), f.label(), f.label()
            f.line(f"br label %{top}")
            f.mark(top)
            seen = f.emit(f"load atomic i64, ptr {barrier.text} acquire, align 8", I64)
            f.line(f"br i1 {seen.compare('sge', goal).text}, label %{end}, label %{wait}")
            f.mark(wait)
            looks.set(looks.get() + 1)
            if os.name == "posix":
                with f.when((looks.get() & (_LOOKS - 1)).compare("eq", 0)):
                    f.intrinsic("sched_yield", "i32")
            f.line(f"br label %{top}")
            f.mark(end)

    with f.loop(0, images, chunk) as start:
        input_cell.store(inputs.at(start * input_bytes), 8)
        output_cell.store(outputs.at(start * output_bytes), 8)
        now = (images - start).minimum(chunk)
        meet()
        with f.loop(0, count) as step:
            code, args = (steps.at(step * 16 + 8 * k).load(PTR, 8) for k in range(2))
            f.call(code, args, now, thread, threads)
            meet()
    return str(module)
