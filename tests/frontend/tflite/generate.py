"""Small random networks around each operator of TensorFlow Lite and Larq Compute Engine, written by `build`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tests.frontend.tflite.build import Cell, Step, constant, model

CHANNELS = (1, 2, 3, 5, 8, 16, 19, 31, 32, 33, 40, 63, 64, 65, 96, 127, 128, 129)
SAME, VALID = 0, 1


@dataclass
class Network:
    """Tensors and operators so far; each method adds one operator on tensor number `at` and moves it to the result."""

    rng: np.random.Generator
    cells: list[Cell]
    steps: list[Step]
    at: int = 0

    @property
    def cell(self) -> Cell:
        return self.cells[self.at]

    @property
    def size(self) -> tuple[int, int]:
        return self.cell.shape[1], self.cell.shape[2]

    @property
    def channels(self) -> int:
        return self.cell.shape[-1]

    def put(self, cell: Cell) -> int:
        self.cells.append(cell)
        return len(self.cells) - 1

    def then(self, op: str, cell: Cell, *operands: Cell | int, **options: int | float) -> None:
        """An operator on the tensor so far and others: a new constant, or the number of a tensor, -1 for none."""
        numbers = [one if isinstance(one, int) else self.put(one) for one in operands]
        self.steps.append(Step(op, [self.at, *numbers], [self.put(cell)], options))
        self.at = len(self.cells) - 1

    def pick(self, *choices: int) -> int:
        return int(self.rng.choice(choices))

    def like(self, shape: tuple[int, ...], spread: float = 1.0) -> Cell:
        """A result of the same type; 8-bit ones with a scale that values of that spread fill."""
        if self.cell.kind == "<f4":
            return Cell("<f4", shape)
        scale = self.cell.scale[0] * spread * self.rng.uniform(0.5, 1.5)
        return Cell("i1", shape, None, (float(np.float32(scale)),), (int(self.rng.integers(-40, 40)),))

    def window(
        self, kernel: tuple[int, int], most: int, dilated: bool = True
    ) -> tuple[dict[str, int | float], tuple[int, int]]:
        """(strides, dilations, padding; the size of what the window makes)."""
        strides = [self.pick(1, 1, 2, most) for _ in range(2)]
        reach, dilations = list(kernel), [1, 1]
        for axis in range(2 if dilated else 0):
            if (kernel[axis] - 1) * 2 < self.size[axis]:
                dilations[axis] = self.pick(1, 1, 2)
            reach[axis] = (kernel[axis] - 1) * dilations[axis] + 1
        fits = all(reach[axis] <= self.size[axis] for axis in range(2))
        padding = self.pick(SAME, VALID) if fits else SAME
        options: dict[str, int | float] = {"padding": padding, "stride_height": strides[0], "stride_width": strides[1]}
        if dilated:
            options |= {"dilation_height_factor": dilations[0], "dilation_width_factor": dilations[1]}
        made = [
            -(-self.size[a] // strides[a]) if padding == SAME else (self.size[a] - reach[a]) // strides[a] + 1
            for a in range(2)
        ]
        return options, (made[0], made[1])

    def kernel(self, most: int) -> tuple[int, int]:
        sizes = [min(self.pick(*range(1, most + 1)), size + 1) for size in self.size]
        return sizes[0], sizes[1]


def begin(rng: np.random.Generator, eight: bool, channels: int | None = None) -> Network:
    shape = (1, *(int(rng.integers(1, 10)) for _ in range(2)), channels or int(rng.choice(CHANNELS[:8])))
    if not eight:
        return Network(rng, [Cell("<f4", shape)], [])
    scale = (float(np.float32(rng.uniform(0.004, 0.05))),)
    return Network(rng, [Cell("i1", shape, None, scale, (int(rng.integers(-128, 128)),))], [])


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
    """Operators on single elements; 8-bit numbers change their scale in them."""
    net = begin(rng, bool(rng.integers(2)))
    eight, shape = net.cell.kind == "i1", net.cell.shape
    op = ("RELU", "RELU6", "RELU_N1_TO_1", "PRELU", "LEAKY_RELU", "LOGISTIC", "QUANTIZE")[int(rng.integers(6 + eight))]
    if not eight:
        net.then("ADD", net.like(shape), constant(np.float32([-0.5])), fused_activation_function=0)
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
    return net


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


KINDS: tuple[Callable[[np.random.Generator], Network], ...] = (
    binary_convolution, binary_convolution, binary_convolution, binary_pool, convolution, depthwise, dense, pool, pool,
    arithmetic, arithmetic, unary, unary, moving,
)  # fmt: skip


def network(seed: int) -> tuple[str, bytes]:
    """(its kind, its file)."""
    kind = KINDS[seed % len(KINDS)]
    net = kind(np.random.default_rng(seed))
    return kind.__name__, model(net.cells, net.steps)
