"""What the numbers are that a network of another tool takes: files state real inputs, cameras give whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

from neurobin.ir import DType
from neurobin.ir.dtype import u


@dataclass(frozen=True)
class Images:
    """Whole numbers of `dtype`, each worth `scale` times it plus `offset` to the network.

    The default, pixels of 8 bits over 255, is what most networks are trained on; a file does not say.
    """

    dtype: DType = u(8)
    scale: float = 1 / 255
    offset: float = 0.0
