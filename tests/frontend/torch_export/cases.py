"""Small modules that between them use every operator in the tables, and how to run one both ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram, export

from neurobin.exec import reference
from neurobin.frontend.images import Images
from neurobin.frontend.onnx.convert import to_graph
from neurobin.frontend.torch_export import from_exported, model_of
from neurobin.frontend.torch_export.idioms import operator_name
from neurobin.frontend.torch_export.program import Program, opened
from neurobin.ir import Graph

aten = torch.ops.aten
F = nn.functional
PIXEL = 1 / 256  # a power of two: sums of short binary fractions are exact, so ties are equal
CLOSE = 1e-4


class Does(nn.Module):
    """A function as a module, with the layers it uses."""

    def __init__(self, function: Callable[..., Tensor], *layers: nn.Module) -> None:
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.layers)


@dataclass(frozen=True)
class Case:
    """`decomposed`: as the core of ATen has it, in fewer operators."""

    module: nn.Module
    shape: tuple[int, ...] = (4, 6, 6)
    decomposed: bool = False


def signed(x: Tensor) -> Tensor:
    """-1 ... 1 - 1/128, zeros among them."""
    return 2 * x - 1


def levels(x: Tensor) -> Tensor:
    """Thresholds on the grid of the pixels: ties are frequent."""
    y = signed(x)
    a = torch.where(y >= 0.25, 1.0, -1.0)
    b = torch.where(torch.gt(y, torch.tensor(0.5)), y.new_ones(()), 0.0)
    c = (y > -0.25).float() - (y <= -0.5).float()
    d = torch.where(aten.lt.Tensor(y, torch.tensor(0.125)), torch.tensor([2.0]), torch.tensor([4.0]))
    e = torch.where(torch.le(y, torch.tensor(0.75)), 0.5, torch.tensor(1.0))
    f = torch.where(aten.ge.Tensor(y, torch.tensor(0.375)), torch.tensor(3.0), -1.0)
    f = torch.where(y < 0.5, f, 3.0)
    g = aten.type_as.default(torch.logical_not(y > 0.0), y)
    return torch.cat([a, b, c, d, e, f, g], 1)


def rounding(x: Tensor) -> Tensor:
    y = 8 * signed(x) + 0.5
    return torch.cat(
        [
            torch.clamp(torch.round(y), -4, 3),
            torch.clamp(torch.floor(y), min=-2.0).clamp(max=5.0),
            F.hardtanh(torch.ceil(y), -3.0, 3.0),
            torch.sign(signed(x)),
            torch.copysign(torch.tensor(2.0), signed(x) + 0.0),
            torch.tanh(y).round(),
            torch.clamp(torch.div(y, 4, rounding_mode="floor"), torch.tensor(-1.0), torch.tensor(1.0)),
            (y // 2).clamp_min(-1).clamp_max(2),
        ],
        1,
    )


def arithmetic(x: Tensor) -> Tensor:
    y = signed(x)
    z = torch.add(y, y.abs(), alpha=3) - torch.sub(y, 2.0, alpha=0.5)
    z = torch.rsub(torch.rsub(z, 3.0), y.abs(), alpha=2) * -1.5 + torch.rsub(y, 1.0, alpha=0.5) / 4
    z = aten.mul.Scalar(aten.add.Scalar(z, 1), 2) - aten.sub.Scalar(-y, 0.25)
    z = aten.div.Scalar(z, 8) + y**2
    z = torch.maximum(z, torch.tensor(-0.5))
    return torch.minimum(torch.tensor(1.25), z)


def bends(x: Tensor, prelu: nn.Module, one: nn.Module) -> Tensor:
    y = signed(x)
    z = prelu(y) + F.leaky_relu(y, 0.125) + F.relu6(4 * y) + F.hardsigmoid(y) + F.hardswish(8 * y)
    z = z + F.silu(y) + torch.sigmoid(y) + F.relu(y, inplace=True)
    return z + torch.where(y > 0, y, 0.25 * y) + torch.where(y <= 0.5, 0.5, y) + one(y)


def views(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    shuffled = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
    parts = torch.split(shuffled, [1, 3], 1)
    y = torch.cat([parts[1], parts[0], x[:, 1:3], x[:, -1:]], dim=1)
    y = y.permute(0, 2, 3, 1).unsqueeze(0).squeeze(0).transpose(1, 3).transpose(2, 3)
    y = F.pad(F.pad(y, (1, 2, 0, 1)), (1, 0), value=1.0)
    return y.expand(-1, -1, -1, -1).contiguous()


def picks(x: Tensor) -> Tensor:
    order = torch.tensor([0, 2, 1, 3])
    y = torch.index_select(x, 1, order) + x[:, order] + aten.expand.default(x, x.shape)
    y = torch.cat([*torch.chunk(y, 2, 1), y[:, 3:]], 1)
    return torch.cat([F.adaptive_max_pool2d(y, 1).squeeze(-1).squeeze(-1), F.adaptive_max_pool2d(y, 1)[:, :, 0, 0]], 1)


def pools(x: Tensor) -> Tensor:
    y = signed(x)
    c = F.avg_pool2d(y, 2, divisor_override=3)
    d = F.adaptive_avg_pool2d(y, 3)
    e = F.adaptive_max_pool2d(y, 3)
    return torch.cat([c, d, e, F.max_pool2d(y, (2, 1), (2, 2))], 1)


def overlapping(x: Tensor) -> Tensor:
    """Windows that reach into padding: it never wins a maximum, and counts in a mean."""
    y = signed(x) - 1
    return torch.cat([F.max_pool2d(y, 3, 2, 1, ceil_mode=True), F.avg_pool2d(y, 2, 2, padding=1)], 1)


def reductions(x: Tensor) -> Tensor:
    scale = x.abs().mean(1, keepdim=True)
    y = x * scale * x.mean((1, 2, 3), keepdim=True) * x.sum(1, keepdim=True)
    return torch.cat([y.mean((2, 3)), y.amax((2, 3)), y.mean((2, 3), keepdim=True).flatten(1)], 1)


def products(x: Tensor, linear: nn.Linear) -> Tensor:
    y = linear(signed(x))
    z = y @ torch.tensor([[1.0, -2.0], [0.5, 0.25], [0.0, 3.0]])
    return torch.addmm(torch.tensor([1.0, 2.0]), z, torch.tensor([[1.0, 2.0], [0.5, 1.0]]), beta=0.5, alpha=2)


def halves(x: Tensor) -> Tensor:
    """Fake quantization of activations by torch's own operators."""
    y = torch.fake_quantize_per_tensor_affine(signed(x), 0.125, 3, 0, 7)
    scale, zero = torch.tensor([0.25, 0.5, 0.125, 1.0]), torch.zeros(4, dtype=torch.int32)
    return torch.cat([y, torch.fake_quantize_per_channel_affine(signed(x), scale, zero, 1, -2, 1)], 1)


