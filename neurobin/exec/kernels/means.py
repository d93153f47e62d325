"""Which micro-kernels each back end has, and which of them a layer takes."""

from __future__ import annotations

from dataclasses import dataclass

from neurobin.errors import UnsupportedError
from neurobin.exec.kernels import bitwise, bytewise
from neurobin.exec.kernels.bit_product import bit_product
from neurobin.exec.kernels.byte_product import byte_product
from neurobin.exec.kernels.layout import Layout
from neurobin.exec.kernels.linear import Linear, Product
from neurobin.exec.kernels.multipliers import Multiplier, Tiles, Vectors
from neurobin.exec.kernels.planes import planes_of
from neurobin.ir import DType, Encoding


@dataclass(frozen=True)
class Means:
    """How a back end multiplies bytes, and how it counts bits, of weights of two values or, `masked`, of three: for up to
    `most_planes` pairs of planes, measured as the point where bytes become cheaper."""

    bytes: Multiplier
    bits: bitwise.Way
    masked: bitwise.Way
    most_planes: int


MEANS = {
    "amx": Means(Tiles(), bitwise.PAIRS, bitwise.WORDS, 0),
    "avx512": Means(Vectors(bytewise.MADD512, bytewise.VNNI), bitwise.PAIRS, bitwise.WORDS, 3),
    "avx2": Means(Vectors(bytewise.MADD256), bitwise.NIBBLES, bitwise.NIBBLES, 2),
    "generic": Means(Vectors(bytewise.PLAIN), bitwise.PLAIN, bitwise.PLAIN, 4),
}


def prefers_bits(dtype: DType, weight: DType, means: Means) -> bool:
    """Whether popcount is the cheaper way for activations and weights of these types."""
    if dtype.bits > 8 or weight.bits > 8:
        return False
    factors = 1 if weight.encoding is Encoding.TERNARY else len(planes_of(weight))  # a mask costs nothing
    pairs = len(planes_of(dtype)) * factors
    return 0 < pairs <= means.most_planes


def product(layer: Linear, layout: Layout, means: Means, low: int, high: int) -> Product:
    """The cheaper way, or the other one where that one cannot. Raises UnsupportedError where neither can."""

    def by_bits() -> Product:
        return bit_product(layer, layout, means.bits, means.masked, low, high)

    def by_bytes() -> Product:
        return byte_product(layer, layout, means.bytes, low, high)

    first, second = (by_bits, by_bytes) if prefers_bits(layout.dtype, layer.dtype, means) else (by_bytes, by_bits)
    try:
        return first()
    except UnsupportedError:
        return second()
