"""Bi-Real Net 18 as ONNX nodes; ONNX Runtime folds the batch norms into the convolutions itself."""

from __future__ import annotations

from benchmarks.bireal18 import BLOCKS, NORM_EPSILON, Block
from benchmarks.peers._onnx_session import node


class Nodes:
    """Nodes so far; parameters are read by the names of a PyTorch state dict."""

    def __init__(self) -> None:
        self.nodes: list[object] = []

    def add(self, op: str, *inputs: str, output: str = "", **attributes: object) -> str:
        name = output or f"{op}_{len(self.nodes)}"
        self.nodes.append(node(op, *inputs, output=name, **attributes))  # type: ignore[arg-type]
        return name

    def conv(self, x: str, name: str, kernel: int, stride: int) -> str:
        pads = [kernel // 2] * 4
        return self.add("Conv", x, f"{name}.weight", kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=pads)

    def norm(self, x: str, name: str) -> str:
        statistics = (f"{name}.{part}" for part in ("weight", "bias", "running_mean", "running_var"))
        return self.add("BatchNormalization", x, *statistics, epsilon=NORM_EPSILON)

    def block(self, x: str, block: Block) -> str:
        y = self.norm(self.conv(self.add("Sign", x), f"{block.name}.conv", 3, block.stride), f"{block.name}.norm")
        if block.stride > 1:
            x = self.add("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
            x = self.norm(self.conv(x, f"{block.name}.shortcut.conv", 1, 1), f"{block.name}.shortcut.norm")
        return self.add("Add", y, x)


def nodes() -> list[object]:
    """float32 "x" [1, 3, 224, 224] -> "y" [1, 1000]."""
    made = Nodes()
    last = made.norm(made.conv("x", "stem.conv", 7, 2), "stem.norm")
    last = made.add("MaxPool", last, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for block in BLOCKS:
        last = made.block(last, block)
    last = made.add("Flatten", made.add("GlobalAveragePool", last))
    made.add("Gemm", last, "dense.weight", "dense.bias", transB=1, output="y")
    return made.nodes
