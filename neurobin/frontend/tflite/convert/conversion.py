"""`Conversion`: one model on its way to a graph. Rules read tensors by operand and write nodes; all values are real numbers.

A tensor of an integer type stands in the graph as what it means, scale * (stored - zero point): codes of the type that holds
stored - zero point, behind thresholds, times the scale. So rules need not know which tensors are quantized.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.limits import Limits
from neurobin.frontend.onnx.convert.conversion import alike, real
from neurobin.frontend.onnx.convert.staircase import HALVINGS, MAX_LEVELS, Function
from neurobin.frontend.onnx.convert.values import BATCH, Codes, Fixed, Flow
from neurobin.frontend.onnx.evaluate import CALL
from neurobin.frontend.onnx.sane import check_numbers
from neurobin.frontend.tflite.model import Model, Operator, Tensor
from neurobin.ir import BIPOLAR, Builder, Op, int_for
from neurobin.ops.affine import Affine
from neurobin.ops.flatten import Flatten
from neurobin.ops.reshape import Reshape

WORD = 32  # bits in one element of a tensor of bits
_SEARCH_BYTES = 100 * MAX_LEVELS  # of a channel, while its levels are found


@dataclass(frozen=True)
class Step:
    """An operator on single real numbers of the tensor `source`, computed in float32."""

    operator: Operator
    source: int
    function: Function
    varies: bool  # with the channel
    rounds: bool  # to few results


@dataclass(frozen=True)
class Padded:
    """`inner` between so many channels of zeros."""

    inner: Flow
    before: int
    after: int


@dataclass
class Conversion:
    """The graph so far, and what every tensor of the model has become.

    `realise` writes what waits for a reader: see `chains`.
    """

    model: Model
    builder: Builder
    limits: Limits
    batch: int
    realise: Callable[[Conversion, tuple[Step, ...]], Flow]
    names: dict[int, str] = field(default_factory=dict)  # of computed tensors, in the graph
    chains: dict[int, tuple[Step, ...]] = field(default_factory=dict)  # operators on single numbers up to a tensor
    padded: dict[str, Padded] = field(default_factory=dict)  # tensors of the graph that channels of zeros stand around
    folded: dict[int, Fixed] = field(default_factory=dict)  # quantized constants that the file makes real
    constants: dict[int, np.ndarray] = field(default_factory=dict)  # others made of constants, as tensors are stored
    readers: Counter[int] = field(default_factory=Counter)  # of each tensor, that are still to come
    held_bytes: int = 0
    work: int = 0

    def tensor(self, operator: Operator, index: int) -> Tensor:
        """An operand. Raises FormatError where it is left out."""
        number = operator.input(index)
        if number < 0:
            raise operator.refuse(f"input {index} is missing")
        return self.model.tensors[number]

    def is_constant(self, operator: Operator, index: int) -> bool:
        """True for an operand whose values are known."""
        number = operator.input(index)
        return number >= 0 and self._holds(number)

    def _holds(self, number: int) -> bool:
        return number in self.folded or number in self.constants or self.model.tensors[number].data is not None

    def is_known(self, number: int) -> bool:
        """True for a tensor that is a constant, or is or will be one of the graph: not behind an operator with a problem."""
        return number in self.names or number in self.chains or self._holds(number)

    def name(self, number: int) -> str | None:
        """A computed tensor's name in the graph, None for a constant; what waits is written now.

        Raises UnsupportedError, for its first reader only, where it cannot be written.
        """
        if number not in self.names and number in self.chains:
            reader = self.builder.prefix
            self.names[number] = self.realise(self, self.chains.pop(number)).name
            self.builder.prefix = reader
        return self.names.get(number)

    def flow(self, operator: Operator, index: int, bits: bool = False) -> Flow:
        """A computed operand: real numbers, or with `bits` one of LCE's tensors of bits, which stand in the graph as -1, +1.

        Raises UnsupportedError for a constant, FormatError for bits where numbers are expected and the other way round.
        """
        tensor = self.tensor(operator, index)
        name = self.name(tensor.index)
        if name is None:
            raise UnsupportedError(f"{tensor.where} is a constant, expected a computed tensor", where=operator.where)
        flow = self.seen(name)
        if bits != (tensor.kind == np.dtype("<i4")):
            expected = "bits in int32" if bits else "real or 8-bit numbers"
            raise operator.refuse(f"{tensor.where} is of type {tensor.kind.name}, expected {expected}")
        return flow

    def map(self, operator: Operator, index: int, bits: bool = False) -> Flow:
        """A computed operand that is a map [N, H, W, C]."""
        flow = self.flow(operator, index, bits)
        if len(flow.sizes) != 3:
            raise operator.refuse(f"input {index} has shape {list(flow.shape)}, expected [N, H, W, C]")
        return flow

    def seen(self, name: str) -> Flow:
        """A tensor of the graph, with the batch in front as TensorFlow Lite has it."""
        sizes = self.builder.types[name].shape
        return Flow(name, (BATCH, *range(len(sizes))), sizes, self.batch)

    def fixed(self, operator: Operator, index: int) -> Fixed:
        """A constant operand as real numbers, with codes and scale where it is quantized.

        Raises UnsupportedError for a computed one, FormatError for a number that is none and where it is left out.
        """
        tensor = self.tensor(operator, index)
        if tensor.index in self.folded:
            return self.folded[tensor.index]
        values = self.data(operator, index)
        self.limits.check("constant_elements", values.size, "the number of its elements", tensor.where)
        self.hold((16 if values.dtype.kind == "f" else 24) * values.size, tensor)
        if values.dtype.kind == "f":
            check_numbers(values, tensor.where)
            return Fixed(values.astype(np.float64))
        if values.dtype.kind not in "iu" or values.dtype.itemsize > 4 or tensor.quantization is None:
            what = f"{tensor.where} is of type {tensor.kind.name}, expected float32, or up to 32 bits with a scale"
            raise UnsupportedError(what, where=operator.where)
        along = [1] * values.ndim
        if len(tensor.quantization.scale) > 1:
            along[tensor.quantization.axis] = -1
        scale, zero = (part.reshape(along) for part in (tensor.quantization.scale, tensor.quantization.zero_point))
        codes = values.astype(np.int64) - zero
        kind = int_for(int(codes.min(initial=0)), int(codes.max(initial=0)))
        return Fixed(codes * scale, Codes(codes, scale, kind))

    def data(self, operator: Operator, index: int) -> np.ndarray:
        """A constant operand as it is stored. Raises UnsupportedError for a computed one."""
        tensor = self.tensor(operator, index)
        values = tensor.data if tensor.data is not None else self.constants.get(tensor.index)
        if values is None and tensor.index in self.folded:
            return self.folded[tensor.index].values.astype("<f4")
        if values is None:
            raise UnsupportedError(f"{tensor.where} is computed from the image, expected a constant", where=operator.where)
        return values

    def numbers(self, operator: Operator, index: int) -> list[int]:
        """A constant operand of whole numbers: axes, sizes, paddings. Raises FormatError for other types."""
        values = self.data(operator, index)
        if values.dtype.kind not in "iu":
            raise self.tensor(operator, index).refuse(f"is of type {values.dtype.name}, expected whole numbers")
        self.limits.check("list_length", values.size, "the number of its elements", operator.where)
        return [int(value) for value in values.reshape(-1)]

    def bits(self, operator: Operator, index: int, channels: int) -> np.ndarray:
        """A constant operand of bits, as `unpack`."""
        tensor, words = self.tensor(operator, index), self.data(operator, index)
        self.limits.check("constant_elements", WORD * words.size, "the number of its bits", tensor.where)
        self.hold(9 * WORD * words.size, tensor)
        return unpack(words, channels, tensor)

    def hold(self, count: int, tensor: Tensor) -> None:
        """Counts the bytes that constants take while they are converted: many operators may read the same ones."""
        self.held_bytes += count
        self.limits.check("total_bytes", self.held_bytes, "what the constants take in memory", tensor.where)

    def search(self, channels: int, tensor: Tensor, operators: int = 1) -> None:
        """Counts what it takes to find the thresholds of a tensor, per channel and halving a number for each level."""
        what = f"what thresholds of {channels} channels take"
        self.limits.check("total_bytes", _SEARCH_BYTES * channels, what, tensor.where)
        self.hold(8 * MAX_LEVELS * channels, tensor)
        self.compute(HALVINGS * (MAX_LEVELS * channels + CALL) * operators, tensor)

    def compute(self, count: int, tensor: Tensor) -> None:
        """Counts elements that are computed: of constants, and to find thresholds."""
        self.work += count
        self.limits.check("work", self.work, "the number of elements computed", tensor.where)

    def add(self, op: Op, source: Flow, *others: Flow) -> Flow:
        """Append `op`. Raises FormatError where the graph becomes too large, or a map in it."""
        name = self.builder.add(op, source.name, *(other.name for other in others))
        sizes, where = self.builder.types[name].shape, f"node {name!r}"
        self.limits.check("nodes", len(self.builder.nodes), "the number of nodes", where)
        self.limits.check("map_elements", prod(sizes), f"the number of elements in shape {list(sizes)}", where)
        return self.seen(name)

    def affine(self, flow: Flow, scale: float | np.ndarray = 1.0, bias: float | np.ndarray = 0.0) -> Flow:
        """scale * flow + bias, nothing where that is the flow; one number each, or one per channel."""
        scales, biases = np.atleast_1d(scale).astype(np.float64), np.atleast_1d(bias).astype(np.float64)
        if (scales == 1).all() and not biases.any():
            return flow
        return self.add(Affine(real(alike(scales)), real(alike(biases))), flow)

    def shaped(self, operator: Operator, flow: Flow, sizes: Sequence[int]) -> Flow:
        """The same elements in another shape. Raises FormatError when there are more or fewer."""
        if tuple(sizes) == flow.sizes:
            return flow
        if any(size < 1 for size in sizes) or int(np.prod(sizes, dtype=object)) != int(np.prod(flow.sizes, dtype=object)):
            raise operator.refuse(f"shape {[self.batch, *sizes]} for the elements of {list(flow.shape)}")
        return self.add(Flatten() if len(sizes) == 1 else Reshape(tuple(int(size) for size in sizes)), flow)

    def is_bits(self, flow: Flow) -> bool:
        """True for a tensor of the graph that holds -1 and +1 only."""
        return self.builder.types[flow.name].dtype == BIPOLAR


def pack(negative: np.ndarray) -> np.ndarray:
    """bool [..., C] -> int32 [..., words]: bit j of word w is channel 32 w + j, lowest first; bits behind the last are 0."""
    bits = np.packbits(negative, axis=-1, bitorder="little")
    missing = -bits.shape[-1] % (WORD // 8)
    bits = np.pad(bits, [(0, 0)] * (bits.ndim - 1) + [(0, missing)])
    return np.ascontiguousarray(bits).view("<i4")


def unpack(words: np.ndarray, channels: int, tensor: Tensor) -> np.ndarray:
    """int32 [..., words] of a tensor -> int8 [..., channels] of +1 where the bit is 0, else -1.

    Raises FormatError where bits behind the last channel are not 0 (LCE would count them as differences), and for other
    types and numbers of words.
    """
    if words.dtype != np.dtype("<i4") or words.ndim < 1 or words.shape[-1] != -(-channels // WORD):
        raise tensor.refuse(f"{words.dtype.name}{list(words.shape)} does not hold bits of {channels} channels")
    unpacked = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=-1, bitorder="little")
    if unpacked[..., channels:].any():
        raise tensor.refuse(f"has bits behind its last channel {channels - 1}")
    return (1 - 2 * unpacked[..., :channels].astype(np.int8)).astype(np.int8)


def stored_shape(flow: Flow, tensor: Tensor) -> tuple[int, ...]:
    """The shape a file states for a flow that is stored in that tensor: bits stand 32 to an element."""
    if tensor.kind != np.dtype("<i4"):
        return flow.shape
    return (*flow.shape[:-1], -(-flow.channels // WORD))
