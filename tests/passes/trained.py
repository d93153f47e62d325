"""Random graphs as trained, with quantizers, batch norms of either sign, pools and shortcuts, for tests of the passes."""

from __future__ import annotations

import numpy as np

from neurobin.ir import BIPOLAR, FLOAT64, TERNARY, Builder, Constant, DType, Encoding, Graph, TensorType
from neurobin.ir.dtype import u
from neurobin.ops import op_class


class Trained(Builder):
    """A builder that makes up the parameters of real layers."""

    def __init__(self, seed: int, image: TensorType) -> None:
        super().__init__({"image": image})
        self.rng = np.random.default_rng(seed)

    def op(self, name: str, *sources: str, **attributes: object) -> str:
        return self.add(op_class(name)(**attributes), *sources)

    def real(self, *shape: int, low: float = -1.0, high: float = 1.0) -> Constant:
        return Constant(FLOAT64, self.rng.uniform(low, high, shape))

    def batch_norm(self, x: str) -> str:
        """gamma of either sign, some exactly zero; dyadic parameters now and then, so that ties happen."""
        c = self.types[x].channels
        gamma = self.rng.choice([-1.5, -1.0, 0.0, 0.5, 1.0, 2.0], c)
        beta = self.rng.choice([-0.5, 0.0, 0.25, 1.0], c) if self.rng.random() < 0.5 else self.rng.normal(size=c)
        mean = self.rng.integers(-4, 5, c).astype(float)
        variance = self.rng.choice([0.25, 1.0, 4.0], c)
        parts = {"gamma": gamma, "beta": beta, "mean": mean, "variance": variance}
        return self.op("batch_norm", x, **{k: Constant(FLOAT64, v) for k, v in parts.items()}, epsilon=0.0)

    def conv(self, x: str, outputs: int, weight: DType | None, *, groups: int = 1, stride: int = 1) -> str:
        c = self.types[x].channels // groups
        shape = (outputs, 3, 3, c)
        if weight is None:
            return self.op("conv2d", x, weight=self.real(*shape), padding=(1, 1, 1, 1), groups=groups, stride=(stride,) * 2)
        values = np.arange(-1, 2) if weight == TERNARY else weight.table
        return self.op("conv2d", x, weight=Constant(weight, self.rng.choice(values, shape)), padding=(1, 1, 1, 1),
                       groups=groups, stride=(stride,) * 2, scale=self.real(outputs, low=0.1))  # fmt: skip

    def quantizer(self, x: str, bits: int) -> str:
        """Sign with random thresholds, or a k-bit quantizer followed by the scale of its codes."""
        if bits == 1:
            return self.op("sign", x, threshold=Constant(FLOAT64, self.rng.choice([-0.5, 0.0, 0.5], self.types[x].channels)))
        codes = self.op("quantize", x, bits=bits)
        return self.op("affine", codes, scale=Constant(FLOAT64, np.array([1 / (2**bits - 1)])))

    def input(self) -> str:
        """(x - 8) / 8: exact in integers."""
        return self.op("affine", "image", scale=Constant(FLOAT64, np.array([0.125])), bias=Constant(FLOAT64, -np.ones(1)))


def plain(seed: int, *, bits: int = 1, weight: DType = BIPOLAR, pool_first: bool = False) -> Graph:
    """Every layer quantized: conv, batch norm, [ReLU or PReLU], [pool], quantizer, twice; dense at the end."""
    b = Trained(seed, TensorType((6, 6, 2), u(5)))
    x = b.input()
    for layer in range(2):
        x = b.conv(x, 4, weight, groups=1 if layer == 0 else 2)
        if pool_first and layer:
            x = b.op("max_pool2d", x, kernel=(2, 2), stride=(2, 2))
        x = b.batch_norm(x)
        if b.rng.random() < 0.3:
            x = b.op("relu", x)
        elif b.rng.random() < 0.3:
            x = b.op("prelu", x, slope=b.real(4, low=0.0))
        if not pool_first and layer:
            x = b.op("max_pool2d", x, kernel=(2, 2), stride=(2, 2))
        x = b.quantizer(x, bits)
    x = b.op("channel_shuffle", x, groups=2)
    x = b.op("flatten", x, channels_first=bool(seed % 2))
    features = b.types[x].size
    values = np.arange(-1, 2) if weight == TERNARY else weight.table
    return b.graph(b.op("dense", x, weight=Constant(weight, b.rng.choice(values, (3, features)))))


def shortcut(seed: int, *, k_map: bool = False) -> Graph:
    """A Bi-Real block (and XNOR-Net's input scale map), with PReLU, concatenation, a strided block and a real last layer."""
    b = Trained(seed, TensorType((6, 6, 1), u(5)))
    x = b.batch_norm(b.conv(b.input(), 4, None))
    for _ in range(2):
        y = b.conv(b.quantizer(x, 1), 4, BIPOLAR)
        if k_map:
            scale = b.op("channel_sum", b.op("abs", x))
            scale = b.op("affine", scale, scale=Constant(FLOAT64, np.array([0.25])))
            scale = b.op("avg_pool2d", scale, kernel=(3, 3), stride=(1, 1), padding=(1, 1, 1, 1))
            y = b.op("multiply", y, scale)
        x = b.op("prelu", b.op("add", x, b.batch_norm(y)), slope=b.real(4, low=0.0))
    x = b.op("concat", x, b.batch_norm(b.conv(b.quantizer(x, 1), 4, BIPOLAR)))
    x = b.op("avg_pool2d", x, kernel=(6, 6), stride=(6, 6))
    x = b.op("dense", b.op("flatten", x), weight=b.real(5, 8))
    return b.graph(b.op("affine", x, bias=b.real(5)))


def images(graph: Graph, count: int, seed: int = 0) -> np.ndarray:
    kind = graph.inputs[graph.input]
    return np.random.default_rng(seed).integers(0, kind.dtype.high + 1, (count, *kind.shape))


BIPOLAR2 = DType(Encoding.BIPOLAR, 2)
