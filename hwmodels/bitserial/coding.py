"""How an element type becomes bits of an operand: value = scale * code - offset, code unsigned or two's complement.

    unsigned, binary   the number itself                                      scale 1, offset 0
    signed             two's complement, the top plane counts negatively      scale 1, offset 0
    ternary            two's complement in 2 bits                             scale 1, offset 0
    bipolar, k bits    v = 2 code - (2^k - 1): -1 is bit 0, +1 is bit 1       scale 2, offset 2^k - 1
    free plane scales  the number itself, signed or unsigned                  scale 1, offset 0

Bipolar types have no code for 0. Zero padding of such maps uses code 0 and is repaired exactly by a constant per border
class and filter (`lower`), so it costs no plane.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurobin.ir import DType, Encoding, int_for


@dataclass(frozen=True)
class Coding:
    """Planes of an operand and what its code is worth; `bipolar` planes may also be read as -1/+1 (XNOR)."""

    bits: int
    signed: bool
    scale: int = 1
    offset: int = 0

    @property
    def bipolar(self) -> bool:
        return self.offset != 0

    def codes(self, values: np.ndarray) -> np.ndarray:
        """uint8 codes of integers that are members of the type (bit k of the code is plane k); at most 8 bits."""
        return ((np.asarray(values, dtype=np.int64) + self.offset) // self.scale & (2**self.bits - 1)).astype(np.uint8)


def coding(dtype: DType) -> Coding:
    """The coding of an element type. Widths beyond what an array takes are refused by `lower.issues`, not here."""
    if dtype.encoding is Encoding.BIPOLAR and not dtype.scales:
        return Coding(dtype.bits, signed=False, scale=2, offset=2**dtype.bits - 1)
    if dtype.low < 0:
        return Coding(int_for(dtype.low, dtype.high).bits, signed=True)
    return Coding(max(dtype.high.bit_length(), 1), signed=False)
