"""Boxes on a grid (Redmon and Farhadi 2017, YOLOv2, arXiv 1612.08242, sec. 2): what a detector's outputs mean.

A map of [H, W] pixels has cells of 8x8 pixels. The cell that holds the centre of a box is responsible for it. Of its outputs
(o, x, y, w, h, c_1 ... c_K)

    objectness = s(o)    centre = ((column + s(x)) * 8, (row + s(y)) * 8)    size = (12 e^w, 12 e^h)    class = argmax c

with s the logistic function; the confidence is the objectness times the softmax of the class. One box per cell and one prior
of 12x12 pixels, where the paper has five.

A box is (class, left, top, right, bottom) in pixels, right and bottom one past its last; class -1 fills up a row of boxes.
"""

from __future__ import annotations

CELL = 8
PRIOR = 12.0
BOX_OUTPUTS = 5  # objectness, x, y, w, h; the classes follow
BOX_FIELDS = 5  # class, left, top, right, bottom
NO_BOX = -1
