"""Which micro-kernels each back end has, and which of them a layer takes."""

from __future__ import annotations

from dataclasses import dataclass

from neurobin.errors import UnsupportedError
from neurobin.exec.kernels import bytewise, counting
from neurobin.exec.kernels.bit_product import bit_product
from neurobin.exec.kernels.byte_product import byte_product
from neurobin.exec.kernels.layout import Layout
from neurobin.exec.kernels.linear import Linear, Product
from neurobin.exec.kernels.machine import cpu
from neurobin.exec.kernels.multipliers import Multiplier, Tiles, Vectors
from neurobin.exec.kernels.planes import planes_of
from neurobin.ir import DType, Encoding


@dataclass(frozen=True)
class Means:
    """How a back end multiplies bytes, and how it counts bits, of weights of two values or, `masked`, of three: for up to
    `most_planes` pairs of planes, measured as the point where bytes become cheaper."""

    bytes: Multiplier
    bits: counting.Way
    masked: counting.Way
    most_planes: int


_MOST_PLANES = {"amx": 0, "avx512": 3, "avx2": 2, "generic": 4}
_MOST_PLANES_OF = {"znver4": {"avx512": 5, "avx2": 6}}


def most_planes(back_end: str, cpu_name: str) -> int:
    """Up to how many pairs of planes a back end counts bits on a CPU, by LLVM's name of it."""
    return _MOST_PLANES_OF.get(cpu_name, {}).get(back_end, _MOST_PLANES[back_end])


MEANS = {
    "amx": Means(Tiles(), counting.PAIRS, counting.WORDS, most_planes("amx", cpu())),
    "avx512": Means(Vectors(bytewise.MADD512, bytewise.VNNI), counting.PAIRS, counting.WORDS, most_planes("avx512", cpu())),
    "avx2": Means(Vectors(bytewise.MADD256), counting.NIBBLES, counting.NIBBLES, most_planes("avx2", cpu())),
    "generic": Means(Vectors(bytewise.PLAIN), counting.PLAIN, counting.PLAIN, most_planes("generic", cpu())),
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
