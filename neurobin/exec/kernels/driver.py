"""The kernel of a linear layer: blocks of sums by micro-kernels, each followed by the element-wise region behind it.

Blocks of rows times blocks of channels are shared among threads. Rows are places of the prepared map, borders between
rows and images included; only the places that are outputs reach the region, run by run.
"""

from __future__ import annotations

import numpy as np

from neurobin.exec.kernels.emit import I64, PTR, Function, Value
from neurobin.exec.kernels.geometry import Frame
from neurobin.exec.kernels.linear import Product
from neurobin.exec.kernels.micro import BLOCK_ROWS, PANEL
from neurobin.exec.kernels.parts import Kernel
from neurobin.exec.kernels.slots import Arguments, Code, Scratch, Slots, Tensor
from neurobin.exec.kernels.tiles import configuration

CHANNELS = 64  # of a block
_C_STRIDE = 4 * CHANNELS
_C_BLOCK = _C_STRIDE * BLOCK_ROWS
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
    f = k.f
    base = k.pointer(Tensor(operand_name))
    pixel, width, height = k.number(product.operand.pixel), k.number(frame.width), k.number(frame.height)
    row_bytes = k.number(product.operand.row_bytes)
    out_height, out_width = k.number(frame.output[0]), k.number(frame.output[1])
    total_channels, block_rows = k.number(outputs), k.number(product.rows)
    grouped = len(product.terms[0].offsets) > 1
    per_call = k.number(1 if grouped else CHANNELS // PANEL)
    terms, count = k.pointer(Arguments(term_slots(product))), k.number(len(product.terms))
    run, run_args = k.pointer(Code(region[0])), k.pointer(Arguments(region[1]))
    scratch = _C_BLOCK * (max(term.block for term in product.terms) + 1)
    c = k.pointer(Scratch(scratch)).at(k.thread * k.number(scratch))
    if product.uses_tiles:
        f.intrinsic("llvm.x86.ldtilecfg", "void", k.pointer(configuration()))
    positions = (k.images - 1) * height * width + (out_height - 1) * width + out_width
    row_blocks = (positions + block_rows - 1) // block_rows
    channel_blocks = (total_channels + (CHANNELS - 1)) // CHANNELS
    first, last = k.share(row_blocks * channel_blocks)
    with f.loop(first, last) as task:
        start, channel = task // channel_blocks * block_rows, task % channel_blocks * CHANNELS
        rows, channels = (positions - start).minimum(block_rows), (total_channels - channel).minimum(CHANNELS)
        a = base.at(start * pixel)
        with f.loop(0, count) as term:
            _term(f, terms.at(term * (8 * _FIELDS)), a, row_bytes, rows, channel, channels, c, per_call)
        _runs(f, start, rows, (width, height, out_width, out_height), channel, channels, c, run, run_args)
    if product.uses_tiles:
        f.intrinsic("llvm.x86.tilerelease", "void")
    return str(k.module)


def _term(
    f: Function,
    term: Value,
    a: Value,
    row_bytes: Value,
    rows: Value,
    channel: Value,
    channels: Value,
    c: Value,
    per_call: Value,
) -> None:
    """One term's sums for a block, added to the earlier terms of its block of sums."""
    kinds = (PTR, PTR, I64, I64, PTR, I64, I64, I64, I64, I64)
    code, offsets, steps, offsets_stride, weights, stride, plane, block, factor, accumulate = (
        term.at(8 * k).load(kind, 8) for k, kind in enumerate(kinds)
    )
    panel = channel // PANEL
    panels = (channels + (PANEL - 1)) // PANEL
    with f.loop(0, panels, per_call) as p:
        f.call(
            code,
            a.at(plane),
            row_bytes,
            offsets.at((panel + p) * offsets_stride),
            steps,
            weights.at((panel + p) * stride),
            stride,
            (panels - p).minimum(per_call),
            rows,
            c.at(block * _C_BLOCK).at(p * (4 * PANEL)),
            f.constant(_C_STRIDE),
            accumulate,
            factor,
        )


def _runs(
    f: Function,
    start: Value,
    rows: Value,
    sizes: tuple[Value, Value, Value, Value],
    channel: Value,
    channels: Value,
    c: Value,
    run: Value,
    run_args: Value,
) -> None:
    """Hands each stretch of outputs in one row of one image to the region."""
    width, height, out_width, out_height = sizes
    stop = start + rows
    with f.loop(start // width, (stop - 1) // width + 1) as line:
        image, y = line // height, line % height
        begin = (line * width).maximum(start)
        x = begin - line * width
        count = (stop - begin).minimum(out_width - x)
        with f.when(count.compare("sgt", 0) & y.compare("slt", out_height)):
            place = c.at((begin - start) * _C_STRIDE)
            f.call(run, run_args, place, f.constant(_C_STRIDE), f.constant(_C_BLOCK), image, y, x, count, channel, channels)
