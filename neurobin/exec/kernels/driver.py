"""The kernel of a linear layer: blocks of sums by micro-kernels, each followed by the element-wise region behind it.

Blocks of channels times blocks of rows are shared among threads, rows innermost, whose weights come from a near cache. Sums
reach the region run by run, each a part of one row of outputs; those of borders, which tiles compute as well, do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurobin.exec.kernels.emit import PTR, Value
from neurobin.exec.kernels.geometry import Frame
from neurobin.exec.kernels.linear import Product, Term
from neurobin.exec.kernels.micro import BLOCK_ROWS, PANEL, STEP
from neurobin.exec.kernels.parts import Kernel
from neurobin.exec.kernels.prepare import Operand
from neurobin.exec.kernels.slots import Arguments, Code, Constant, Filling, Number, Scratch, Slots, Tensor
from neurobin.exec.kernels.tiles import TILE_ROWS, configure, height_for


def _fields(term: Term, begun: bool) -> dict[str, Filling]:
    """What the driver reads of a term, in the order of its slots; `begun`: an earlier term has begun its block of sums."""
    panel_bytes, steps = term.weights.nbytes // len(term.weights), term.offsets.shape[1]
    return {
        "code": Code(term.code),
        "offsets": Constant(np.ascontiguousarray(term.offsets, "<i8")),
        "steps": Number(steps),
        "offsets_stride": Number(8 * steps if len(term.offsets) > 1 else 0),
        "weights": Constant(term.weights),
        "weights_stride": Number(panel_bytes),
        "step_bytes": Number(panel_bytes // steps),
        "plane": Number(term.plane),
        "block": Number(term.block),
        "factor": Number(term.factor),
        "accumulate": Number(begun),
    }


def _table(terms: Sequence[Term]) -> list[dict[str, Filling]]:
    """The fields of all terms."""
    return [_fields(term, term.block in {earlier.block for earlier in terms[:k]}) for k, term in enumerate(terms)]


def linear_kernel(
    slots: Slots, operand_name: str, frame: Frame, product: Product, outputs: int, region: tuple[str, Slots]
) -> str:
    """The module that drives `product` on a prepared map and hands its sums to `region` (its text and slots)."""
    k = Kernel(slots)
    driver = _Driver(k, operand_name, frame, product, outputs, region)
    driver.run()
    return str(k.module)


@dataclass(frozen=True)
class _Block:
    """Where a block of rows begins, and how a micro-kernel comes from one to the next: by a table, or by strides."""

    start: Value
    table: Value
    stride: Value
    block: Value


class _TileRows:
    """Rows for tiles: all places of the prepared map, borders included, at even distances."""

    def __init__(self, k: Kernel, operand: Operand, frame: Frame) -> None:
        self.width, self.height, self.pixel = k.number(frame.width), k.number(frame.height), k.number(operand.pixel)
        self.stride, self.block = k.number(operand.row_bytes), k.number(BLOCK_ROWS * operand.pixel)

    def at(self, position: Value) -> _Block:
        none = self.pixel.out.emit("inttoptr i64 0 to ptr", PTR)
        return _Block(position * self.pixel, none, self.stride, self.block)


class _PlacedRows:
    """Rows for vectors: the places of outputs alone, from a table that goes on behind an image's last output."""

    def __init__(self, k: Kernel, operand: Operand, frame: Frame) -> None:
        self.height, self.width = k.number(frame.output[0]), k.number(frame.output[1])
        self.table, self.image = k.constant(places(operand, frame)), k.number(operand.image)

    def at(self, position: Value) -> _Block:
        outputs, zero = self.height * self.width, position.out.constant(0)
        return _Block(position // outputs * self.image, self.table.at(position % outputs * 8), zero, zero)


def places(operand: Operand, frame: Frame) -> np.ndarray:
    """int64 [outputs + 64]: bytes from an image's first place to that of each output, and to those of the next images."""
    height, width = frame.output
    number = np.arange(height * width + BLOCK_ROWS)
    image, rest = np.divmod(number, height * width)
    return image * operand.image + rest // width * operand.row + rest % width * operand.pixel


def reach(product: Product, frame: Frame) -> int:
    """Bytes behind the prepared map that rows thrown away may read."""
    operand, height, width = product.operand, *frame.output
    if product.uses_tiles:  # less than 64 places behind the last one, whose taps are inside
        return (BLOCK_ROWS + 2 * frame.width) * operand.pixel + STEP
    behind = places(operand, frame)[height * width :][: product.blocks.unit].max() - operand.image
    return int(behind) + max(int(term.offsets.max()) + term.plane for term in product.terms) + STEP


class _Driver:
    """The loops over blocks, and what they read from slots."""

    def __init__(
        self, k: Kernel, operand_name: str, frame: Frame, product: Product, outputs: int, region: tuple[str, Slots]
    ) -> None:
        operand, blocks, terms = product.operand, product.blocks, product.terms
        self.k, self.f, self.product = k, k.f, product
        self.base = k.pointer(Tensor(operand_name))
        self.out_height, self.out_width = k.number(frame.output[0]), k.number(frame.output[1])
        self.rows = _TileRows(k, operand, frame) if product.uses_tiles else _PlacedRows(k, operand, frame)
        self.outputs, self.channels = k.number(outputs), k.number(blocks.channels)
        self.unit, self.units_per_block = k.number(blocks.unit), k.number(blocks.rows // blocks.unit)
        grouped = len(terms[0].offsets) > 1
        self.panels_per_call = k.number(1 if grouped else blocks.channels // PANEL)
        table = _table(terms)
        self.fields, slots = table[0], Slots([filling for fields in table for filling in fields.values()])
        self.terms, self.count = k.pointer(Arguments(slots)), k.number(len(terms))
        self.region, self.region_args = k.pointer(Code(region[0])), k.pointer(Arguments(region[1]))
        self.c_stride = k.number(4 * blocks.channels)
        steps = terms[0].offsets.shape[1]
        chunks = -(-steps // (blocks.steps or steps))
        self.chunks, self.chunk_steps = k.number(chunks), k.number(-(-steps // chunks))
        block = 4 * blocks.channels * -(-blocks.rows // BLOCK_ROWS) * BLOCK_ROWS
        self.c_block, self.c = k.number(block), self._memory(block * (max(term.block for term in terms) + 1))

    def _memory(self, size: int) -> Value:
        """So many bytes of this thread's own."""
        return self.k.pointer(Scratch(size)).at(self.k.thread * self.k.number(size))

    def run(self) -> None:
        """This thread's blocks, rows innermost."""
        k, f = self.k, self.f
        width, height = self.rows.width, self.rows.height
        positions = (k.images - 1) * height * width + (self.out_height - 1) * width + self.out_width
        units = (positions + self.unit - 1) // self.unit
        row_blocks = (units + self.units_per_block - 1) // self.units_per_block
        some, rest = units // row_blocks, units % row_blocks  # units of a block; one more in the first `rest`
        channel_blocks = (self.outputs + self.channels - 1) // self.channels
        first, last = k.share(row_blocks * channel_blocks)
        tile_height = k.f.constant(TILE_ROWS)
        if self.product.uses_tiles:
            tile_height = positions.compare("sle", BLOCK_ROWS).choose(height_for(positions), tile_height)
            configure(tile_height)
        with f.loop(first, last) as task:
            channel, number = task // row_blocks * self.channels, task % row_blocks
            channels = (self.outputs - channel).minimum(self.channels)
            start = (number * some + number.minimum(rest)) * self.unit
            size = some + number.compare("slt", rest).resized(64, signed=False)
            rows = (size * self.unit).minimum(positions - start)
            with f.loop(0, self.chunks) as chunk, f.loop(0, self.count) as term:
                self._sums(term, chunk, start, rows, channel, channels, tile_height)
            self._hand_over(start, rows, channel, channels)
        if self.product.uses_tiles:
            f.intrinsic("llvm.x86.tilerelease", "void")

    def _chunk(self, steps: Value, chunk: Value) -> tuple[Value, Value]:
        """The first step of a chunk, and how many it has."""
        first = chunk * self.chunk_steps
        return first, (steps - first).minimum(self.chunk_steps)

    def _sums(
        self, number: Value, chunk: Value, start: Value, rows: Value, channel: Value, channels: Value, height: Value
    ) -> None:
        """One term's sums for a block over a chunk of steps, added to the earlier ones of its block of sums."""
        place = self.terms.at(number * (8 * len(self.fields)))
        t = {name: filling.load(place.at(8 * k)) for k, (name, filling) in enumerate(self.fields.items())}
        at = self.rows.at(start)
        a, c = self.base.at(at.start).at(t["plane"]), self.c.at(t["block"] * self.c_block)
        panel, panels = channel // PANEL, (channels + (PANEL - 1)) // PANEL
        first, steps = self._chunk(t["steps"], chunk)
        with self.f.loop(0, panels, self.panels_per_call) as p:
            here = (panels - p).minimum(self.panels_per_call)
            offsets = t["offsets"].at((panel + p) * t["offsets_stride"]).at(first * 8)
            weights = t["weights"].at((panel + p) * t["weights_stride"]).at(first * t["step_bytes"])
            self.f.call(
                t["code"], a, at.table, at.stride, at.block, offsets, steps, weights, t["weights_stride"], here, rows,
                c.at(p * (4 * PANEL)), self.c_stride, t["accumulate"] | chunk, t["factor"], height,
            )  # fmt: skip

    def _hand_over(self, start: Value, rows: Value, channel: Value, channels: Value) -> None:
        """Each stretch of outputs in one row of one image goes to the region."""
        f, stop = self.f, start + rows
        width, height = self.rows.width, self.rows.height
        with f.loop(start // width, (stop - 1) // width + 1) as line:
            image, y = line // height, line % height
            begin = (line * width).maximum(start)
            x = begin - line * width
            count = (stop - begin).minimum(self.out_width - x)
            with f.when(count.compare("sgt", 0) & y.compare("slt", self.out_height)):
                sums = self.c.at((begin - start) * self.c_stride)
                f.call(
                    self.region, self.region_args, sums, self.c_stride, self.c_block, image, y, x, count, channel, channels
                )
