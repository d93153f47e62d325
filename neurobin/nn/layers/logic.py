"""Logic of two maps of bits, -1 false and +1 true, with a gradient (Guo et al. 2021, BoolNet, arXiv 2106.06991).

    xnor(a, b) = a b,       or(a, b) = (1 + a + b - a b) / 2,       and(a, b) = (a + b + a b - 1) / 2

These polynomials give the truth tables exactly; their slopes are the gradient, so an input learns where it decides: the
gradient of `or` reaches a only where b is false.
"""

from __future__ import annotations

from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.ir import Builder
from neurobin.ops.logic import KINDS, Logic


class LogicGate(nn.Module):
    """Two maps [N, C, ...] of -1 and +1 -> one; `kind` is xnor, or, and. Raises UsageError for another kind."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        if kind not in KINDS:
            raise UsageError(f"unknown kind of logic {kind!r}", hint=", ".join(KINDS))
        self.kind = kind

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        if self.kind == "xnor":
            return a * b
        return (1 + a + b - a * b) / 2 if self.kind == "or" else (a + b + a * b - 1) / 2

    def emit(self, b: Builder, *inputs: str) -> str:
        return b.add(Logic(self.kind), *inputs)

    def extra_repr(self) -> str:
        return f"kind={self.kind}"
