"""Networks in QDQ form whose weights and activations are whole numbers of four and two bits."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from neurobin.frontend.onnx.kinds import NARROW, bounds
from tests.frontend.onnx.net import Net

INT4, UINT4, INT2, UINT2 = (np.dtype(getattr(ml_dtypes, name)) for name in ("int4", "uint4", "int2", "uint2"))
TYPES = [UINT4, INT4, UINT2, INT2]
NEWEST = 25  # the first opset that has all of them


def number_of(kind: np.dtype) -> int:
    return next(number for number, name in NARROW.items() if name == kind.name)


def drawn(rng: np.random.Generator, shape: tuple[int, ...], kind: np.dtype) -> np.ndarray:
    """Every number of the type."""
    low, high = bounds(kind)
    return rng.integers(low, high + 1, shape).astype(kind)


def scales(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Powers of two, with which no sum of products is rounded."""
    return np.float32(2.0) ** rng.integers(-3, 1, shape).astype(np.float32)


def quantized(net: Net, x: str, kind: np.dtype, scale: object, zero: object = 0, **stated: object) -> str:
    """QuantizeLinear, and back."""
    steps = np.asarray(scale, np.float32)
    origin = np.broadcast_to(np.asarray(zero), steps.shape).astype(kind)
    codes = net("QuantizeLinear", x, steps, origin, **stated)
    return net("DequantizeLinear", codes, steps, origin, **stated)


def weights(net: Net, codes: np.ndarray, scale: object, zero: np.ndarray | None = None, **stated: object) -> str:
    """Codes in the file, behind a DequantizeLinear."""
    return net("DequantizeLinear", codes, np.asarray(scale, np.float32), *([] if zero is None else [zero]), **stated)


def narrow_network(rng: np.random.Generator, name: str = "x") -> Net:
    """A random one of convolutions or products with weights and activations of four and two bits, in QDQ form."""
    maps = bool(rng.integers(2))
    net = Net((1, 3, 6, 6) if maps else (1, 12), opset=NEWEST, name=name)
    channels, x = net.shape[1], net("Sub", net.name, np.float32(32))
    for _ in range(int(rng.integers(1, 4))):
        kind = TYPES[int(rng.integers(4))]
        zero = int(rng.integers(bounds(kind)[0], bounds(kind)[1] + 1))
        x = quantized(net, x, kind, 2.0 ** int(rng.integers(2, 5)), zero)
        made, held = int(rng.integers(2, 6)), TYPES[int(rng.integers(4))]
        shape = (made, channels, 3, 3) if maps else (made, channels)
        axis, block = 0, 0
        scale, origin = scales(rng, made), drawn(rng, (made,), held)
        if rng.integers(3) == 0:  # blocks along the inputs
            axis, block = 1, int(rng.integers(1, 5))
            sizes = (made, -(-channels // block), *shape[2:])
            scale, origin = scales(rng, *sizes), drawn(rng, sizes, held)
        parameters = () if rng.integers(2) else (origin,)
        w = weights(net, drawn(rng, shape, held), scale, *parameters, axis=axis, block_size=block)
        x = net("Conv", x, w, pads=[1] * 4) if maps else net("Gemm", x, w, transB=1)
        channels = made
    return net
