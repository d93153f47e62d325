"""What the torch peers share: layouts, thread counts, versions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor


def description(what: str, threads: int) -> str:
    return f"torch {torch.__version__}, {what}, {threads} thread{'s' * (threads > 1)}"


def images(x: np.ndarray) -> Tensor:
    """[N, H, W, C] -> float32 [N, C, H, W], stored in channels-last order."""
    return torch.from_numpy(x.astype(np.float32)).permute(0, 3, 1, 2)


def filters(w: np.ndarray) -> Tensor:
    """[O, 3, 3, C] -> float32 [O, C, 3, 3], contiguous."""
    return torch.from_numpy(w.astype(np.float32)).permute(0, 3, 1, 2).contiguous()


def integers(values: Tensor) -> np.ndarray:
    """int32; a [N, C, H, W] tensor becomes [N, H, W, C]."""
    return (values.permute(0, 2, 3, 1) if values.ndim == 4 else values).numpy().astype(np.int32)


def on_threads(call: Callable[[], Tensor], threads: int) -> Callable[[], Tensor]:
    """The call on as many threads as were asked for, whatever others have set in this process since.

    No tensor here asks for gradients, so torch.inference_mode would only add its 4 us, 3 % of the shortest convolutions.
    """

    def run() -> Tensor:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        return call()

    return run
