"""`Convention`: a named way to count, as a group of papers or a tool does it. Published figures differ by these choices.

    reactnet     BOPs: multiply-accumulates of binary convolutions; FLOPs: real ones of convolutions and the last layer, one
                 each; OPs = BOPs / 64 + FLOPs. Batch norm, PReLU, sign, pools and sums are free
                 (Liu et al. 2018, arXiv 1808.00278; issues 1, 17, 19 and 23 of liuzechun/ReActNet)
    hpi          the same without the last matrix product, as in the model tables of BMXNet-v2 and MeliusNet
    larq         parameters and size as larq's older tables print them: batch norm with all it stores, 2 statistics and what
                 was learned of scale and centre
    larq_fused   batch norm as the 2 values per channel that remain at inference
    tnet         the energy model of TNet (`counting.tnet`): weights with two 8-bit coefficients per output channel

Sizes are stored bits: binary weights 1, ternary 2, everything real 32. "MB" in these tables are MiB. Scales of weights are
no parameters anywhere: they fold into the batch norm behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from neurobin.errors import UsageError, nearest


@dataclass(frozen=True)
class Convention:
    """`fused_batch_norm`: 2 values per channel instead of all that is stored; `last_dense`: the last layer's products count.

    `affine_bits` replaces batch norm, biases and activations' parameters by so many bits per output channel of every layer;
    `real_bits` is the width of real numbers in a network with quantized layers (in a real network it is 32).
    """

    name: str
    summary: str
    fused_batch_norm: bool = True
    last_dense: bool = True
    affine_bits: int | None = None
    real_bits: int = 32


_ALL = (
    Convention("reactnet", "ReActNet: OPs = BOPs / 64 + FLOPs, the last layer counts"),
    Convention("hpi", "MeliusNet, BMXNet-v2: as reactnet without the last layer", last_dense=False),
    Convention("larq", "larq's older tables: batch norm with its statistics", fused_batch_norm=False),
    Convention("larq_fused", "larq's newer tables: batch norm fused to 2 values per channel"),
    Convention("tnet", "TNet's energy model: real weights in 8 bits, 16 bits of affine coefficients per output channel",
               affine_bits=16, real_bits=8),
)  # fmt: skip

CONVENTIONS: Mapping[str, Convention] = MappingProxyType({convention.name: convention for convention in _ALL})


def find_convention(name: str) -> Convention:
    """The convention of that name. Raises UsageError with the nearest one otherwise."""
    if name not in CONVENTIONS:
        raise UsageError(f"unknown counting convention {name!r}", hint=nearest(name, CONVENTIONS))
    return CONVENTIONS[name]
