"""Random networks around each of Larq Compute Engine's operators: see `generate`."""

from __future__ import annotations

import numpy as np

from tests.frontend.tflite.build import Cell, constant
from tests.frontend.tflite.network import CHANNELS, Network, begin


def _words(channels: int) -> int:
    return -(-channels // 32)


def to_bits(net: Network) -> None:
    if net.cell.kind == "<f4":
        net.then("ADD", net.like(net.cell.shape), constant(-net.rng.random(net.channels).astype(np.float32)))
    net.then("LceQuantize", Cell("<i4", (*net.cell.shape[:-1], _words(net.channels))))


def packed(rng: np.random.Generator, shape: tuple[int, ...], channels: int) -> Cell:
    """Random bits [*shape, channels], with none behind the last channel."""
    bits = np.zeros((*shape, 32 * _words(channels)), np.uint8)
    bits[..., :channels] = rng.integers(0, 2, (*shape, channels))
    return constant(np.packbits(bits, axis=-1, bitorder="little").view("<i4"))


def binary_convolution(rng: np.random.Generator) -> Network:
    """LceBconv2d of every padding, stride, dilation, grouping, activation and output type."""
    channels = int(rng.choice(CHANNELS))
    net = begin(rng, bool(rng.integers(2)), channels)
    to_bits(net)
    kernel = net.kernel(3)
    options, made = net.window(kernel, 3)
    filters = net.pick(1, 4, 8, 31, 33)
    groups = net.pick(1, 2) if channels % 64 == 0 else 1
    filters += filters % groups
    taps = kernel[0] * kernel[1] * channels // groups
    options |= {"pad_values": net.pick(0, 1), "channels_in": channels, "fused_activation_function": net.pick(0, 0, 1, 2, 3)}
    kind = ("<f4", "<f4", "i1", "<i4")[int(rng.integers(4))]
    if kind != "<f4" and options["pad_values"] == 0 and rng.random() < 0.8:
        options["pad_values"] = 1
    reach = [(k - 1) * int(options[f"dilation_{n}_factor"]) + 1 for k, n in zip(kernel, ("height", "width"), strict=True)]
    if channels % 2 and any(far > size for far, size in zip(reach, net.size, strict=True)):
        options["pad_values"] = 1  # or only the optimized kernels take it, which correct zeros on both sides wrongly
    weights = packed(rng, (filters, *kernel), channels // groups)
    factor = constant((rng.uniform(0.2, 1, filters) * rng.choice([-1, 1], filters)).astype(np.float32))
    bias = constant(rng.normal(0, 2, filters).astype(np.float32))
    shape = (1, *made, filters)
    if kind == "<i4":
        limit = constant(rng.integers(-1, taps + 2, filters).astype(np.int32))
        net.then("LceBconv2d", Cell("<i4", (*shape[:-1], _words(filters))), weights, -1, -1, limit, **options)
    elif kind == "i1":
        scale = (float(np.float32(taps**0.5 / rng.uniform(10, 60))),)
        out = Cell("i1", shape, None, scale, (int(rng.integers(-60, 60)),))
        net.then("LceBconv2d", out, weights, factor, bias, -1, **options)
    else:
        net.then("LceBconv2d", Cell("<f4", shape), weights, factor, bias, -1, **options)
    return net


def binary_pool(rng: np.random.Generator) -> Network:
    """LceBMaxPool2d, and at times LceDequantize to real or 8-bit numbers."""
    net = begin(rng, bool(rng.integers(2)), int(rng.choice(CHANNELS)))
    channels = net.channels
    to_bits(net)
    kernel = net.kernel(3)
    options, made = net.window(kernel, 3, dilated=False)
    net.then(
        "LceBMaxPool2d",
        Cell("<i4", (1, *made, _words(channels))),
        filter_height=kernel[0],
        filter_width=kernel[1],
        **options,
    )
    kind = ("<i4", "<f4", "i1")[int(rng.integers(3))]
    if kind == "<f4":
        net.then("LceDequantize", Cell("<f4", (1, *made, channels)))
    elif kind == "i1":
        scale = (float(np.float32(rng.uniform(0.005, 0.6))),)
        net.then("LceDequantize", Cell("i1", (1, *made, channels), None, scale, (int(rng.integers(-128, 128)),)))
    return net


FOLDED = (
    "RELU_N1_TO_1", "RELU_0_TO_1", "RELU", "RELU6", "SIGN", "MINIMUM", "MAXIMUM", "ADD", "SUB", "MUL",
)  # fmt: skip


def _on_constant(net: Network, op: str) -> None:
    """An operator on the constant so far, and a number for all or one per filter."""
    operands, options = [], {}
    if op in FOLDED[5:]:
        operands = [constant(np.float32(net.rng.normal(0, 0.5, (net.cell.shape[-1],) if net.pick(0, 1) else ())))]
    if op in FOLDED[7:]:
        options = {"fused_activation_function": net.pick(0, 0, 1, 2, 3)}
    net.then(op, Cell("<f4", net.cell.shape), *operands, **options)


def scaled_weights(rng: np.random.Generator) -> Network:
    """A convolution whose weights operators make of a constant: signs times their mean, as XNOR-Net's and DoReFa-Net's."""
    net = begin(rng, False)
    to_bits(net)
    channels = int(net.cells[0].shape[-1])
    net.then("LceDequantize", Cell("<f4", net.cells[0].shape))
    x, kernel, filters = net.at, net.kernel(3), net.pick(1, 3, 33)
    options, made = net.window(kernel, 3)
    shape = (*kernel, channels, filters)
    stored = (kernel[0] * kernel[1] * channels, filters) if rng.random() < 0.5 else shape
    net.at = net.put(constant(rng.normal(0, 0.7, stored).astype(np.float32)))
    if stored != shape:
        net.then("RESHAPE", Cell("<f4", shape), constant(np.int32(shape)))
    for _ in range(net.pick(0, 3, 4, 5)):
        _on_constant(net, FOLDED[int(rng.integers(len(FOLDED)))])
    latent = net.at
    net.then("ABS", Cell("<f4", shape))
    each = rng.random() < 0.5
    mean = Cell("<f4", (1, 1, 1, filters)) if each else Cell("<f4", ())
    net.then("MEAN", mean, constant(np.int32([0, 1, 2] if each else [0, -1, 2, 1])), keep_dims=int(each))
    scale, net.at = net.at, latent
    net.then("LceQuantize", Cell("<i4", (*shape[:-1], _words(filters))))
    net.then("LceDequantize", Cell("<f4", shape))
    net.then("MUL", Cell("<f4", shape), scale, fused_activation_function=0)
    net.then("TRANSPOSE", Cell("<f4", (filters, *kernel, channels)), constant(np.int32([3, 0, 1, 2])))
    weights, net.at = net.at, x
    bias = constant(rng.normal(0, 1, filters).astype(np.float32))
    net.then("CONV_2D", Cell("<f4", (1, *made, filters)), weights, bias, fused_activation_function=0, **options)
    return net
