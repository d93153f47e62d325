"""Writes the networks beside this file, with images and what the tool that exports them computes on them.

Run by hand, in an environment of its own, when a network is added or Brevitas changes what it writes:

    pip install torch==2.13.0 brevitas==0.13.4 qonnx==1.0.0 onnx==1.23.2 onnxscript \
        onnxoptimizer==0.4.2 onnxruntime==1.32.0
    python tests/frontend/onnx/brevitas/make.py

Nothing is trained. Weights are drawn with a seed; batch norms see random images once, so that signals neither vanish nor
saturate, and then get disturbed statistics and factors of either sign. `NAME.npz` holds `pixels` uint8 [16, ...] and
`scores` float32 [16, ...], the tool's own results for pixels / 255. Three networks (`ort_...`) are plain torch,
quantized and computed by onnxruntime.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import brevitas.nn as qnn
import numpy as np
import onnx
import onnxruntime
import torch
from brevitas.core.restrict_val import RestrictValueType
from brevitas.export import export_onnx_qcdq, export_qonnx
from brevitas.inject.enum import QuantType
from brevitas.quant import (
    Int8ActPerTensorFloat,
    Int8WeightPerChannelFloat,
    Int8WeightPerTensorFloat,
    Int16Bias,
    SignedBinaryActPerTensorConst,
    SignedBinaryWeightPerTensorConst,
    SignedTernaryActPerTensorConst,
    SignedTernaryWeightPerTensorConst,
    TruncTo8bit,
    Uint8ActPerTensorFloat,
)
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
from onnxruntime.quantization import QuantType as Stored
from torch import nn

HERE = Path(__file__).parent
IMAGES = 16
OPSET = 18
EXTERNAL = {"external_data"}


class BinaryWeight(SignedBinaryWeightPerTensorConst):
    scaling_const = 1.0


class HalfWeight(SignedBinaryWeightPerTensorConst):
    scaling_const = 0.3  # no short binary fraction: scales must move, not round


class BinaryAct(SignedBinaryActPerTensorConst):
    min_val, max_val = -1.0, 1.0


class TernaryWeight(SignedTernaryWeightPerTensorConst):
    scaling_const, threshold = 0.2, 0.5


class TernaryAct(SignedTernaryActPerTensorConst):
    min_val, max_val = -1.0, 1.0


class PixelAct(Int8ActPerTensorFloat):
    """The first layer's input, -1 to 1 - 1/128 in steps of 1/128."""

    scaling_impl_type = "const"
    restrict_scaling_type = RestrictValueType.POWER_OF_TWO
    quant_type = QuantType.INT
    min_val, max_val = -1.0, 1.0 - 2.0**-7


