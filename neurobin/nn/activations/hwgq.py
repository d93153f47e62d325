"""Half-wave Gaussian quantization (Cai et al. 2017, arXiv 1702.00953, secs. 3.2 and 3.3).

Behind a batch norm without factor and offset, inputs are nearly standard normal, so one table of levels serves all layers:
0 for x <= 0, and q_i = i d for x in the cell of q_i, whose borders lie half-way to its neighbours, the first cell reaching
down to 0; d minimises the squared error over the positive half of the normal distribution. A border belongs to the cell
below it.

Gradient: the slope of a ReLU clipped at the largest level, unless another estimator is given.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from neurobin.ir import Builder
from neurobin.ir.dtype import u
from neurobin.nn.activations.levels import check_bits, write
from neurobin.nn.estimators import Estimator, clipped_relu, substitute

# bits -> d; 2 and 3 bits as in the released configurations of the paper, 1 and 4 from the same minimum
STEPS = {1: 0.7979, 2: 0.538, 3: 0.3217, 4: 0.1842}


class HwgqActivation(nn.Module):
    """[N, C, ...] -> 0, d, ... (2^bits - 1) d; the same for all channels and layers.

    `estimator` replaces the clipped ReLU, e.g. `log_tailed_relu` of the same top. Raises UsageError above 4 bits.
    """

    progress = 1.0

    def __init__(self, channels: int, bits: int = 2, estimator: Estimator | None = None) -> None:
        super().__init__()
        self.bits = check_bits("HWGQ", bits, max(STEPS))
        self.step = STEPS[bits]
        self.borders = [0.0, *(self.step * (place + 0.5) for place in range(1, 2**bits - 1))]
        self.estimator = clipped_relu(self.step * (2**bits - 1)) if estimator is None else estimator

    def forward(self, x: Tensor) -> Tensor:
        codes = torch.zeros_like(x)
        for border in self.borders:
            codes += x > border
        return substitute(x, self.step * codes, self.estimator, self.progress)

    def emit(self, b: Builder, *inputs: str) -> str:
        above = np.nextafter(np.array(self.borders), np.inf)  # x > t is x >= the number behind t
        return write(b, inputs, thresholds=above, dtype=u(self.bits), scale=self.step)

    def extra_repr(self) -> str:
        return f"bits={self.bits}, estimator={self.estimator}"
