"""What integer convolutions and integer matrix products share: accumulator types, values, popcount and BLAS paths.

Weights are [O, KH, KW, C/groups]; a matrix product is the 1x1 convolution of a 1x1 map.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurobin.errors import GraphError
from neurobin.exec.kernels import Frame, Linear, int_matmul, popdot
from neurobin.ir import BitTensor, Constant, DType, IntTensor, Packed, TensorType, Work, int_for, pack, pack_bits, tally
from neurobin.ir.bits import unpack_bits
from neurobin.ops._window import Window

EXACT_IN_FLOAT32 = 2**24
EXACT_IN_FLOAT64 = 2**53
MAX_SUM = 2**62  # proven in float64, whose rounding the factor of two below 2^63 covers


def weight_window(
    weight: Constant, stride: tuple[int, int], padding: tuple[int, int, int, int], dilation: tuple[int, int]
) -> Window:
    """The window a weight [O, KH, KW, C/groups] slides in. Raises GraphError for another rank."""
    if weight.values.ndim != 4:
        raise GraphError(f"weight has shape {weight.shape}, expected [O, KH, KW, C/groups]")
    return Window((weight.shape[1], weight.shape[2]), stride, padding, dilation)


def check_weight(x: TensorType, weight: Constant, window: Window, groups: int) -> tuple[int, int, int]:
    """(OH, OW, O) of a convolution. Raises GraphError when weight, groups and map do not fit together."""
    height, width = window.output(x.shape)
    outputs, _, _, depth = weight.shape
    if groups < 1 or x.channels % groups or outputs % groups:
        raise GraphError(f"groups={groups} must divide both {x.channels} input and {outputs} output channels")
    if depth * groups != x.channels:
        raise GraphError(f"weight reads {depth} channels per group, the map has {x.channels} in {groups} groups")
    return height, width, outputs


def check_matrix(x: TensorType, weight: Constant) -> None:
    """Raises GraphError unless the weight is [O, F] and the input (F,)."""
    if weight.values.ndim != 2 or x.shape != weight.shape[1:]:
        raise GraphError(f"weight has shape {weight.shape}, the input {x.shape}; expected [O, F] and (F,)")


def check_padding(dtype: DType, window: Window, pad_value: int) -> None:
    """Raises GraphError when padding with `pad_value` has no exact meaning for `dtype`."""
    if any(window.padding) and pad_value != 0 and not dtype.holds(np.array([pad_value])):
        raise GraphError(f"pad_value={pad_value} is not a value of {dtype} (0 is always allowed and carried exactly)")


def accumulator(dtype: DType, weight: np.ndarray) -> DType:
    """The narrowest type of sum(w * x) for any x of `dtype`, zero padding included; weight [O, ...].

    Each filter's extremes are reached with x at its end of the range by the sign of w. Raises GraphError when a sum
    may exceed 64 bits.
    """
    widest = np.abs(weight.astype(np.float64)).reshape(weight.shape[0], -1).sum(1).max()
    if widest * max(-dtype.low, dtype.high) >= MAX_SUM:
        raise GraphError(f"sums of {weight[0].size} products of {dtype} may exceed 64 bits", hint="narrower operands")
    flat = weight.reshape(weight.shape[0], -1).astype(np.int64)
    low, high = min(dtype.low, 0), max(dtype.high, 0)
    positive, negative = np.maximum(flat, 0).sum(1), np.minimum(flat, 0).sum(1)
    return int_for(int((positive * low + negative * high).min()), int((positive * high + negative * low).max()))


def magnitude(dtype: DType, weight: np.ndarray) -> int:
    """A bound on |partial sum| in any order of summation: the largest sum of |w| times the largest |x|."""
    widest = int(np.abs(weight.astype(np.int64)).reshape(weight.shape[0], -1).sum(1).max())
    return widest * max(abs(dtype.low), abs(dtype.high))


Product = Callable[[np.ndarray, np.ndarray], np.ndarray]


def exact_product(rows: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """The int64 product [R, K] @ [K, O] of the reference engine."""
    exact = _exact_type(rows, filters.T, 0)
    return np.asarray((rows.astype(exact) @ filters.astype(exact)).astype(np.int64))


def exact_convolution(maps: np.ndarray, weight: np.ndarray, window: Window, groups: int, pad_value: int) -> np.ndarray:
    """The int64 sums [N, OH, OW, O] of the reference engine."""
    exact = _exact_type(maps, weight, pad_value)
    return convolve(maps.astype(exact), weight.astype(exact), window, groups, pad_value).astype(np.int64)


def _exact_type(x: np.ndarray, weight: np.ndarray, pad_value: int) -> np.dtype:
    """The fastest type in which sum(w * x) is exact for weight [O, ...].

    Where the magnitudes of no sum reach 2^24 (2^53), float32 (float64) holds every partial sum exactly, in whatever order
    BLAS adds; otherwise numpy's integer loop computes, tens of times slower.
    """
    largest = max(-int(x.min(initial=0)), int(x.max(initial=0)), abs(pad_value))
    widest = int(np.abs(weight.astype(np.int64)).reshape(len(weight), -1).sum(1).max(initial=0)) * largest
    for limit, exact in ((EXACT_IN_FLOAT32, np.float32), (EXACT_IN_FLOAT64, np.float64)):
        if widest < limit:
            return np.dtype(exact)
    return np.dtype(np.int64)


def convolve(
    maps: np.ndarray, weight: np.ndarray, window: Window, groups: int, pad_value: int | float, product: Product = np.matmul
) -> np.ndarray:
    """[N, OH, OW, O] = patches times filters, group by group; `product` multiplies [R, K] by [K, O/groups]."""
    outputs, kh, kw, depth = weight.shape
    patches = window.patches(maps, pad_value)
    n, oh, ow = patches.shape[:3]
    share = outputs // groups
    result = []
    for g in range(groups):
        rows = patches[..., g * depth : (g + 1) * depth].reshape(n * oh * ow, kh * kw * depth)
        filters = weight[g * share : (g + 1) * share].reshape(share, kh * kw * depth)
        result.append(product(rows, filters.T))
    return np.concatenate(result, axis=1).reshape(n, oh, ow, outputs)


def convolve_bits(x: BitTensor, weight: Constant, window: Window, groups: int, pad_value: int, out: DType) -> Packed:
    """Convolution on words: patches of packed pixels against packed filters, group by group."""
    shares = np.split(weight.values, groups)
    parts = split_channels(x, groups)
    results = []
    for part, share in zip(parts, shares, strict=True):
        rows, (n, oh, ow) = _rows(part, window, pad_value)
        filters = flat_rows(pack(share, weight.dtype))
        results.append(popdot(rows, filters, window.taps * share.shape[-1]).reshape(n, oh, ow, len(share)))
    return IntTensor(np.concatenate(results, axis=-1).astype(out.numpy), out)


def convolve_integers(x: Packed, weight: Constant, window: Window, groups: int, pad_value: int, out: DType) -> Packed:
    """Convolution of narrow integers through exact floating-point products."""
    bound = magnitude(x.dtype, weight.values)

    def product(rows: np.ndarray, filters: np.ndarray) -> np.ndarray:
        return int_matmul(rows, filters, bound)

    values = convolve(x.values(), weight.values, window, groups, pad_value, product)
    return IntTensor(values.astype(out.numpy), out)


def split_channels(x: BitTensor, groups: int) -> list[BitTensor]:
    """The tensor's channels in `groups` equal parts, each packed from bit 0 on."""
    if groups == 1:
        return [x]
    share = x.shape[-1] // groups
    shape = (*x.shape[:-1], share)

    def part(words: np.ndarray, g: int) -> np.ndarray:
        return pack_bits(unpack_bits(words, x.shape[-1])[..., g * share : (g + 1) * share])

    masks = [None if x.mask is None else part(x.mask, g) for g in range(groups)]
    return [BitTensor(part(x.planes, g), masks[g], shape, x.dtype) for g in range(groups)]


