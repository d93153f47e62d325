"""`Conversion`: one network on its way to a graph. Rules read the tensors of a call by place, and write nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.keras.model import Call, Tensor
from neurobin.frontend.keras.weights import Weights
from neurobin.frontend.limits import Limits, Spent
from neurobin.frontend.onnx.convert.conversion import alike, real
from neurobin.frontend.onnx.convert.staircase import HALVINGS
from neurobin.frontend.onnx.convert.values import BATCH, Flow, per_channel
from neurobin.frontend.onnx.evaluate import CALL
from neurobin.ir import Builder, Op
from neurobin.ops._window import Window
from neurobin.ops.affine import Affine
from neurobin.ops.flatten import Flatten
from neurobin.ops.reshape import Reshape


@dataclass
class Conversion:
    """The graph so far, and what every tensor of the network is called in it."""

    builder: Builder
    limits: Limits
    weights: Weights
    output: Tensor
    ending: frozenset[Tensor]  # tensors of which nothing but another shape of them is the network's output
    names: dict[Tensor, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    quantizers: dict[tuple[object, ...], tuple[Op, ...]] = field(default_factory=dict)  # found already
    spent: Spent = field(default_factory=lambda: Spent(work=0))

    def shape(self, name: str) -> tuple[int, ...]:
        return self.builder.types[name].shape

    def inputs(self, call: Call, least: int = 1, most: int | None = None) -> list[str]:
        """The tensors that a call reads, as it names them by place. Raises FormatError for more or fewer."""
        found = [self.names[one] for one in call.operands if isinstance(one, Tensor)]
        if len(found) != len(call.operands) or not least <= len(found) <= (most or len(found)):
            raise call.layer.refuse(f"reads {len(call.operands)} tensors and constants, expected {most or least} tensors")
        return found

    def input(self, call: Call) -> str:
        """The one tensor that a call reads."""
        return self.inputs(call, 1, 1)[0]

    def map(self, call: Call) -> str:
        """The one tensor that a call reads, which is a map [H, W, C]. Raises UnsupportedError for other data formats."""
        layer, name = call.layer, self.input(call)
        if layer.text("data_format", "channels_last") != "channels_last":
            raise layer.unsupported("has its channels first, expected channels_last")
        if len(self.shape(name)) != 3:
            raise layer.refuse(f"reads shape {[None, *self.shape(name)]}, expected [null, H, W, C]")
        return name

    def weight(self, call: Call, role: str, shape: Sequence[int]) -> np.ndarray:
        """A weight of the call's layer, float32. Raises FormatError for another shape than this."""
        values = self.weights[call.layer.path][role]
        if values.shape != tuple(shape):
            raise call.layer.refuse(f"its {role} has shape {list(values.shape)}, expected {list(shape)}")
        self.limits.check("constant_elements", values.size, f"the number of elements of its {role}", call.layer.where)
        self.spent.held += 12 * values.size  # in float32 as it was read, and in the graph
        self.limits.check("total_bytes", self.spent.held, "what the weights take in memory", call.layer.where)
        return values

    def add(self, op: Op, *sources: str) -> str:
        """Append `op`. Raises FormatError where the graph becomes too large, or a map in it."""
        name = self.builder.add(op, *sources)
        sizes, where = self.shape(name), f"node {name!r}"
        self.limits.check("nodes", len(self.builder.nodes), "the number of nodes", where)
        self.limits.check("map_elements", prod(sizes), f"the number of elements in shape {list(sizes)}", where)
        return name

    def count(self, call: Call, products: int) -> None:
        """Counts what a layer multiplies for one image. Raises FormatError where the network takes too many."""
        self.spent.products += products
        self.limits.check("products", self.spent.products, "the number of products for one image", call.layer.where)

    def slide(self, call: Call, window: Window, x: str) -> None:
        """Counts what a pool compares or adds for one image. Raises FormatError as `count` and `pad` do."""
        self.pad(call, window.padding, x)
        places = prod(window.output(self.shape(x)))
        self.count(call, places * window.taps * self.shape(x)[-1])

    def pad(self, call: Call, padding: tuple[int, int, int, int], x: str) -> None:
        """Raises FormatError where a map becomes too large by its padding."""
        (height, width, channels), (top, left, bottom, right) = self.shape(x), padding
        wide = (top + height + bottom) * (left + width + right) * channels
        self.limits.check("map_elements", wide, "the number of elements of the padded map", call.layer.where)

    def search(self, call: Call) -> None:
        """Counts what it takes to find the thresholds of one quantizer: a call for each halving of the float32 numbers."""
        self.spent.work = (self.spent.work or 0) + HALVINGS * CALL
        self.limits.check("work", self.spent.work, "the number of elements computed", call.layer.where)

    def affine(self, x: str, scale: float | np.ndarray = 1.0, bias: float | np.ndarray = 0.0) -> str:
        """scale * x + bias, nothing where that is x; one number each, or one per channel."""
        scales, biases = np.atleast_1d(scale).astype(np.float64), np.atleast_1d(bias).astype(np.float64)
        if (scales == 1).all() and not biases.any():
            return x
        return self.add(Affine(real(alike(scales)), real(alike(biases))), x)

    def as_real(self, x: str) -> str:
        """Whole numbers, such as signs, as real ones."""
        return x if self.builder.types[x].dtype.is_float else self.add(Affine(), x)

    def shaped(self, call: Call, x: str, sizes: Sequence[int]) -> str:
        """The same elements in another shape. Raises FormatError when there are more or fewer."""
        if tuple(sizes) == self.shape(x):
            return x
        if any(size < 1 for size in sizes) or prod(sizes) != prod(self.shape(x)) or len(sizes) > self.limits.axes:
            raise call.layer.refuse(f"shape {list(sizes)[:8]} for the elements of {list(self.shape(x))}")
        return self.add(Flatten() if len(sizes) == 1 else Reshape(tuple(sizes)), x)

    def constant(self, call: Call, value: object, x: str) -> np.ndarray:
        """A constant operand beside a tensor: float64 [C] or [1]. Raises UnsupportedError where it varies over places."""
        try:
            values = np.array(value, dtype=np.float32)
        except (ValueError, TypeError, OverflowError):
            raise call.layer.refuse("a constant that is no array of numbers") from None
        if not np.isfinite(values).all() or not values.size:
            raise call.layer.refuse("a constant that is not finite, or empty")
        sizes = self.shape(x)
        return per_channel(values, Flow(x, (BATCH, *range(len(sizes))), sizes), call.layer.where)

    def end(self, call: Call, x: str, what: str) -> str:
        """x, which is ranked as `what` of it is. Raises UnsupportedError where something reads the result."""
        if call.made not in self.ending:
            raise UnsupportedError(f"{what}, and something is computed with it", where=call.layer.where)
        if call.made != self.output and prod(self.shape(x)[:-1]) > 1:
            raise UnsupportedError(f"{what} of each place of a map, which are ranked together", where=call.layer.where)
        self.left_out.append(what)
        return x
