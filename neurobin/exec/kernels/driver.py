"""The kernel of a linear layer: blocks of sums by micro-kernels, each followed by the element-wise region behind it.

Blocks of rows times blocks of channels are shared among threads. Rows are places of the prepared map, borders between
rows and images included; only the places that are outputs reach the region, run by run.
"""

from __future__ import annotations

import numpy as np

from neurobin.exec.kernels.emit import I64, PTR, Value
from neurobin.exec.kernels.geometry import Frame
from neurobin.exec.kernels.linear import Product
from neurobin.exec.kernels.micro import BLOCK_ROWS, PANEL
from neurobin.exec.kernels.parts import Kernel
from neurobin.exec.kernels.slots import Arguments, Code, Scratch, Slots, Tensor
from neurobin.exec.kernels.tiles import configuration

CHANNELS = 64  # of a block
_C_STRIDE = 4 * CHANNELS
_FIELDS = 10  # slots of a term


def term_slots(product: Product) -> Slots:
    """The table of terms: code, offsets, steps, bytes between panels' offsets, weights, bytes between panels, plane, block,
    factor, and whether an earlier term has begun its block."""
    slots = Slots()
    begun: set[int] = set()
    for term in product.terms:
        panels = len(term.weights)
        row = len(term.offsets) > 1
        slots.fillings += [
            Code(term.code),
            np.ascontiguousarray(term.offsets, "<i8"),
            term.offsets.shape[1],
            8 * term.offsets.shape[1] if row else 0,
            term.weights,
            term.weights.nbytes // panels,
            term.plane,
            term.block,
            term.factor,
            int(term.block in begun),
        ]
        begun.add(term.block)
    return slots


def linear_kernel(
    slots: Slots, operand_name: str, frame: Frame, product: Product, outputs: int, region: tuple[str, Slots]
) -> str:
    """The module that drives `product` on a prepared map and hands its sums to `region` (its text and slots)."""
    k = Kernel(slots)
    driver = _Driver(k, operand_name, frame, product, outputs, region)
    f = k.f
    if product.uses_tiles:
        f.intrinsic("llvm.x86.ldtilecfg", "void", k.pointer(configuration()))
    driver.run()
    if product.uses_tiles:
        f.intrinsic("llvm.x86.tilerelease", "void")
    return str(k.module)


class _Driver:
    """The loops over blocks, and what they read from slots."""

    def __init__(
        self, k: Kernel, operand_name: str, frame: Frame, product: Product, outputs: int, region: tuple[str, Slots]
    ) -> None:
        operand = product.operand
        self.k, self.f = k, k.f
        self.base, self.pixel = k.pointer(Tensor(operand_name)), k.number(operand.pixel)
        self.row_bytes = k.number(operand.row_bytes)
        self.width, self.height = k.number(frame.width), k.number(frame.height)
        self.out_height, self.out_width = k.number(frame.output[0]), k.number(frame.output[1])
        self.outputs, self.block_rows = k.number(outputs), k.number(product.rows)
        grouped = len(product.terms[0].offsets) > 1
        self.panels_per_call = k.number(1 if grouped else CHANNELS // PANEL)
        self.terms, self.count = k.pointer(Arguments(term_slots(product))), k.number(len(product.terms))
        self.region, self.region_args = k.pointer(Code(region[0])), k.pointer(Arguments(region[1]))
        block = _C_STRIDE * BLOCK_ROWS
        memory = block * (max(term.block for term in product.terms) + 1)
        self.c_block, self.c_stride = k.number(block), k.f.constant(_C_STRIDE)
        self.c = k.pointer(Scratch(memory)).at(k.thread * k.number(memory))

    def run(self) -> None:
        """This thread's blocks, channels innermost."""
        k, f = self.k, self.f
        positions = (k.images - 1) * self.height * self.width + (self.out_height - 1) * self.width + self.out_width
        row_blocks = (positions + self.block_rows - 1) // self.block_rows
        channel_blocks = (self.outputs + (CHANNELS - 1)) // CHANNELS
        first, last = k.share(row_blocks * channel_blocks)
        with f.loop(first, last) as task:
            start, channel = task // channel_blocks * self.block_rows, task % channel_blocks * CHANNELS
            rows = (positions - start).minimum(self.block_rows)
            channels = (self.outputs - channel).minimum(CHANNELS)
            with f.loop(0, self.count) as term:
                self._sums(self.terms.at(term * (8 * _FIELDS)), start, rows, channel, channels)
            self._hand_over(start, rows, channel, channels)

    def _sums(self, term: Value, start: Value, rows: Value, channel: Value, channels: Value) -> None:
        """One term's sums for a block, added to the earlier terms of its block of sums."""
        kinds = (PTR, PTR, I64, I64, PTR, I64, I64, I64, I64, I64)
        code, offsets, steps, offsets_stride, weights, stride, plane, block, factor, accumulate = (
            term.at(8 * k).load(kind, 8) for k, kind in enumerate(kinds)
        )
        a, c = self.base.at(start * self.pixel).at(plane), self.c.at(block * self.c_block)
        panel, panels = channel // PANEL, (channels + (PANEL - 1)) // PANEL
        with self.f.loop(0, panels, self.panels_per_call) as p:
            here = (panels - p).minimum(self.panels_per_call)
            steps_at, weights_at = offsets.at((panel + p) * offsets_stride), weights.at((panel + p) * stride)
            self.f.call(
                code, a, self.row_bytes, steps_at, steps, weights_at, stride, here, rows,
                c.at(p * (4 * PANEL)), self.c_stride, accumulate, factor,
            )  # fmt: skip

    def _hand_over(self, start: Value, rows: Value, channel: Value, channels: Value) -> None:
        """Each stretch of outputs in one row of one image goes to the region."""
        f, stop = self.f, start + rows
        with f.loop(start // self.width, (stop - 1) // self.width + 1) as line:
            image, y = line // self.height, line % self.height
            begin = (line * self.width).maximum(start)
            x = begin - line * self.width
            count = (stop - begin).minimum(self.out_width - x)
            with f.when(count.compare("sgt", 0) & y.compare("slt", self.out_height)):
                sums = self.c.at((begin - start) * _C_STRIDE)
                f.call(
                    self.region, self.region_args, sums, self.c_stride, self.c_block, image, y, x, count, channel, channels
                )
