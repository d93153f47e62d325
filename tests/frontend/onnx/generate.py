"""Random QONNX networks: every operator and idiom that lowering knows, in shapes and with values that are likely to trip it.

An exact network computes with short binary fractions only, so that float32 rounds nowhere and every executor must give the
same numbers, ties included. The others hold any numbers: there a value near a threshold may fall on either side of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

ROUNDING = ("ROUND", "HALF_EVEN", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN")
QONNX = "qonnx.custom_op.general"
OPSET = 13


@dataclass
class Network:
    """A network in the making: `shape` is that of the tensor `x` that the next layer reads, without the batch axis."""

    rng: np.random.Generator
    shape: tuple[int, ...]
    exact: bool
    x: str = "image"
    nodes: list = field(default_factory=list)
    constants: list = field(default_factory=list)
    count: int = 0

    @property
    def is_map(self) -> bool:
        return len(self.shape) == 3

    @property
    def channels(self) -> int:
        return self.shape[0]

    def name(self) -> str:
        self.count += 1
        return f"t{self.count}"

    def constant(self, values: object, kind: type = np.float32) -> str:
        name = self.name()
        self.constants.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def node(self, op: str, *inputs: str, outputs: int = 1, domain: str = "", **attributes: object) -> str:
        """The node's first output, which `x` is not yet."""
        names = [self.name() for _ in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, domain=domain, name=f"{op}_{self.count}", **attributes))
        return names[0]

    def one_of(self, *choices: object) -> object:
        return choices[self.rng.integers(len(choices))]

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def by_channel(self, values: np.ndarray) -> np.ndarray:
        """[C] as it broadcasts to the current tensor."""
        return values.reshape(-1, 1, 1) if self.is_map else values

    def reals(self, spread: float, shape: int | tuple[int, ...] = ()) -> np.ndarray:
        """Normal numbers, of three binary places in an exact network."""
        drawn = self.rng.normal(0, spread, shape)
        return np.rint(8 * drawn) / 8 if self.exact else drawn

    def scale(self, shape: tuple[int, ...] = ()) -> np.ndarray:
        """Powers of two or anything: ties are frequent with the first, rounding with the second."""
        if self.exact or self.chance(0.2):
            return 2.0 ** self.rng.integers(-4, 2, shape)
        return self.rng.uniform(0.02, 1.5, shape)


def network(seed: int, exact: bool) -> tuple[ModelProto, np.ndarray]:
    """A model and two images [2, ...] of whole numbers 0 ... 255; the model reads them over `pixel(exact)`."""
    rng = np.random.default_rng(seed)
    if rng.random() < 0.7:
        shape: tuple[int, ...] = (int(rng.integers(1, 5)), int(rng.integers(4, 10)), int(rng.integers(4, 10)))
    else:
        shape = (int(rng.choice([1, 7, 31, 32, 33, 63, 64, 65, 70])),)
    n = Network(rng, shape, exact)
    if n.chance(0.5):
        quantizer(n)
    for _ in range(int(rng.integers(1, 4))):
        block(n)
    if n.is_map and n.chance(0.7):
        to_vector(n)
        linear(n)
    model = helper.make_model(
        helper.make_graph(
            n.nodes, f"random_{seed}",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, *shape])],
            [helper.make_tensor_value_info(n.x, TensorProto.FLOAT, None)],
            n.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(QONNX, 1)],
        ir_version=8,
    )  # fmt: skip
    return model, rng.integers(0, 256, (2, *shape))


def pixel(exact: bool) -> float:
    """What a pixel is divided by."""
    return 256.0 if exact else 255.0


def block(n: Network) -> None:
    """A layer, what stands behind it, and a quantizer; sometimes around a shortcut."""
    before, shape = n.x, n.shape
    linear(n)
    for _ in range(int(n.rng.integers(0, 3))):
        elementwise(n)
    if n.is_map and min(n.shape[1:]) >= 2 and n.chance(0.3):
        pool(n)
    if n.shape == shape and n.chance(0.5):
        n.x = n.node("Add", n.x, before)
    if n.chance(0.2):
        rearrange(n)
    quantizer(n)


def linear(n: Network) -> None:
    """A convolution of maps, a matrix product of vectors; with any kind of weights."""
    if n.is_map:
        convolution(n)
        return
    outputs = int(n.rng.integers(1, 12))
    form = n.one_of("matmul", "transpose", "gemm")
    if form == "matmul":
        n.x = n.node("MatMul", n.x, weights(n, (n.channels, outputs), 1))
    elif form == "transpose":
        n.x = n.node("MatMul", n.x, n.node("Transpose", weights(n, (outputs, n.channels), 0), perm=[1, 0]))
    else:
        bias = [n.constant(n.reals(1, outputs))] if n.chance(0.5) else []
        n.x = n.node("Gemm", n.x, weights(n, (outputs, n.channels), 0), *bias, transB=1)
    n.shape = (outputs,)


