"""The kernel of a linear layer: blocks of sums by micro-kernels, each followed by the element-wise region behind it.

Blocks of channels times blocks of rows are shared among threads, rows innermost, whose weights come from a near cache. Sums
reach the region run by run, each a part of one line of outputs; those of borders, where tiles compute them as well, do not.
A line is a row of the map, or all of it where the region's maps have no gaps between rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from neurobin.exec.kernels.emit import Value
from neurobin.exec.kernels.geometry import Frame
from neurobin.exec.kernels.linear import Product, Term
from neurobin.exec.kernels.micro import BLOCK_ROWS, PANEL, STEP
from neurobin.exec.kernels.parts import Kernel
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
    slots: Slots,
    operand_name: str,
    frame: Frame,
    product: Product,
    outputs: int,
    region: tuple[str, Slots],
    gapless: bool,
) -> str:
    """The module that drives `product` on a prepared map and hands its sums to `region` (its text and slots), whose maps
    may be `gapless`."""
    k = Kernel(slots)
    joins = gapless and product.grid == frame.output
    lines = _Lines(*((1, prod(product.grid)),) * 2) if joins else _Lines(product.grid, frame.output)
    _Driver(k, operand_name, lines, product, outputs, region).run()
    return str(k.module)


def places(product: Product) -> np.ndarray:
    """int64: bytes from an image's first place to each row of its grid, and to as many rows of the next images as a block,
    or the rows thrown away behind it, may have. 64 rows of a blocked operand lie together."""
    operand, (height, width) = product.operand, product.grid
    number = np.arange(height * width + product.blocks.rows + BLOCK_ROWS)
    if operand.blocked:
        return number // BLOCK_ROWS * (BLOCK_ROWS * operand.image) + number % BLOCK_ROWS * operand.row_bytes
    image, rest = np.divmod(number, height * width)
    return image * operand.image + rest // width * operand.row + rest % width * operand.pixel


def reach(product: Product) -> int:
    """Bytes behind the prepared map that rows thrown away may read."""
    operand, (height, width) = product.operand, product.grid
    furthest = max(int(term.offsets.max()) + term.plane for term in product.terms) + STEP
    if product.blocks.tile_rows:  # those of a tile follow its first, which is an output or a place before one
        return TILE_ROWS * operand.row_bytes + furthest
    return int(places(product)[height * width :][: product.blocks.unit].max()) - operand.image + furthest


@dataclass(frozen=True)
class _Lines:
    """How many lines an image has, and how many rows of the product a line: all `places`, and those that are `outputs`."""

    places: tuple[int, int]
    outputs: tuple[int, int]


class _Driver:
    """The loops over blocks, and what they read from slots."""

    def __init__(
        self,
        k: Kernel,
        operand_name: str,
        lines: _Lines,
        product: Product,
        outputs: int,
        region: tuple[str, Slots],
    ) -> None:
        operand, blocks, terms = product.operand, product.blocks, product.terms
        self.k, self.f, self.product = k, k.f, product
        self.base = k.pointer(Tensor(operand_name))
        self.out_height, self.out_width = k.number(lines.outputs[0]), k.number(lines.outputs[1])
        self.height, self.width = k.number(lines.places[0]), k.number(lines.places[1])
        self.places, self.image = k.constant(places(product)), k.number(operand.image)
        self.row_bytes = k.number(operand.row_bytes)
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
        positions = (k.images - 1) * self.height * self.width + (self.out_height - 1) * self.width + self.out_width
        units = (positions + self.unit - 1) // self.unit
        row_blocks = (units + self.units_per_block - 1) // self.units_per_block
        some, rest = units // row_blocks, units % row_blocks  # units of a block; one more in the first `rest`
        channel_blocks = (self.outputs + self.channels - 1) // self.channels
        first, last = k.share(row_blocks * channel_blocks)
        tile_rows = k.number(self.product.blocks.tile_rows)
        if self.product.blocks.tile_rows:
            few = positions.compare("sle", BLOCK_ROWS) & tile_rows.compare("eq", TILE_ROWS)
            tile_rows = few.choose(height_for(positions), tile_rows)
            configure(tile_rows)
        with f.loop(first, last) as task:
            channel, number = task // row_blocks * self.channels, task % row_blocks
            channels = (self.outputs - channel).minimum(self.channels)
            start = (number * some + number.minimum(rest)) * self.unit
            size = some + number.compare("slt", rest).resized(64, signed=False)
            rows = (size * self.unit).minimum(positions - start)
            with f.loop(0, self.chunks) as chunk, f.loop(0, self.count) as term:
                self._sums(term, chunk, start, rows, channel, channels, tile_rows)
            self._hand_over(start, rows, channel, channels)
        if self.product.blocks.tile_rows:
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
        per_image = self.height * self.width
        a, rows_at = self.base.at(start // per_image * self.image).at(t["plane"]), self.places.at(start % per_image * 8)
        c = self.c.at(t["block"] * self.c_block)
        panel, panels = channel // PANEL, (channels + (PANEL - 1)) // PANEL
        first, steps = self._chunk(t["steps"], chunk)
        with self.f.loop(0, panels, self.panels_per_call) as p:
            here = (panels - p).minimum(self.panels_per_call)
            offsets = t["offsets"].at((panel + p) * t["offsets_stride"]).at(first * 8)
            weights = t["weights"].at((panel + p) * t["weights_stride"]).at(first * t["step_bytes"])
            self.f.call(
                t["code"], a, rows_at, self.row_bytes, offsets, steps, weights, t["weights_stride"], here, rows,
                c.at(p * (4 * PANEL)), self.c_stride, t["accumulate"] | chunk, t["factor"], height,
            )  # fmt: skip

    def _hand_over(self, start: Value, rows: Value, channel: Value, channels: Value) -> None:
        """Each stretch of outputs in one line of one image goes to the region, or all of them where an image has one."""
        f, stop = self.f, start + rows
        if self.product.grid == (1, 1):
            zero = f.constant(0)
            self._region(self.c, start, zero, zero, rows, channel, channels)
            return
        with f.loop(start // self.width, (stop - 1) // self.width + 1) as line:
            image, y = line // self.height, line % self.height
            begin = (line * self.width).maximum(start)
            x = begin - line * self.width
            count = (stop - begin).minimum(self.out_width - x)
            with f.when(count.compare("sgt", 0) & y.compare("slt", self.out_height)):
                sums = self.c.at((begin - start) * self.c_stride)
                self._region(sums, image, y, x, count, channel, channels)

    def _region(self, sums: Value, *place: Value) -> None:
        self.f.call(self.region, self.region_args, sums, self.c_stride, self.c_block, *place)
