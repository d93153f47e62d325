"""What all micro-kernels share: one signature, one order of weights, one block of sums.

A micro-kernel computes a block of sums C [rows, 16 panels] (int32, `c_stride` bytes between rows, a panel is 16 output
channels = 64 bytes):

    C[r, n] (+)= factor * sum over steps k of dot(A + place(r) + offset[k], B[n // 16, k, :, n % 16])
    place(r) = places[r], or in a tile that begins with row t: places[t] + (r - t) * a_stride

A step reads 64 consecutive bytes of a row, on vectors fewer where that suits the layer (byte products), or one 64-bit word
(bit products). A convolution is a table of offsets, one or more per tap; there is no im2col. Rows beyond the last are
computed and thrown away: what lies behind a map may be read, never used. Byte products know no factor; a kernel that is
alone in its layer takes no notice of `factor` and `accumulate`.
"""

from __future__ import annotations

from neurobin.exec.kernels.emit import I64, PTR, Function, Module, Value
from neurobin.exec.kernels.jit import SYMBOL

STEP = 64  # elements of a row that a step takes, bytes at most, or bits of a word
PANEL = 16  # output channels of a panel
BLOCK_ROWS = 64  # that lie together

PARAMETERS = (
    (PTR, "a"),
    (PTR, "places"),  # int64, of all rows that are computed
    (I64, "a_stride"),
    (PTR, "offsets"),
    (I64, "steps"),
    (PTR, "b"),
    (I64, "b_stride"),  # bytes between panels
    (I64, "panels"),
    (I64, "rows"),
    (PTR, "c"),
    (I64, "c_stride"),
    (I64, "accumulate"),  # 0: C is overwritten
    (I64, "factor"),
    (I64, "height"),  # rows of a tile, as the tile registers are configured
)


class Micro:
    """The parameters of a micro-kernel being written, by name."""

    def __init__(self, module: Module) -> None:
        self.f: Function = module.function(SYMBOL, PARAMETERS)
        self.a, self.places, self.a_stride, self.offsets, self.steps, *others = self.f.parameters
        self.b, self.b_stride, self.panels, self.rows, self.c, self.c_stride, *others = others
        self.accumulate, self.factor, self.height = others

    def offset(self, step: Value) -> Value:
        """Where step `step` begins in a row."""
        return self.offsets.at(step * 8).load(I64, 8)

    def row(self, number: Value) -> Value:
        """The address of row `number` of A."""
        return self.a.at(self.places.at(number * 8).load(I64, 8))

    def place(self, row: Value, panel: Value) -> Value:
        """The address of C [row, 16 panel]."""
        return self.c.at(row * self.c_stride + panel * (4 * PANEL))
