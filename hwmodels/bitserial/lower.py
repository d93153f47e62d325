"""From a convolution or matrix product to integer GEMMs of codes and an exact correction of their results.

With x = m (s c - o) and w = s' c' - o' (`coding`; m = 0 at zero-padded taps of bipolar maps, where the code is 0 as well):

    AND   sum x w = s s' sum c c'  -  s o' sum c  -  o sum_m w       XNOR   sum x w = 2 acc - K o o' + o sum_(m = 0) w

The array computes sum c c', or acc = sum 2^(i+j) pc(xnor) for two bipolar operands on an XNOR chip. `sum c` does not depend
on the filter: one more filter of ones makes the array compute it too, as one more row of weights. The last terms are
constants per border class and filter. The vector unit applies both corrections; no plane is added for +-1 or padding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hwmodels.bitserial.chip import BitSerialChip
from hwmodels.bitserial.coding import Coding, coding
from neurobin.ir import Constant, Graph, Node
from neurobin.ops.bit_conv2d import BitConv2d
from neurobin.ops.int_conv2d import IntConv2d


@dataclass(frozen=True)
class Geometry:
    """A convolution's window; a matrix product is the 1x1 window of a 1x1 map."""

    height: int
    width: int
    channels: int
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    pad_value: int = 0

    @cached_property
    def addresses(self) -> np.ndarray:
        """int64 [P, T]: the pixel that tap t of output position p reads; height * width stands for padding."""
        rows, columns = (self._taps(axis) for axis in (0, 1))
        inside = self._inside(0)[:, None, :, None] & self._inside(1)[None, :, None, :]
        pixel = rows[:, None, :, None] * self.width + columns[None, :, None, :]
        taps = self.kernel[0] * self.kernel[1]
        return np.where(inside, pixel, self.height * self.width).reshape(-1, taps)

    def _taps(self, axis: int) -> np.ndarray:
        """int64 [outputs, kernel]: the coordinate each tap of each output reads along one axis."""
        size = (self.height, self.width)[axis]
        before, after = self.padding[axis], self.padding[axis + 2]
        reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1
        outputs = (size + before + after - reach) // self.stride[axis] + 1
        starts = np.arange(outputs) * self.stride[axis] - before
        return starts[:, None] + np.arange(self.kernel[axis]) * self.dilation[axis]

    def _inside(self, axis: int) -> np.ndarray:
        """bool [outputs, kernel]: the tap lies on the map along one axis."""
        taps = self._taps(axis)
        return (taps >= 0) & (taps < (self.height, self.width)[axis])

    @property
    def positions(self) -> int:
        return len(self._taps(0)) * len(self._taps(1))

    @property
    def border_classes(self) -> int:
        """Positions differ by which of their taps lie on the map, row by row and column by column."""
        rows, columns = ({line.tobytes() for line in self._inside(axis)} for axis in (0, 1))
        return len(rows) * len(columns)

    @property
    def valid(self) -> np.ndarray:
        """bool [P, T]: the tap lies on the map."""
        return self.addresses < self.height * self.width