class Signed(nn.Module):
    """Pixels 0 to 1 as -1 to 1."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2.0 * x - 1.0


def sign() -> nn.Module:
    return qnn.QuantIdentity(act_quant=BinaryAct)


def conv(inputs: int, outputs: int, weight: type = BinaryWeight, kernel: int = 3, **options: object) -> nn.Module:
    return qnn.QuantConv2d(inputs, outputs, kernel, weight_quant=weight, bias=options.pop("bias", False), **options)


def dense(inputs: int, outputs: int, weight: type = BinaryWeight, **options: object) -> nn.Module:
    return qnn.QuantLinear(inputs, outputs, weight_quant=weight, bias=options.pop("bias", False), **options)


def mlp_1w1a() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Dropout(0.2), Signed(), sign(),
        dense(64, 48), nn.BatchNorm1d(48), nn.Dropout(0.2), sign(),
        dense(48, 33), nn.BatchNorm1d(33), sign(),
        dense(33, 10), nn.BatchNorm1d(10),
    )  # fmt: skip


def conv_1w1a() -> nn.Module:
    return nn.Sequential(
        Signed(), qnn.QuantIdentity(act_quant=PixelAct),
        conv(3, 8), nn.BatchNorm2d(8, eps=1e-4), sign(),
        conv(8, 8), nn.BatchNorm2d(8, eps=1e-4), sign(), nn.MaxPool2d(2),
        conv(8, 16), nn.BatchNorm2d(16, eps=1e-4), sign(),
        nn.Flatten(), dense(64, 24), nn.BatchNorm1d(24, eps=1e-4), sign(),
        dense(24, 10), nn.BatchNorm1d(10),
    )  # fmt: skip


def ternary() -> nn.Module:
    return nn.Sequential(
        conv(1, 6, TernaryWeight, padding=1), nn.BatchNorm2d(6), qnn.QuantIdentity(act_quant=TernaryAct),
        conv(6, 8, TernaryWeight, stride=2), nn.BatchNorm2d(8), qnn.QuantIdentity(act_quant=TernaryAct),
        nn.Flatten(), dense(72, 10, TernaryWeight),
    )  # fmt: skip


def mixed_2_4() -> nn.Module:
    weight = Int8WeightPerTensorFloat
    return nn.Sequential(
        qnn.QuantIdentity(act_quant=Uint8ActPerTensorFloat, bit_width=8),
        conv(3, 8, weight, weight_bit_width=4, padding=1), nn.BatchNorm2d(8), qnn.QuantReLU(bit_width=4),
        conv(8, 8, weight, weight_bit_width=2, padding=1), nn.BatchNorm2d(8), qnn.QuantReLU(bit_width=2),
        nn.MaxPool2d(2), conv(8, 12, weight, weight_bit_width=4), nn.BatchNorm2d(12),
        qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=4),
        nn.Flatten(), dense(48, 10, weight, weight_bit_width=2, bias=True),
    )  # fmt: skip


def per_channel() -> nn.Module:
    weight = Int8WeightPerChannelFloat
    return nn.Sequential(
        qnn.QuantIdentity(act_quant=Uint8ActPerTensorFloat, bit_width=6),
        conv(2, 8, weight, weight_bit_width=3), nn.BatchNorm2d(8), qnn.QuantReLU(bit_width=3),
        conv(8, 10, weight, weight_bit_width=3, stride=2, padding=1), nn.BatchNorm2d(10), qnn.QuantReLU(bit_width=3),
        nn.Flatten(), dense(160, 10, weight, weight_bit_width=5, bias=True),
    )  # fmt: skip


class Residual(nn.Module):
    """Two binary convolutions beside a shortcut; both sides get one scale before they are added."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(Signed(), qnn.QuantIdentity(act_quant=PixelAct), conv(3, 8, HalfWeight, padding=1))
        self.norm = nn.BatchNorm2d(8)
        self.inner = nn.Sequential(sign(), conv(8, 8, HalfWeight, padding=1), nn.BatchNorm2d(8))
        self.add = qnn.QuantEltwiseAdd(
            input_quant=Int8ActPerTensorFloat, output_quant=Int8ActPerTensorFloat, input_bit_width=4, output_bit_width=5
        )
        self.last = nn.Sequential(nn.MaxPool2d(2), sign(), nn.Flatten(), dense(128, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.first(x))
        return self.last(self.add(x, self.inner(x)))


def depthwise() -> nn.Module:
    return nn.Sequential(
        qnn.QuantIdentity(act_quant=Uint8ActPerTensorFloat, bit_width=8),
        conv(3, 8, Int8WeightPerTensorFloat, weight_bit_width=8), nn.BatchNorm2d(8), sign(),
        conv(8, 8, groups=8, padding=1), nn.BatchNorm2d(8), sign(),
        conv(8, 16, HalfWeight, kernel=1), nn.BatchNorm2d(16), sign(),
        conv(16, 16, Int8WeightPerChannelFloat, weight_bit_width=4, groups=16),
        nn.BatchNorm2d(16), qnn.QuantReLU(bit_width=4),
        conv(16, 12, kernel=1), nn.BatchNorm2d(12), sign(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 10),
    )  # fmt: skip


def unsigned_relu() -> nn.Module:
    biased = {"bias": True, "bias_quant": Int16Bias}
    return nn.Sequential(
        qnn.QuantIdentity(act_quant=Uint8ActPerTensorFloat, bit_width=8, return_quant_tensor=True),
        conv(3, 8, Int8WeightPerTensorFloat, weight_bit_width=6, **biased),
        qnn.QuantReLU(bit_width=3, return_quant_tensor=True),
        conv(8, 8, Int8WeightPerTensorFloat, weight_bit_width=4, stride=2, **biased),
        qnn.QuantReLU(bit_width=5, return_quant_tensor=True),
        nn.Flatten(), dense(72, 10, Int8WeightPerTensorFloat, weight_bit_width=8, **biased),
    )  # fmt: skip


def external_data() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), Signed(), sign(), dense(96, 40, HalfWeight), nn.BatchNorm1d(40), sign(),
        dense(40, 40), nn.BatchNorm1d(40), sign(), dense(40, 10, bias=True),
    )  # fmt: skip