def convolution(n: Network) -> None:
    c, h, w = n.shape
    groups = int(n.one_of(1, 1, c, *[g for g in (2, 3) if c % g == 0]))
    filters = groups * int(n.rng.integers(1, 5))
    kernel = [int(n.rng.integers(1, min(4, size + 1))) for size in (h, w)]
    dilations = [int(n.rng.integers(1, 3)) if d * 2 - 1 <= size else 1 for d, size in zip(kernel, (h, w), strict=True)]
    strides = n.rng.integers(1, 3, 2).tolist()
    pads = n.rng.integers(0, 2, 4).tolist()
    bias = [n.constant(n.reals(1, filters))] if n.chance(0.3) else []
    kernel_weights = weights(n, (filters, c // groups, *kernel), 0)
    n.x = n.node(
        "Conv",
        n.x,
        kernel_weights,
        *bias,
        kernel_shape=kernel,
        strides=strides,
        dilations=dilations,
        pads=pads,
        group=groups,
    )
    sizes = [
        (size + pads[a] + pads[a + 2] - dilations[a] * (kernel[a] - 1) - 1) // strides[a] + 1
        for a, size in enumerate((h, w))
    ]
    n.shape = (filters, *sizes)


def weights(n: Network, shape: tuple[int, ...], axis: int) -> str:
    """Real, quantized by a node with one scale or one per filter (`axis`), or quantized already."""
    values = n.reals(0.7, shape)
    per_filter = [shape[axis] if a == axis else 1 for a in range(len(shape))]
    scale = n.scale(tuple(per_filter) if n.chance(0.5) else ())
    form = n.one_of("real", "bipolar", "bipolar", "ternary", "bits", "baked")
    if form == "real":
        return n.constant(values)
    if form == "baked":
        return n.constant(np.where(values >= 0, 1, -1) * n.scale(tuple(per_filter)).astype(np.float32))
    if form == "bipolar":
        return n.node("BipolarQuant", n.constant(values), n.constant(scale), domain=QONNX)
    bits, narrow = (2, 1) if form == "ternary" else (int(n.rng.integers(2, 9)), int(n.rng.integers(2)))
    return quant(n, n.constant(values), scale, 0, bits, 1, narrow)


def quant(n: Network, x: str, scale: object, zero: object, bits: int, signed: int, narrow: int) -> str:
    operands = (n.constant(scale), n.constant(zero), n.constant(float(bits)))
    mode = str(n.one_of(*ROUNDING))
    return n.node("Quant", x, *operands, domain=QONNX, signed=signed, narrow=narrow, rounding_mode=mode)


def quantizer(n: Network) -> None:
    """One of QONNX's, or one of the idioms that stand for it in plain ONNX."""
    form = n.one_of("bipolar", "bipolar", "quant", "quant", "thresholds", "where", "cast", "sign", "round", "trunc", "hard")
    x = n.x
    if form == "bipolar":
        x = n.node("BipolarQuant", x, n.constant(n.scale()), domain=QONNX)
    elif form == "quant":
        bits, signed = int(n.rng.integers(1, 5)), int(n.rng.integers(2))
        narrow = int(n.rng.integers(2)) if bits > 1 else 0
        scale = n.by_channel(n.scale((n.channels,))) if n.chance(0.3) else n.scale()
        zero = float(n.rng.integers(-1, 2)) if n.chance(0.2) and bits > 1 else 0.0
        x = quant(n, x, scale, zero, bits, signed, narrow)
    elif form == "thresholds":
        rows = n.channels if n.chance(0.6) else 1
        levels = np.sort(n.reals(2, (rows, int(n.rng.integers(1, 8)))), axis=1)
        x = n.node(
            "MultiThreshold", x, n.constant(levels), domain=QONNX, out_dtype="UINT4",
            out_scale=float(n.one_of(1.0, 2.0, 0.25)), out_bias=float(n.one_of(0.0, -1.0)),
            data_layout="NCHW" if n.is_map else "NC",
        )  # fmt: skip
    elif form == "where":
        test = n.node(str(n.one_of("GreaterOrEqual", "Greater", "Less")), x, n.constant(n.one_of(0.0, 0.125)))
        x = n.node("Where", test, n.constant(1.0), n.constant(-1.0))
    elif form == "cast":
        cast = n.node("Cast", n.node(str(n.one_of("Greater", "GreaterOrEqual")), x, n.constant(0.0)), to=TensorProto.FLOAT)
        x = n.node("Sub", n.node("Mul", cast, n.constant(2.0)), n.constant(1.0))
    elif form == "sign":
        x = n.node("Sign", n.node("Add", n.node("Sign", x), n.constant(0.1))) if n.chance(0.6) else n.node("Sign", x)
    elif form == "round":
        steps = float(n.one_of(1.0, 2.0, 4.0) if n.exact else n.one_of(1.0, 3.0, 15.0))
        x = n.node("Clip", x, n.constant(float(n.one_of(0.0, -1.0))), n.constant(1.0))
        x = n.node("Round", n.node("Mul", x, n.constant(steps)))
        x = n.node("Div", x, n.constant(steps))
    elif form == "trunc":
        scale = float(n.scale())
        x = quant(n, x, scale, 0, 6, 1, 0)
        bits = int(n.rng.integers(2, 5))
        operands = (n.constant(scale), n.constant(0.0), n.constant(6.0), n.constant(float(bits)))
        x = n.node("Trunc", x, *operands, domain=QONNX, rounding_mode=str(n.one_of("FLOOR", "ROUND")))
    else:
        x = n.node("Clip", x, n.constant(-1.0), n.constant(1.0))
        x = n.node("BipolarQuant", x, n.constant(1.0), domain=QONNX)
    n.x = x


def elementwise(n: Network) -> None:
    form = n.one_of("norm", "norm", "mul", "add", "relu", "leaky", "prelu", "clip", "hard_sigmoid", "neg", "div")
    real = n.by_channel(n.reals(1, n.channels)) if n.chance(0.6) else n.reals(1)
    if form == "norm":
        gamma = n.reals(1, n.channels) * (n.rng.random(n.channels) > 0.1)
        variance = 4.0 ** n.rng.integers(-1, 2, n.channels) if n.exact else n.rng.uniform(0.1, 3, n.channels)
        parts = (gamma, n.reals(1, n.channels), n.reals(2, n.channels), variance)
        epsilon = 0.0 if n.exact else 1e-5
        n.x = n.node("BatchNormalization", n.x, *(n.constant(part) for part in parts), epsilon=epsilon)
    elif form in ("mul", "add"):
        operands = [n.x, n.constant(real)]
        n.x = n.node(form.capitalize(), *(operands if n.chance(0.7) else operands[::-1]))
    elif form == "div":
        n.x = n.node("Div", n.x, n.constant(np.where(np.abs(real) < 0.1, 1.0, np.sign(real) * 0.5 if n.exact else real)))
    elif form == "relu":
        n.x = n.node("Relu", n.x)
    elif form == "leaky":
        n.x = n.node("LeakyRelu", n.x, alpha=0.125)
    elif form == "prelu":
        n.x = n.node("PRelu", n.x, n.constant(n.by_channel(np.abs(n.reals(0.3, n.channels)))))
    elif form == "clip":
        n.x = n.node("Clip", n.x, n.constant(-1.5), n.constant(2.0))
    elif form == "hard_sigmoid":
        n.x = n.node("HardSigmoid", n.x, alpha=0.25 if n.exact else 0.2)
    else:
        n.x = n.node("Neg", n.x)


def pool(n: Network) -> None:
    c, h, w = n.shape
    if n.chance(0.6):
        pads = n.rng.integers(0, 2, 4).tolist()
        n.x = n.node("MaxPool", n.x, kernel_shape=[2, 2], strides=[2, 2], pads=pads)
        n.shape = (c, (h + pads[0] + pads[2] - 2) // 2 + 1, (w + pads[1] + pads[3] - 2) // 2 + 1)
    elif n.exact or n.chance(0.7):
        n.x = n.node("AveragePool", n.x, kernel_shape=[2, 2], strides=[1, 1])
        n.shape = (c, h - 1, w - 1)
    else:
        n.x = n.node("GlobalAveragePool", n.x)
        n.shape = (c, 1, 1)


def rearrange(n: Network) -> None:
    """There and back in another layout, or apart and together again along the channels."""
    if n.is_map and n.chance(0.5):
        n.x = n.node("Transpose", n.node("Transpose", n.x, perm=[0, 2, 3, 1]), perm=[0, 3, 1, 2])
    elif n.channels > 1:
        first = int(n.rng.integers(1, n.channels))
        sizes = n.constant([first, n.channels - first], np.int64)
        head = n.node("Split", n.x, sizes, outputs=2, axis=1)
        tail = f"t{n.count}"
        n.x = n.node("Concat", tail, head, axis=1)


def to_vector(n: Network) -> None:
    form = n.one_of("flatten", "reshape", "shape", "pool")
    if form == "pool" and not n.exact:
        n.x = n.node("GlobalAveragePool", n.x)
        n.shape = (n.channels, 1, 1)
    size = int(np.prod(n.shape))
    if form in ("flatten", "pool"):
        n.x = n.node("Flatten", n.x, axis=1)
    elif form == "reshape":
        n.x = n.node("Reshape", n.x, n.constant(n.one_of([1, -1], [0, size]), np.int64))
    else:
        batch = n.node("Gather", n.node("Shape", n.x), n.constant(0, np.int64), axis=0)
        first = n.node("Unsqueeze", batch, n.constant([0], np.int64))
        n.x = n.node("Reshape", n.x, n.node("Concat", first, n.constant([-1], np.int64), axis=0))
    n.shape = (size,)