@dataclass(frozen=True, eq=False)
class Layer:
    """One node as `groups` products of `positions` x `depth` x `rows` codes.

    Result: scale * acc - ones_scale * (acc of the filter of ones) + table[position, filter].
    """

    node: str
    geometry: Geometry
    activation: Coding
    weight: Coding
    xnor: bool
    values: np.ndarray  # the weight as it is in the graph, filters first

    @property
    def groups(self) -> int:
        return self.geometry.groups

    @property
    def positions(self) -> int:
        """Outputs per filter and image."""
        return self.geometry.positions

    @property
    def depth(self) -> int:
        """K: weights of one filter."""
        return self.values.size // len(self.values)

    @property
    def filters(self) -> int:
        """Filters per group, without the filter of ones."""
        return len(self.values) // self.groups

    @property
    def ones(self) -> bool:
        """The array also sums the activation codes, with a filter of ones."""
        return self.weight.bipolar and not self.xnor

    @property
    def rows(self) -> int:
        """Filters per group, with the filter of ones."""
        return self.filters + int(self.ones)

    @cached_property
    def codes(self) -> np.ndarray:
        """uint8 [groups, rows, depth]: weight codes, the filter of ones last."""
        codes = self.weight.codes(self.values).reshape(self.groups, self.filters, self.depth)
        return np.concatenate([codes, np.ones((self.groups, int(self.ones), self.depth), np.uint8)], axis=1)

    @property
    def scale(self) -> int:
        return 2 if self.xnor else self.activation.scale * self.weight.scale

    @property
    def ones_scale(self) -> int:
        return self.activation.scale * self.weight.offset if self.ones else 0

    @property
    def corrected(self) -> bool:
        """A constant is added per border class and filter."""
        return self.activation.bipolar

    @property
    def masked(self) -> bool:
        """Taps outside the map have no code: they hold code 0 and the constants repair it."""
        return self.activation.bipolar and self.geometry.pad_value == 0

    @property
    def border_classes(self) -> int:
        """How many different rows the constants have."""
        return self.geometry.border_classes if self.masked else 1

    @cached_property
    def table(self) -> np.ndarray:
        """int64 [P or 1, groups * filters]: AND -o sum_m w, XNOR -K o o' + o sum_(m = 0) w; 0 if activations have a 0."""
        g, o = self.geometry, self.activation.offset
        per_tap = self.values.astype(np.int64).reshape(len(self.values), g.kernel[0] * g.kernel[1], -1).sum(axis=2)
        valid = g.valid if self.masked else np.ones((1, per_tap.shape[1]), bool)
        if self.xnor:
            return o * (~valid @ per_tap.T - self.depth * self.weight.offset)
        return -o * (valid @ per_tap.T)

    def operand(self, maps: np.ndarray, group: int) -> np.ndarray:
        """uint8 codes [B * P, depth] of one group, gathered by address from `maps` int64 [B, ...] (im2col)."""
        g = self.geometry
        share = g.channels // g.groups
        codes = self.activation.codes(maps).reshape(len(maps), g.height * g.width, g.channels)
        codes = codes[..., group * share : (group + 1) * share]
        fill = np.uint8(0) if self.masked else self.activation.codes(np.array(g.pad_value))
        padded = np.concatenate([codes, np.full((len(maps), 1, share), fill, np.uint8)], axis=1)
        return padded[:, g.addresses].reshape(len(maps) * self.positions, self.depth)

    def correct(self, sums: np.ndarray) -> np.ndarray:
        """int64 [B, P, groups * filters] from the array's sums int64 [groups, B * P, rows]."""
        filters = sums[..., : self.filters] * self.scale
        if self.ones:
            filters = filters - self.ones_scale * sums[..., self.filters :]
        joined = np.moveaxis(filters, 0, 1).reshape(-1, self.positions, self.groups * self.filters)
        return joined + self.table


def _convolution(op: BitConv2d | IntConv2d, shape: tuple[int, ...]) -> Geometry:
    return Geometry(
        height=shape[0],
        width=shape[1],
        channels=shape[2],
        kernel=(op.weight.shape[1], op.weight.shape[2]),
        stride=op.stride,
        padding=op.padding,
        dilation=op.dilation,
        groups=op.groups,
        pad_value=op.pad_value,
    )


def _dense(_: object, shape: tuple[int, ...]) -> Geometry:
    return Geometry(1, 1, shape[0])


PRODUCTS: dict[str, Callable[..., Geometry]] = {
    "bit_conv2d": _convolution,
    "int_conv2d": _convolution,
    "bit_dense": _dense,
    "int_dense": _dense,
}


def operand_issues(chip: BitSerialChip, graph: Graph, node: Node) -> list[str]:
    """Why the array cannot take this node's operands; empty when it can."""
    most = int(chip.array.max_operand.value)
    widths = {
        "activations": coding(graph.types[node.inputs[0]].dtype).bits,
        "weights": coding(weight_of(node).dtype).bits,
    }
    return [f"{bits}-bit {what}: the array takes at most {most} bits" for what, bits in widths.items() if bits > most]


def weight_of(node: Node) -> Constant:
    """The weight of a convolution or matrix product."""
    return node.op.constants()["weight"]


def lower(chip: BitSerialChip, graph: Graph, node: Node) -> Layer:
    """The node as GEMMs. Its operands must have passed `operand_issues`."""
    source, weight = graph.types[node.inputs[0]], weight_of(node)
    geometry = PRODUCTS[node.op.name](node.op, source.shape)
    x, w = coding(source.dtype), coding(weight.dtype)
    xnor = chip.dpu == "xnor" and x.bipolar and w.bipolar
    return Layer(node.name, geometry, x, w, xnor, weight.values)