def straight_through(x: Tensor) -> Tensor:
    y = signed(x)
    a = y + (torch.where(y >= 0, 1.0, -1.0) - y).detach()
    b = y - (y - (4 * y).round().clamp(-2, 2) / 4).detach()
    return torch.cat([a, b, (y.sign() - y).detach() + y], 1)


CASES: dict[str, Case] = {
    "conv": Case(
        nn.Sequential(nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 2), (1, 2), 2), nn.ReLU(), nn.Dropout(), nn.BatchNorm2d(6)),
    ),
    "same": Case(nn.Sequential(nn.Conv2d(4, 3, 4, padding="same", bias=False), nn.BatchNorm2d(3, affine=False, eps=1e-2))),
    "valid": Case(nn.Conv2d(4, 3, 4, padding="valid")),
    "core": Case(
        nn.Sequential(
            nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.PReLU(6), nn.MaxPool2d(2, padding=1), nn.AdaptiveAvgPool2d(1),
            nn.Flatten(), nn.Linear(6, 5), nn.Softmax(1),
        ), decomposed=True,
    ),
    "log_softmax": Case(nn.Sequential(nn.Flatten(), nn.Linear(144, 5), nn.LogSoftmax(-1))),
    "core_log_softmax": Case(nn.Sequential(nn.Flatten(), nn.Linear(144, 5), nn.LogSoftmax(-1)), decomposed=True),
    "softmax": Case(nn.Sequential(nn.Linear(9, 5), nn.BatchNorm1d(5), nn.Softmax(-1)), (9,)),
    "argmax": Case(Does(lambda x, linear: linear(x).argmax(1), nn.Linear(9, 5)), (9,)),
    "mean": Case(Does(lambda x: aten.mean.dim(x, [-1, -2])), (3, 4, 5)),
    "levels": Case(Does(levels)),
    "rounding": Case(Does(rounding)),
    "arithmetic": Case(Does(arithmetic)),
    "bends": Case(Does(bends, nn.PReLU(4), nn.PReLU())),
    "core_bends": Case(Does(bends, nn.PReLU(4), nn.PReLU()), decomposed=True),
    "views": Case(Does(views)),
    "core_views": Case(Does(views), decomposed=True),
    "picks": Case(Does(picks)),
    "core_picks": Case(Does(picks), decomposed=True),
    "pools": Case(Does(pools)),
    "core_pools": Case(Does(pools), decomposed=True),
    "overlapping": Case(Does(overlapping)),
    "reductions": Case(Does(reductions)),
    "products": Case(Does(products, nn.Linear(5, 3, bias=False)), (5,)),
    "core_products": Case(Does(products, nn.Linear(5, 3, bias=False)), (5,), decomposed=True),
    "fake_quantize": Case(Does(halves)),
    "straight_through": Case(Does(straight_through)),
    "numbers": Case(Does(lambda x, norm: x * norm.weight[1].item() + abs(norm.bias[0].item() - 2), nn.BatchNorm2d(4))),
    "shuffle": Case(nn.Sequential(nn.Conv2d(4, 6, 1), nn.ChannelShuffle(3))),
}  # fmt: skip


