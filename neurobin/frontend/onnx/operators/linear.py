"""Sums of products: convolutions, matrix products, and their whole-number forms.

float16 is summed in float32; whole numbers are summed exactly, in float64 where every sum is below 2^53.
"""

from __future__ import annotations

from math import prod

import numpy as np

from neurobin.frontend.onnx.operators._frame import BEGIN, Frame, Operator
from neurobin.frontend.onnx.operators._window import Window, window
from neurobin.frontend.onnx.operators.quantization import saturated

EXACT = 2**53
CHUNK = 2**24  # elements of the patch matrix made at a time


def convolve(frame: Frame, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """[N, C, spatial ...] with [M, C/group, kernel ...] -> [N, M, ...]; padding counts as 0."""
    call, groups = frame.call, frame.call.integer("group")
    if x.ndim < 3 or weight.ndim != x.ndim:
        raise call.refuse(f"weights of shape {list(weight.shape)} on a map of shape {list(x.shape)}")
    kernel = call.integers("kernel_shape") or weight.shape[2:]
    if tuple(kernel) != weight.shape[2:]:
        raise call.refuse(f"kernel_shape is {list(kernel)}, the weights have {list(weight.shape[2:])}")
    if groups < 1 or weight.shape[0] % groups or x.shape[1] != groups * weight.shape[1]:
        raise call.refuse(f"{x.shape[1]} channels in {groups} groups with weights of shape {list(weight.shape)}")
    over = window(frame, x.shape[2:], kernel)
    shape = frame.room((x.shape[0], weight.shape[0], *over.sizes), x.dtype)
    result = np.empty(shape, dtype=np.result_type(x, weight))
    per_image = max(1, x.shape[1] * prod(over.kernel) * prod(over.sizes))
    frame.room((min(per_image * len(x), max(CHUNK, per_image)),), result.dtype)
    frame.products(len(x) * per_image * weight.shape[0] // groups, result.dtype)
    frame.work(BEGIN * groups)
    step = max(1, CHUNK // per_image)
    for first in range(0, len(x), step):
        result[first : first + step] = _convolve(frame, x[first : first + step], weight, over, groups)
    return result


def _convolve(frame: Frame, x: np.ndarray, weight: np.ndarray, over: Window, groups: int) -> np.ndarray:
    """One chunk of images: im2col, then one matrix product per group."""
    views = over.windows(over.padded(frame, x, 0))  # [N, C, sizes, kernel]
    spatial = range(2, 2 + over.axes)
    patches = views.transpose(0, *spatial, 1, *range(2 + over.axes, views.ndim)).reshape(-1, x.shape[1] * prod(over.kernel))
    depth, filters = patches.shape[1] // groups, len(weight) // groups
    flat = weight.reshape(groups, filters, depth)
    sums = [patches[:, g * depth : (g + 1) * depth] @ flat[g].T for g in range(groups)]
    maps = np.concatenate(sums, axis=1).reshape(len(x), *over.sizes, len(weight))
    return np.moveaxis(maps, -1, 1)


def conv(frame: Frame, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    sums = convolve(frame, frame.wide(x), frame.wide(weight)).astype(x.dtype)
    return sums if bias is None else sums + _per_channel(frame, bias, weight.shape[0], sums.ndim)


def conv_transpose(frame: Frame, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """The gradient of a convolution: every value of x adds a weighted kernel to the result, [C, M/group, kernel ...]."""
    call, groups, axes = frame.call, frame.call.integer("group"), x.ndim - 2
    if axes < 1 or weight.ndim != x.ndim or groups < 1 or x.shape[1] % groups or weight.shape[0] != x.shape[1]:
        raise call.refuse(f"weights of shape {list(weight.shape)} in {groups} groups on a map of shape {list(x.shape)}")
    strides, dilations = call.integers("strides") or (1,) * axes, call.integers("dilations") or (1,) * axes
    extra = call.integers("output_padding") or (0,) * axes
    if not len(strides) == len(dilations) == len(extra) == axes or min(*strides, *dilations) < 1 or min(extra) < 0:
        raise call.refuse(f"strides {list(strides)}, dilations {list(dilations)}, output_padding {list(extra)}")
    extents = [d * (k - 1) + 1 for k, d in zip(weight.shape[2:], dilations, strict=True)]
    full = [s * (n - 1) + e + o for n, s, e, o in zip(x.shape[2:], strides, extents, extra, strict=True)]
    begins, sizes = _transposed_place(frame, x.shape[2:], strides, full)
    channels = weight.shape[1] * groups
    frame.room((len(x), channels, *full), np.float64)
    frame.work(prod(weight.shape[2:]) * 4 * (BEGIN + x.size * weight.shape[1]))
    kind = np.result_type(frame.wide(x), frame.wide(weight))
    result = np.zeros((len(x), channels, *full), dtype=kind)
    parts = x.astype(kind).reshape(len(x), groups, -1, *x.shape[2:])
    kernels = weight.astype(kind).reshape(groups, -1, *weight.shape[1:])
    for place in np.ndindex(*weight.shape[2:]):
        added = np.einsum("ngc...,gcm->ngm...", parts, kernels[(slice(None), slice(None), slice(None), *place)])
        into = tuple(
            slice(k * d, k * d + s * (n - 1) + 1, s)
            for k, d, s, n in zip(place, dilations, strides, x.shape[2:], strict=True)
        )
        result[(slice(None), slice(None), *into)] += added.reshape(len(x), channels, *x.shape[2:])
    frame.room((len(x), channels, *sizes), kind)
    around = [(max(0, -begin), max(0, begin + size - most)) for begin, size, most in zip(begins, sizes, full, strict=True)]
    cut = tuple(slice(max(0, begin), max(0, begin) + size) for begin, size in zip(begins, sizes, strict=True))
    sums = np.pad(result, [(0, 0), (0, 0), *around])[(slice(None), slice(None), *cut)].astype(x.dtype)
    return sums if bias is None else sums + _per_channel(frame, bias, channels, sums.ndim)


def _transposed_place(
    frame: Frame, spatial: tuple[int, ...], strides: tuple[int, ...], full: list[int]
) -> tuple[list[int], list[int]]:
    """(first element, size) per axis of what is kept of the full result, from pads, output_shape or auto_pad."""
    call, axes = frame.call, len(spatial)
    rule, wanted = call.text("auto_pad"), call.integers("output_shape")
    if wanted is None and rule in ("SAME_UPPER", "SAME_LOWER"):
        wanted = tuple(n * s for n, s in zip(spatial, strides, strict=True))
    if wanted is not None:
        wanted = wanted[-axes:]
        if len(wanted) != axes:
            raise call.refuse(f"output_shape {list(wanted)} for {axes} spatial axes")
        total = [size - want for size, want in zip(full, wanted, strict=True)]
        halves = [cut // 2 if rule == "SAME_UPPER" else cut - cut // 2 for cut in total]
        begins, sizes = halves, list(wanted)
    else:
        pads = (call.integers("pads") if rule == "NOTSET" else None) or (0,) * 2 * axes
        if len(pads) != 2 * axes:
            raise call.refuse(f"pads {list(pads)} for {axes} spatial axes")
        begins = list(pads[:axes])
        sizes = [size - low - high for size, low, high in zip(full, begins, pads[axes:], strict=True)]
    if min(sizes) < 1:
        raise call.refuse(f"a result of shape {sizes} from {full} elements")
    return begins, sizes


def _per_channel(frame: Frame, values: np.ndarray, channels: int, rank: int) -> np.ndarray:
    """[channels] as it broadcasts to [N, channels, ...]."""
    if values.shape != (channels,):
        raise frame.call.refuse(f"a bias of shape {list(values.shape)} for {channels} channels")
    return values.reshape(channels, *(1,) * (rank - 2))


def matmul(frame: Frame, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """numpy's product: one axis is a vector, more than two are stacks of matrices that broadcast."""
    if a.ndim < 1 or b.ndim < 1:
        raise frame.call.refuse("multiplies a scalar; a matrix product takes vectors or matrices")
    inner = b.shape[-2] if b.ndim > 1 else b.shape[0]
    if a.shape[-1] != inner:
        raise frame.call.refuse(f"shapes {list(a.shape)} and {list(b.shape)} have no inner axis in common")
    try:
        stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise frame.call.refuse(f"stacks {list(a.shape[:-2])} and {list(b.shape[:-2])} do not broadcast") from None
    shape = frame.room((*stack, *a.shape[-2:-1], *b.shape[-1:][: b.ndim - 1]), np.result_type(a, b))
    frame.products(prod(shape) * inner, np.result_type(a, b))
    return np.asarray(frame.wide(a) @ frame.wide(b)).astype(a.dtype)


def gemm(frame: Frame, a: np.ndarray, b: np.ndarray, c: np.ndarray | None = None) -> np.ndarray:
    """alpha A B + beta C, with A and B transposed where asked; C broadcasts to the product."""
    if a.ndim != 2 or b.ndim != 2:
        raise frame.call.refuse(f"shapes {list(a.shape)} and {list(b.shape)}, expected two matrices")
    left = a.T if frame.call.integer("transA") else a
    right = b.T if frame.call.integer("transB") else b
    product = matmul(frame, left, right)
    alpha, beta = frame.call.real("alpha"), frame.call.real("beta")
    product = product if alpha == 1 else (product * alpha).astype(a.dtype)
    if c is None:
        return product
    if frame.broadcast(product, c) != product.shape:
        raise frame.call.refuse(f"a bias of shape {list(c.shape)} does not fit {list(product.shape)}")
    return np.asarray(product + (c if beta == 1 else c * beta)).astype(a.dtype)


def _shifted(frame: Frame, values: np.ndarray, zero: np.ndarray | None) -> np.ndarray:
    """Whole numbers less their zero point, as int64."""
    frame.room(values.shape, np.int64)
    if zero is None:
        return values.astype(np.int64)
    if frame.broadcast(values, zero) != values.shape:
        raise frame.call.refuse(f"a zero point of shape {list(zero.shape)} does not fit {list(values.shape)}")
    return values.astype(np.int64) - zero.astype(np.int64)


def _exact(a: np.ndarray, b: np.ndarray, inner: int) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 where no sum of `inner` products can leave its whole numbers, else as they are."""
    largest = inner * int(np.abs(a).max(initial=0)) * int(np.abs(b).max(initial=0))
    return (a.astype(np.float64), b.astype(np.float64)) if largest < EXACT else (a, b)


def conv_integer(
    frame: Frame, x: np.ndarray, weight: np.ndarray, x_zero: np.ndarray | None = None, w_zero: np.ndarray | None = None
) -> np.ndarray:
    """Products of whole numbers less their zero points, so that padding counts as the zero point; int32 wraps."""
    per_filter = None if w_zero is None else w_zero.reshape(-1, *(1,) * (weight.ndim - 1))
    operands = _exact(_shifted(frame, x, x_zero), _shifted(frame, weight, per_filter), prod(weight.shape[1:]))
    return convolve(frame, *operands).astype(np.int64).astype(np.int32)


def matmul_integer(
    frame: Frame, a: np.ndarray, b: np.ndarray, a_zero: np.ndarray | None = None, b_zero: np.ndarray | None = None
) -> np.ndarray:
    rows = None if a_zero is None else a_zero[..., None] if a_zero.ndim == 1 and a_zero.size > 1 else a_zero
    operands = _exact(_shifted(frame, a, rows), _shifted(frame, b, b_zero), a.shape[-1] if a.ndim else 1)
    return matmul(frame, *operands).astype(np.int64).astype(np.int32)


def qlinear_conv(
    frame: Frame, x: np.ndarray, x_scale: np.ndarray, x_zero: np.ndarray, w: np.ndarray, w_scale: np.ndarray,
    w_zero: np.ndarray, y_scale: np.ndarray, y_zero: np.ndarray, bias: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """A convolution of quantized tensors; the bias counts in steps of x_scale w_scale."""
    sums = conv_integer(frame, x, w, x_zero, w_zero).astype(np.int64)
    if bias is not None:
        sums = sums + _per_channel(frame, bias.astype(np.int64), w.shape[0], sums.ndim)
    step = (_one(frame, x_scale) * w_scale / _one(frame, y_scale)).reshape(-1, *(1,) * (sums.ndim - 2))
    return saturated(frame, _scaled(frame, sums, step), _one(frame, y_zero))


def qlinear_matmul(
    frame: Frame, a: np.ndarray, a_scale: np.ndarray, a_zero: np.ndarray, b: np.ndarray, b_scale: np.ndarray,
    b_zero: np.ndarray, y_scale: np.ndarray, y_zero: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """A matrix product of quantized tensors."""
    sums = matmul_integer(frame, a, b, a_zero, b_zero)
    rows = a_scale[..., None] if a_scale.ndim == 1 and a_scale.size > 1 else a_scale
    return saturated(frame, _scaled(frame, sums, rows * b_scale / _one(frame, y_scale)), _one(frame, y_zero))


def _one(frame: Frame, values: np.ndarray) -> np.ndarray:
    """A scale or zero point for the whole tensor."""
    if values.size != 1:
        raise frame.call.refuse(f"a scale or zero point of shape {list(values.shape)}, expected one number")
    return values.reshape(())


def _scaled(frame: Frame, sums: np.ndarray, scale: np.ndarray) -> np.ndarray:
    if frame.broadcast(sums, scale) != sums.shape:
        raise frame.call.refuse(f"scales of shape {list(scale.shape)} do not fit {list(sums.shape)}")
    return sums * scale


OPERATORS: dict[str, Operator] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MatMul": matmul,
    "Gemm": gemm,
    "ConvInteger": conv_integer,
    "MatMulInteger": matmul_integer,
    "QLinearConv": qlinear_conv,
    "QLinearMatMul": qlinear_matmul,
}
