"""The kernels by op name. An op that stands in neither table has no kernel and is refused with its name.

Where an op has several, the first one serves whatever any of them can; `hwmodels.mcu.choose` takes the cheapest.
"""

from hwmodels.mcu.kernels import elementwise, logic, move, pool
from hwmodels.mcu.kernels.elementwise import ELEMENTWISE
from hwmodels.mcu.kernels.gathered import GATHERED
from hwmodels.mcu.kernels.linear import DIRECT, EXPANDED
from hwmodels.mcu.kernels.site import Head, Memory, Site, Tile, tiles
from hwmodels.mcu.kernels.unpacked import UNPACKED

_LINEAR = (DIRECT, GATHERED, EXPANDED, UNPACKED)

HEADS: dict[str, tuple[Head, ...]] = {
    "bit_conv2d": _LINEAR,
    "bit_dense": _LINEAR,
    "int_conv2d": _LINEAR,
    "int_dense": _LINEAR,
    "max_pool2d": (pool.MAX_POOL,),
    "sum_pool2d": (pool.SUM_POOL,),
    "channel_sum": (pool.CHANNEL_SUM,),
    "arg_max": (pool.ARG_MAX,),
    "logic": (logic.LOGIC,),
    "channel_shuffle": (move.CHANNEL_SHUFFLE,),
    "slice": (move.SLICE,),
    "concat": (move.CONCAT,),
    "pad": (move.PAD,),
    "flatten": (move.VIEW,),
    "reshape": (move.VIEW,),
}

__all__ = ["ELEMENTWISE", "HEADS", "Head", "Memory", "Site", "Tile", "elementwise", "tiles"]