def average_pool() -> nn.Module:
    return nn.Sequential(
        Signed(), qnn.QuantIdentity(act_quant=PixelAct),
        conv(3, 8, padding=1), nn.BatchNorm2d(8),
        qnn.QuantHardTanh(bit_width=4, min_val=-1.0, max_val=1.0, return_quant_tensor=True),
        qnn.TruncAvgPool2d(2, trunc_quant=TruncTo8bit, bit_width=4, return_quant_tensor=False),
        conv(8, 12), nn.BatchNorm2d(12), sign(),
        nn.AvgPool2d(2), nn.Flatten(), dense(48, 10, Int8WeightPerTensorFloat, weight_bit_width=4),
    )  # fmt: skip


def qcdq_mlp() -> nn.Module:
    weight = Int8WeightPerTensorFloat
    return nn.Sequential(
        nn.Flatten(), qnn.QuantIdentity(act_quant=Uint8ActPerTensorFloat, bit_width=8),
        dense(64, 32, weight, weight_bit_width=2), nn.BatchNorm1d(32), qnn.QuantReLU(bit_width=3),
        dense(32, 32, weight, weight_bit_width=4), nn.BatchNorm1d(32),
        qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=4),
        dense(32, 10, weight, weight_bit_width=8, bias=True),
    )  # fmt: skip


def qcdq_conv() -> nn.Module:
    weight = Int8WeightPerChannelFloat
    return nn.Sequential(
        qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=8),
        conv(3, 8, weight, weight_bit_width=4), nn.BatchNorm2d(8), qnn.QuantReLU(bit_width=4),
        conv(8, 8, weight, weight_bit_width=3, padding=1), nn.BatchNorm2d(8), qnn.QuantReLU(bit_width=4),
        nn.MaxPool2d(2), nn.Flatten(), dense(128, 10, weight, weight_bit_width=4), nn.BatchNorm1d(10),
    )  # fmt: skip


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "mlp_1w1a": (mlp_1w1a, (1, 8, 8)),
    "conv_1w1a": (conv_1w1a, (3, 12, 12)),
    "ternary": (ternary, (1, 8, 8)),
    "mixed_2_4": (mixed_2_4, (3, 8, 8)),
    "per_channel": (per_channel, (2, 10, 10)),
    "residual": (Residual, (3, 8, 8)),
    "depthwise": (depthwise, (3, 10, 10)),
    "unsigned_relu": (unsigned_relu, (3, 10, 10)),
    "external_data": (external_data, (96,)),
    "average_pool": (average_pool, (3, 12, 12)),
    "qcdq_mlp": (qcdq_mlp, (1, 8, 8)),
    "qcdq_conv": (qcdq_conv, (3, 10, 10)),
}