def flat_rows(filters: BitTensor) -> BitTensor:
    """Filters [O, KH, KW, C] as rows: planes [P, O, KH*KW*W]."""
    outputs = filters.shape[0]
    mask = None if filters.mask is None else filters.mask.reshape(outputs, -1)
    return BitTensor(filters.planes.reshape(len(filters.planes), outputs, -1), mask, filters.shape, filters.dtype)


def _rows(x: BitTensor, window: Window, pad_value: int) -> tuple[BitTensor, tuple[int, int, int]]:
    """im2col on words: planes [P, N*OH*OW, KH*KW*W], padded as `pad_value` says, and (N, OH, OW)."""
    pad = pack(np.full((1, x.shape[-1]), pad_value), x.dtype) if pad_value else None
    fills = [pad.planes[p, 0] if pad is not None else 0 for p in range(len(x.planes))]
    patches = [window.patches(plane, fill) for plane, fill in zip(x.planes, fills, strict=True)]
    n, oh, ow = patches[0].shape[:3]
    columns = window.taps * x.words
    planes = np.stack([p.reshape(n * oh * ow, columns) for p in patches])
    mask = x.mask
    if mask is None and x.dtype.is_bipolar and any(window.padding) and pad_value == 0:
        mask = np.broadcast_to(pack_bits(np.ones((x.shape[-1],), np.uint8)), x.planes.shape[1:])
    if mask is not None:
        full = pack_bits(np.ones((x.shape[-1],), np.uint8)) if pad_value else 0
        mask = window.patches(mask, full).reshape(n * oh * ow, columns)
    return BitTensor(planes, mask, x.shape, x.dtype), (n, oh, ow)


def as_linear(x: TensorType, result: TensorType, weight: Constant, window: Window, groups: int, pad_value: int) -> Linear:
    """A convolution as the engine's compiler knows it."""
    size, output = (x.shape[0], x.shape[1]), (result.shape[0], result.shape[1])
    frame = Frame(window.kernel, window.stride, window.padding, window.dilation, size, output)
    return Linear(weight.values.astype(np.int64), weight.dtype, frame, groups, pad_value)


def as_matrix(weight: Constant) -> Linear:
    """A matrix product as the convolution of a map of one pixel."""
    frame = Frame((1, 1), (1, 1), (0, 0, 0, 0), (1, 1), (1, 1), (1, 1))
    return Linear(weight.values.astype(np.int64)[:, None, None, :], weight.dtype, frame)


def mac_work(x: TensorType, result: TensorType, weight: Constant, **others: Constant) -> Work:
    """One multiply-accumulate per weight and output position; `others` are parameters that are read besides the weight."""
    macs = result.size * int(np.prod(weight.shape[1:]))
    return tally("mac", macs, (x,), result, {"weight": weight, **others}, weight.dtype)


def require_integers(x: TensorType, weight: Constant) -> None:
    """Raises GraphError unless both operands are integers."""
    if x.dtype.is_float or weight.dtype.is_float:
        raise GraphError(f"expected integer operands, got {x.dtype} activations and {weight.dtype} weights")
