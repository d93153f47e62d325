"""Small random networks around each operator of TensorFlow Lite and Larq Compute Engine, written by `build`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tests.frontend.tflite.build import Cell, Step, constant, model
from tests.frontend.tflite.generate_bits import binary_convolution, binary_pool, scaled_weights
from tests.frontend.tflite.network import SAME, Network, begin


def _weights(net: Network, shape: tuple[int, ...], axis: int, bias: int) -> tuple[Cell, Cell, float]:
    """(weights, bias, how much wider than the input's numbers the results spread)."""
    rng, taps = net.rng, int(np.prod(shape)) // shape[axis]
    if net.cell.kind == "<f4":
        return (
            constant(rng.normal(0, taps**-0.5, shape).astype(np.float32)),
            constant(rng.normal(0, 1, bias).astype("<f4")),
            1,
        )
    one = rng.random() < 0.3
    scale = rng.uniform(0.002, 0.02, 1 if one else shape[axis]).astype(np.float32)
    each = (np.float32(net.cell.scale[0]) * scale).tolist()
    weights = constant(rng.integers(-127, 128, shape).astype(np.int8), scale=scale.tolist(), axis=axis)
    offsets = constant(rng.integers(-4000, 4000, bias).astype(np.int32), scale=each)
    return weights, offsets, float(scale.mean()) * taps**0.5 * 80


def convolution(rng: np.random.Generator) -> Network:
    net = begin(rng, bool(rng.integers(2)))
    kernel, filters = net.kernel(3), net.pick(1, 4, 7, 16)
    options, made = net.window(kernel, 3)
    weights, bias, spread = _weights(net, (filters, *kernel, net.channels), 0, filters)
    options["fused_activation_function"] = net.pick(0, 0, 1, 2, 3)
    net.then("CONV_2D", net.like((1, *made, filters), spread), weights, bias, **options)
    return net


def depthwise(rng: np.random.Generator) -> Network:
    net = begin(rng, bool(rng.integers(2)))
    kernel, times = net.kernel(3), net.pick(1, 1, 2, 3)
    options, made = net.window(kernel, 2)
    if options["stride_height"] != options["stride_width"]:  # the interpreter takes no others
        options, made = net.window(kernel, 1)
        options |= {"stride_height": 1, "stride_width": 1}
        reach = [(k - 1) * options[f"dilation_{n}_factor"] + 1 for k, n in zip(kernel, ("height", "width"), strict=True)]
        valid = [int(size - far + 1) for size, far in zip(net.size, reach, strict=True)]
        made = net.size if options["padding"] == SAME else (valid[0], valid[1])
    weights, bias, spread = _weights(net, (1, *kernel, net.channels * times), 3, net.channels * times)
    options |= {"depth_multiplier": times, "fused_activation_function": net.pick(0, 1)}
    net.then("DEPTHWISE_CONV_2D", net.like((1, *made, net.channels * times), spread), weights, bias, **options)
    return net


def dense(rng: np.random.Generator) -> Network:
    net = begin(rng, bool(rng.integers(2)))
    features, units = int(np.prod(net.cell.shape)), net.pick(1, 5, 10)
    net.then(
        "RESHAPE", Cell(net.cell.kind, (1, features), None, net.cell.scale, net.cell.zero), constant(np.int32([1, features]))
    )
    weights, bias, spread = _weights(net, (units, features), 0, units)
    if net.cell.kind == "i1":  # one scale: the fully connected kernel of this interpreter knows no others
        weights, bias = (replace(part, scale=part.scale[:1]) for part in (weights, bias))
    net.then("FULLY_CONNECTED", net.like((1, units), spread), weights, bias, fused_activation_function=net.pick(0, 1))
    return net


def pool(rng: np.random.Generator) -> Network:
    """MAX_POOL_2D, AVERAGE_POOL_2D (8-bit results have the input's scale) and MEAN."""
    net = begin(rng, bool(rng.integers(2)))
    kept = lambda shape: Cell(net.cell.kind, shape, None, net.cell.scale, net.cell.zero)  # noqa: E731
    op = ("MAX_POOL_2D", "AVERAGE_POOL_2D", "AVERAGE_POOL_2D", "MEAN")[int(rng.integers(4))]
    if op == "MEAN":
        keep = int(rng.integers(2))
        shape = (1, 1, 1, net.channels) if keep else (1, net.channels)
        same = rng.random() < 0.3
        net.then(op, kept(shape) if same else net.like(shape, 0.5), constant(np.int32([1, 2])), keep_dims=keep)
        return net
    kernel = net.kernel(4)
    options, made = net.window(kernel, 3, dilated=False)
    options |= {"filter_height": kernel[0], "filter_width": kernel[1], "fused_activation_function": net.pick(0, 0, 1)}
    net.then(op, kept((1, *made, net.channels)), **options)
    return net


def arithmetic(rng: np.random.Generator) -> Network:
    """ADD, SUB and MUL, of two computed tensors or with a constant."""
    net = begin(rng, bool(rng.integers(2)))
    op, first, shape = ("ADD", "SUB", "MUL")[int(rng.integers(3))], net.at, net.cell.shape
    options = {"fused_activation_function": net.pick(0, 0, 1)}
    eight = net.cell.kind == "i1"
    spread = 128 * net.cell.scale[0] if eight and op == "MUL" else 1.5
    if rng.random() < 0.4:
        size = (net.pick(1, net.channels),)
        other = constant(rng.normal(0, 1, size).astype(np.float32))
        if eight:
            scale = (float(np.float32(rng.uniform(0.005, 0.05))),)
            other = constant(rng.integers(-128, 128, size).astype(np.int8), scale=scale, zero=(int(rng.integers(-9, 9)),))
            spread = 128 * scale[0] if op == "MUL" else 1.5
        net.then(op, net.like(shape, spread), other, **options)
        return net
    net.then("QUANTIZE" if eight else "LOGISTIC", net.like(shape))
    net.then(op, net.like(shape, spread), first, **options)
    return net


def unary(rng: np.random.Generator) -> Network:
    """Operators on single elements, up to three in a row; 8-bit numbers change their scale in them."""
    net = begin(rng, bool(rng.integers(2)))
    if net.cell.kind == "<f4":
        net.then("ADD", net.like(net.cell.shape), constant(np.float32([-0.5])), fused_activation_function=0)
    for _ in range(net.pick(1, 2, 3)):
        _unary(net, rng)
    return net


def _unary(net: Network, rng: np.random.Generator) -> None:
    eight, shape = net.cell.kind == "i1", net.cell.shape
    clips = ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1")
    op = (*clips, "PRELU", "LEAKY_RELU", "LOGISTIC", "QUANTIZE")[int(rng.integers(7 + eight))]
    if op == "PRELU":
        slopes = constant(rng.uniform(-0.2, 0.6, (1, 1, net.channels)).astype(np.float32))
        if eight:
            low = 0 if rng.random() < 0.7 else -60
            slopes = constant(rng.integers(low, 128, (1, 1, net.channels)).astype(np.int8), scale=(0.005,))
        net.then(op, net.like(shape), slopes)
    elif op == "LEAKY_RELU":
        net.then(op, net.like(shape), alpha=float(np.float32(rng.uniform(0, 0.5))))
    elif op == "LOGISTIC":
        net.then(op, Cell("i1", shape, None, (1 / 256,), (-128,)) if eight else Cell("<f4", shape))
    else:
        net.then(op, net.like(shape))


def moving(rng: np.random.Generator) -> Network:
    """CONCATENATION, PAD, PADV2, RESHAPE: no number is computed."""
    net = begin(rng, bool(rng.integers(2)))
    kind, scale, zero = net.cell.kind, net.cell.scale, net.cell.zero
    op = ("CONCATENATION", "PAD", "PADV2", "RESHAPE")[int(rng.integers(4))]
    _, height, width, channels = net.cell.shape
    if op == "CONCATENATION":
        shape = (1, height, width, 2 * channels)
        net.then(op, Cell(kind, shape, None, scale, zero), 0, axis=net.pick(3, -1), fused_activation_function=0)
    elif op == "RESHAPE":
        shape = (1, width, channels, height)
        net.then(op, Cell(kind, shape, None, scale, zero), constant(np.int32(shape)))
    else:
        around = rng.integers(0, 3, (2, 2))
        widths = np.zeros((4, 2), np.int32)
        widths[1:3] = around
        shape = (1, height + int(around[0].sum()), width + int(around[1].sum()), channels)
        fill = []
        if op == "PADV2":
            code = np.int8([zero[0]]) if kind == "i1" else np.float32([1])
            fill = [constant(code, scale=scale, zero=zero)]
        net.then(op, Cell(kind, shape, None, scale, zero), constant(widths), *fill)
    return net


def extreme(rng: np.random.Generator) -> Network:
    """MINIMUM and MAXIMUM, of two computed tensors or with a constant; 8-bit ones of one scale."""
    net = begin(rng, bool(rng.integers(2)))
    op, first, cell = ("MINIMUM", "MAXIMUM")[int(rng.integers(2))], net.at, net.cell
    if rng.random() < 0.6:
        size = ((), (1,), (net.channels,), (1, 1, 1, net.channels))[int(rng.integers(4))]
        bound = constant(rng.uniform(0, 1, size).astype(np.float32))
        if cell.kind == "i1":
            bound = constant(rng.integers(-128, 128, size).astype(np.int8), scale=cell.scale, zero=cell.zero)
        net.then(op, replace(cell), bound)
        return net
    if cell.kind == "i1":
        net.then("MAXIMUM", replace(cell), constant(np.int8(rng.integers(-50, 50)), scale=cell.scale, zero=cell.zero))
    else:
        net.then("MUL", replace(cell), constant(rng.normal(0, 1, net.channels).astype(np.float32)))
        net.then("LOGISTIC", replace(cell))
    net.then(op, replace(cell), first)
    return net


def split(rng: np.random.Generator) -> Network:
    """SPLIT, then its parts in another order, or one padded with channels of zeros and added, as MeliusNet does."""
    parts = int(rng.integers(1, 5))
    net = begin(rng, bool(rng.integers(2)), parts * int(rng.integers(1, 9)))
    whole, cell, size = net.at, net.cell, net.channels // parts
    part = replace(cell, shape=(*cell.shape[:-1], size))
    numbers = [net.put(part) for _ in range(parts)]
    net.steps.append(Step("SPLIT", [net.put(constant(np.int32(net.pick(3, -1)))), whole], numbers, {"num_splits": parts}))
    if rng.random() < 0.5:
        order = [int(number) for number in rng.permutation(numbers)]
        net.at = order[0]
        net.then("CONCATENATION", replace(cell), *order[1:], axis=-1, fused_activation_function=0)
        return net
    place = int(rng.integers(parts))
    net.at = numbers[place]
    widths = np.zeros((4, 2), np.int32)
    widths[3] = place * size, (parts - 1 - place) * size
    net.then("PAD", replace(cell), constant(widths))
    net.then("ADD", net.like(cell.shape, 1.5), whole, fused_activation_function=net.pick(0, 1))
    return net


def quantizer(rng: np.random.Generator) -> Network:
    """Real numbers to few: a scale and an offset by channel, a rounding behind a clip or before it, at times once more."""
    net = begin(rng, False)
    for _ in range(net.pick(1, 1, 2)):
        by_channel = (net.channels,) if rng.random() < 0.5 else (1,)
        sign = rng.choice([-1, 1], by_channel)
        net.then("MUL", net.like(net.cell.shape), constant((sign * rng.uniform(0.5, 2, by_channel)).astype(np.float32)))
        net.then("ADD", net.like(net.cell.shape), constant(rng.normal(0, 0.5, by_channel).astype(np.float32)))
        if rng.random() < 0.2:  # Larq's sign, where 0 counts as positive
            net.then("SIGN", net.like(net.cell.shape))
            net.then("ADD", net.like(net.cell.shape), constant(np.float32(0.1)))
            net.then("SIGN", net.like(net.cell.shape))
            continue
        levels, early = net.pick(1, 3, 7, 15), bool(rng.integers(2))
        if early:
            _clip(net, 1.0)
        net.then("MUL", net.like(net.cell.shape), constant(np.float32(levels)))
        net.then(("ROUND", "ROUND", "FLOOR", "CEIL")[int(rng.integers(4))], net.like(net.cell.shape))
        if not early:
            _clip(net, levels)
        if rng.random() < 0.5:
            net.then("MUL", net.like(net.cell.shape), constant(np.float32(1 / levels)))
    if rng.random() < 0.5:
        net.then("RESHAPE", net.like((1, int(np.prod(net.cell.shape)))), constant(np.int32([1, -1])))
    return net


def _clip(net: Network, high: float) -> None:
    """To 0 to `high`, in one of the ways that converters write it."""
    shape, lowest = net.cell.shape, net.pick(0, 1, 2)
    net.then("MINIMUM", net.like(shape), constant(np.float32(high)))
    if lowest:
        net.then("RELU", net.like(shape))
    else:
        net.then("MAXIMUM", net.like(shape), constant(np.float32([0])))


KINDS: tuple[Callable[[np.random.Generator], Network], ...] = (
    binary_convolution, binary_convolution, binary_convolution, binary_pool, convolution, depthwise, dense, pool, pool,
    arithmetic, arithmetic, unary, unary, moving, extreme, split, quantizer, scaled_weights,
)  # fmt: skip


def network(seed: int) -> tuple[str, bytes]:
    """(its kind, its file)."""
    kind = KINDS[seed % len(KINDS)]
    net = kind(np.random.default_rng(seed))
    return kind.__name__, model(net.cells, net.steps)