def pictures(rng: np.random.Generator, count: int, shape: tuple[int, ...]) -> np.ndarray:
    """uint8 [count, ...]: coarse patches of any contrast with noise, so that one image differs from another."""
    coarse = rng.uniform(0, 255, (count, *(-(-size // 4) for size in shape)))
    for axis in range(1, coarse.ndim):
        coarse = coarse.repeat(4, axis)
    coarse = coarse[tuple(slice(size) for size in (count, *shape))]
    return np.clip(coarse + rng.normal(0, 30, coarse.shape), 0, 255).astype(np.uint8)


def drawn(build: Callable[[], nn.Module], seed: int, shape: tuple[int, ...]) -> tuple[nn.Module, np.ndarray]:
    """A module in evaluation mode, and pixels for it. Scores with a bias are centred, so that no class wins always."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = build()
    norms = [part for part in net.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    for part in net.modules():
        if isinstance(part, qnn.QuantConv2d | qnn.QuantLinear):
            nn.init.uniform_(part.weight, -0.5, 0.5)
    for part in norms:
        part.momentum = None  # the mean over all it sees
    net.train()
    with torch.no_grad():
        for _ in range(3):
            net(torch.from_numpy(pictures(rng, 64, shape)).float() / 255)
        for part in norms:
            spread = part.running_var.sqrt()
            part.running_mean += 0.4 * spread * torch.randn_like(spread)
            part.running_var *= torch.rand_like(spread) + 0.5
            part.weight.copy_(torch.randn_like(spread))
            part.bias.copy_(0.4 * torch.randn_like(spread))
        net.eval()
        last = list(net.modules())[-1] if norms and list(net.modules())[-1] is norms[-1] else None
        biased = [part for part in net.modules() if isinstance(part, nn.Linear) and part.bias is not None]
        for part in [last] if last is not None else biased[-1:]:
            part.bias -= values(net, pictures(rng, 256, shape)).mean(0)
    return net, pictures(rng, IMAGES, shape)


def values(net: nn.Module, pixels: np.ndarray) -> torch.Tensor:
    """The module's scores as plain numbers."""
    with torch.no_grad():
        scores = net(torch.from_numpy(pixels).float() / 255)
    return getattr(scores, "value", scores)


def save(model: onnx.ModelProto, to: Path, beside: bool) -> None:
    """A model without its writer's notes on source files; weights inside, or `beside` it as torch's exporter lays them."""
    model.doc_string = model.graph.doc_string = ""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
    where = {"save_as_external_data": True, "location": f"{to.name}.data", "size_threshold": 0} if beside else {}
    to.with_suffix(".onnx.data").unlink(missing_ok=True)  # onnx appends
    onnx.save(model, to, **where)


def exported(name: str, net: nn.Module, shape: tuple[int, ...]) -> onnx.ModelProto:
    """What Brevitas writes. It leaves weights inside the file, and torch's file of external data without a reader."""
    export = export_onnx_qcdq if name.startswith("qcdq") else export_qonnx
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "network.onnx"
        export(net, torch.zeros(1, *shape), export_path=str(written), opset_version=OPSET, verbose=False)
        return onnx.load(written)


class Product(nn.Module):
    """A matrix product without a sum: MatMul, not Gemm."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs) / 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight


def real_net() -> nn.Module:
    """Plain torch, for onnxruntime to quantize."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 3), nn.ReLU(), nn.Flatten(), Product(108, 10),
    )  # fmt: skip


class Calibration(CalibrationDataReader):
    def __init__(self, images: np.ndarray) -> None:
        self.images = iter(images)

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self.images, None)
        return None if image is None else {"x": image[None]}


def write_quantized(name: str, form: QuantFormat, activation: Stored, *, narrow: bool = False) -> None:
    """A network that onnxruntime quantized statically, and what onnxruntime computes.

    `narrow`: weights of four bits, for which the standard has types since opset 21. onnxruntime's optimizer then makes pools
    of four bits, which its pools refuse, so it is left out.
    """
    shape, opset = (3, 10, 10), 21 if narrow else OPSET
    net, pixels = drawn(real_net, 20, shape)
    images = (pixels / np.float32(255)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        plain, written = Path(folder) / "plain.onnx", Path(folder) / "quantized.onnx"
        torch.onnx.export(net, (torch.zeros(1, *shape),), plain, opset_version=opset, verbose=False, input_names=["x"])
        types = {"activation_type": activation, "weight_type": Stored.QInt4 if narrow else Stored.QInt8}
        quantize_static(plain, written, Calibration(images), quant_format=form, per_channel=True, **types)
        options = onnxruntime.SessionOptions()
        if narrow:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(written, options)
        scores = np.concatenate([session.run(None, {"x": image[None]})[0] for image in images])
        save(onnx.load(written), HERE / f"{name}.onnx", beside=False)
    np.savez_compressed(HERE / f"{name}.npz", pixels=pixels, scores=scores)


def main() -> None:
    for seed, (name, (build, shape)) in enumerate(NETWORKS.items(), 1):
        net, pixels = drawn(build, seed, shape)
        scores = values(net, pixels).numpy()
        save(exported(name, net, shape), HERE / f"{name}.onnx", beside=name in EXTERNAL)
        np.savez_compressed(HERE / f"{name}.npz", pixels=pixels, scores=scores)
        print(name, scores.shape, np.bincount(scores.argmax(1), minlength=10))
    write_quantized("ort_qoperator", QuantFormat.QOperator, Stored.QUInt8)
    write_quantized("ort_qdq", QuantFormat.QDQ, Stored.QInt8)
    write_quantized("ort_qdq_int4", QuantFormat.QDQ, Stored.QUInt4, narrow=True)


if __name__ == "__main__":
    main()
