"""The loss of a detector on a grid (Redmon and Farhadi 2017, YOLOv2, arXiv 1612.08242; Redmon et al. 2016, eq. 3).

With s the logistic function, over the cells of an image, * marking the cells that hold the centre of a true box:

    sum over * of  -log s(o) - log softmax(c)_class + 5 ((s(x) - x*)^2 + (s(y) - y*)^2 + (w - w*)^2 + (h - h*)^2)
    + 1/2 sum over the others of  -log(1 - s(o)),        x*, y* in cells, w* = log(width / prior), h* likewise

divided by the number of true boxes in the batch. The weights 5 and 1/2 are the first paper's; objectness and class are
scored by their logarithms where the paper squares differences, and the objectness aims at 1, not at the overlap.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from neurobin.errors import UsageError
from neurobin.nn.grid import BOX_FIELDS, BOX_OUTPUTS, CELL, PRIOR

PLACE_WEIGHT = 5.0
EMPTY_WEIGHT = 0.5


def detection(outputs: Tensor, boxes: Tensor) -> Tensor:
    """One number for outputs [N, rows, columns, 5 + K] and boxes int64 [N, M, 5] in pixels; class -1 is no box.

    Raises UsageError for outputs or labels of another kind.
    """
    if outputs.dim() != 4 or boxes.dim() != 3 or boxes.shape[2] != BOX_FIELDS:
        shapes = f"{tuple(outputs.shape)} and {tuple(boxes.shape)}"
        raise UsageError(f"expected outputs [N, rows, columns, 5 + K] and boxes [N, M, 5], got {shapes}")
    image, place = torch.nonzero(boxes[..., 0] >= 0, as_tuple=True)
    label, left, top, right, bottom = boxes[image, place].unbind(1)
    x, y = (left + right) / (2 * CELL), (top + bottom) / (2 * CELL)
    row, column = y.long(), x.long()
    held = outputs[image, row, column]
    target = torch.stack([x - column, y - row, ((right - left) / PRIOR).log(), ((bottom - top) / PRIOR).log()], 1)
    found = torch.cat([held[:, 1:3].sigmoid(), held[:, 3:5]], 1)
    empty = torch.ones_like(outputs[..., 0])
    empty[image, row, column] = 0
    loss = PLACE_WEIGHT * (found - target.to(found.dtype)).square().sum()
    loss = loss + functional.cross_entropy(held[:, BOX_OUTPUTS:], label, reduction="sum")
    loss = (
        loss + functional.softplus(-held[:, 0]).sum() + EMPTY_WEIGHT * (functional.softplus(outputs[..., 0]) * empty).sum()
    )
    return loss / max(len(label), 1)