def randomise(module: nn.Module, seed: int = 0) -> nn.Module:
    """Short binary fractions as parameters, norms with statistics of their own and gammas of either sign."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(tensor: Tensor, spread: float = 0.5) -> Tensor:
        return (8 * spread * torch.randn(tensor.shape, generator=generator)).round() / 8

    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(drawn(parameter))
        for part in module.modules():
            if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
                part.running_mean.copy_(drawn(part.running_mean))
                part.running_var.copy_(drawn(part.running_var).abs() + 0.5)
            if isinstance(part, nn.PReLU):
                part.weight.abs_()
    return module.eval()


def pixels(shape: tuple[int, ...], count: int = 4, seed: int = 0) -> np.ndarray:
    """[count, ...] channels first."""
    return np.random.default_rng(seed).integers(0, 256, (count, *shape))


def exported(case: Case) -> ExportedProgram:
    program = export(randomise(case.module), (torch.zeros(1, *case.shape),))
    return program.run_decompositions() if case.decomposed else program


@cache
def program_of(name: str) -> Program:
    return opened(exported(CASES[name]))


def used(program: Program) -> set[str]:
    """The operators between image and scores."""
    return {
        operator_name(node)
        for node in program.nodes
        if node.op == "call_function" and node not in program.known and node not in program.same
    }


def run(graph: Graph, images: np.ndarray) -> np.ndarray:
    """Scores, channels first, of images that are channels first."""
    found = reference.run(graph, images.transpose(0, 2, 3, 1) if images.ndim == 4 else images)
    return found.transpose(0, 3, 1, 2) if found.ndim == 4 else found


def torch_says(module: nn.Module, images: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return module(torch.from_numpy(images).float() * PIXEL).numpy()


def graph_of(program: ExportedProgram | Program) -> Graph:
    if isinstance(program, ExportedProgram):
        return from_exported(program, Images(scale=PIXEL))
    return to_graph(model_of(program), Images(scale=PIXEL))
