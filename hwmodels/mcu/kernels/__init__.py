"""The kernels by op name. An op that stands in neither table has no kernel and is refused with its name."""

from hwmodels.mcu.kernels import elementwise, move, pool
from hwmodels.mcu.kernels.elementwise import ELEMENTWISE
from hwmodels.mcu.kernels.linear import LINEAR
from hwmodels.mcu.kernels.site import Head, Memory, Site, Tile, tiles

HEADS: dict[str, Head] = {
    "bit_conv2d": LINEAR,
    "bit_dense": LINEAR,
    "int_conv2d": LINEAR,
    "int_dense": LINEAR,
    "max_pool2d": pool.MAX_POOL,
    "sum_pool2d": pool.SUM_POOL,
    "channel_sum": pool.CHANNEL_SUM,
    "arg_max": pool.ARG_MAX,
    "channel_shuffle": move.CHANNEL_SHUFFLE,
    "slice": move.SLICE,
    "concat": move.CONCAT,
    "pad": move.PAD,
    "flatten": move.VIEW,
    "reshape": move.VIEW,
}

__all__ = ["ELEMENTWISE", "HEADS", "Head", "Memory", "Site", "Tile", "elementwise", "tiles"]
