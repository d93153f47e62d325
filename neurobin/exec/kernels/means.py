"""Which micro-kernels each back end has, and which of them a layer takes."""

from __future__ import annotations

from dataclasses import dataclass

from neurobin.errors import UnsupportedError
from neurobin.exec.kernels import bytewise, counting
from neurobin.exec.kernels.bit_product import bit_product, words_read
from neurobin.exec.kernels.byte_product import byte_product, bytes_read
from neurobin.exec.kernels.layout import Layout
from neurobin.exec.kernels.linear import Linear, Product
from neurobin.exec.kernels.machine import cpu
from neurobin.exec.kernels.micro import STEP
from neurobin.exec.kernels.multipliers import Multiplier, Tiles, Vectors
from neurobin.exec.kernels.planes import planes_of
from neurobin.ir import DType, Encoding


@dataclass(frozen=True)
class Means:
    """How a back end multiplies bytes, and how it counts bits, of weights of two values or, `masked`, of three: for up to
    `most_planes` pairs of planes, measured on layers of 64 channels as the point where bytes become cheaper."""

    bytes: Multiplier
    bits: counting.Way
    masked: counting.Way
    most_planes: int

    def counts(self, planes: int, words: int = 1, read: float = STEP) -> bool:
        """Whether bits are counted, in so many pairs of planes of each word, rather than so many bytes multiplied."""
        return planes > 0 < self.most_planes and planes * words * STEP <= (self.most_planes + 0.5) * read


# avx2's figure of other CPUs than Zen 4 is half of one measured when bytes were multiplied half as fast.
_MOST_PLANES = {"amx": 0, "avx512": 3, "avx2": 1, "generic": 4}
_MOST_PLANES_OF = {"znver4": {"avx512": 5, "avx2": 3}}


def most_planes(back_end: str, cpu_name: str) -> int:
    """Up to how many pairs of planes a back end counts bits on a CPU, by LLVM's name of it."""
    return _MOST_PLANES_OF.get(cpu_name, {}).get(back_end, _MOST_PLANES[back_end])


_HOW: dict[str, tuple[Multiplier, counting.Way, counting.Way]] = {
    "amx": (Tiles(), counting.PAIRS, counting.WORDS),
    "avx512": (Vectors((bytewise.VNNI, bytewise.MADD512)), counting.PAIRS, counting.WORDS),
    "avx2": (Vectors((bytewise.MADDUBS, bytewise.MADD256)), counting.NIBBLES, counting.NIBBLES),
    "generic": (Vectors((bytewise.PLAIN,)), counting.PLAIN, counting.PLAIN),
}
MEANS = {name: Means(*how, most_planes(name, cpu())) for name, how in _HOW.items()}


def pairs_of_planes(dtype: DType, weight: DType) -> int:
    """Of activations and weights of these types; 0 where they have none or far too many."""
    if dtype.bits > 8 or weight.bits > 8:
        return 0
    return len(planes_of(dtype)) * (1 if weight.encoding is Encoding.TERNARY else len(planes_of(weight)))  # masks are free


def prefers_bits(layer: Linear, layout: Layout, means: Means) -> bool:
    """Whether popcount is the cheaper way for a layer on maps of a layout."""
    planes = pairs_of_planes(layout.dtype, layer.dtype)
    return bool(planes) and means.counts(planes, words_read(layer, layout), bytes_read(layer, layout, means.bytes))


def product(layer: Linear, layout: Layout, means: Means, low: int, high: int) -> Product:
    """The cheaper way, or the other one where that one cannot. Raises UnsupportedError where neither can."""

    def by_bits() -> Product:
        return bit_product(layer, layout, means.bits, means.masked, low, high)

    def by_bytes() -> Product:
        return byte_product(layer, layout, means.bytes, low, high)

    first, second = (by_bits, by_bytes) if prefers_bits(layer, layout, means) else (by_bytes, by_bits)
    try:
        return first()
    except UnsupportedError:
        return second()
