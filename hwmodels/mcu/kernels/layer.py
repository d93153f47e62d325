"""The geometry that all kernels of convolutions and matrix products share, and how both operands are stored.

    words   packed activations and weights of at most 4 bits      xor/and + popcount, plane pair by plane pair
    bits    one side packed, the other an array                   add or skip the array's element as each bit says
    mac     two arrays                                            multiply-accumulate

Weights of one or two planes meet array activations as bits. `expanded`: both sides are arrays after all, whatever the
types would allow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hwmodels.mcu.flash import narrow
from hwmodels.mcu.kernels.site import Site
from hwmodels.mcu.kernels.window import reads
from hwmodels.mcu.layout import PACKED_BITS, WORD_BITS, Layout
from neurobin.ir import Constant, Encoding
from neurobin.ops._window import Window

_POINT = Window((1, 1), (1, 1), (0, 0, 0, 0), (1, 1))


@dataclass(frozen=True)
class Layer:
    """A convolution [O, KH, KW, C/groups] over the site's grid; a matrix product is one over a single pixel."""

    site: Site
    weight: Constant
    window: Window
    groups: int
    pad_value: int
    expanded: bool = False

    @staticmethod
    def of(site: Site, *, expanded: bool = False) -> Layer:
        op = site.op
        if op.weight.values.ndim == 2:
            values = op.weight.values[:, None, None, :]
            return Layer(site, Constant(op.weight.dtype, values), _POINT, 1, 0, expanded)
        return Layer(site, op.weight, op.window, op.groups, op.pad_value, expanded)

    @property
    def source(self) -> Layout:
        return self.site.inputs[0]

    @property
    def result(self) -> Layout:
        return self.site.output

    @property
    def outputs(self) -> int:
        return self.weight.shape[0]

    @property
    def depth(self) -> int:
        """Input channels that one output reads."""
        return self.weight.shape[3]

    @property
    def variant(self) -> str:
        bits = self.weight.dtype.bits
        if self.expanded:
            return "mac"
        if self.source.packed:
            return "words" if bits <= PACKED_BITS else "bits"
        return "bits" if bits <= 2 and self.weight.dtype.encoding is not Encoding.SIGNED else "mac"

    @property
    def share(self) -> int:
        """Outputs per group."""
        return self.outputs // self.groups

    @property
    def along_outputs(self) -> bool:
        """Weight bits are packed along the outputs because the inputs do not fill a word."""
        return self.variant == "bits" and not self.source.packed and self.depth < WORD_BITS

    @property
    def padded(self) -> bool:
        """Padding takes part in the sums."""
        return self.pad_value != 0 and any(self.window.padding)

    @cached_property
    def visits(self) -> int:
        """Pairs of output pixel and window position that the kernel works on."""
        if self.padded:
            return self.result.pixels * self.window.taps
        return reads(self.window, self.source, self.result)

    @property
    def itemsize(self) -> int:
        """Bytes per weight stored in an array."""
        return narrow(self.weight.values).itemsize
