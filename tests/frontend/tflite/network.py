"""What random networks are put together with: see `generate`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.frontend.tflite.build import Cell, Step

CHANNELS = (1, 2, 3, 5, 8, 16, 19, 31, 32, 33, 40, 63, 64, 65, 96, 127, 128, 129)
SAME, VALID = 0, 1


@dataclass
class Network:
    """Tensors and operators so far; each method adds one operator on tensor number `at` and moves it to the result."""

    rng: np.random.Generator
    cells: list[Cell]
    steps: list[Step]
    at: int = 0

    @property
    def cell(self) -> Cell:
        return self.cells[self.at]

    @property
    def size(self) -> tuple[int, int]:
        return self.cell.shape[1], self.cell.shape[2]

    @property
    def channels(self) -> int:
        return self.cell.shape[-1]

    def put(self, cell: Cell) -> int:
        self.cells.append(cell)
        return len(self.cells) - 1

    def then(self, op: str, cell: Cell, *operands: Cell | int, **options: int | float) -> None:
        """An operator on the tensor so far and others: a new constant, or the number of a tensor, -1 for none."""
        numbers = [one if isinstance(one, int) else self.put(one) for one in operands]
        self.steps.append(Step(op, [self.at, *numbers], [self.put(cell)], options))
        self.at = len(self.cells) - 1

    def pick(self, *choices: int) -> int:
        return int(self.rng.choice(choices))

    def like(self, shape: tuple[int, ...], spread: float = 1.0) -> Cell:
        """A result of the same type; 8-bit ones with a scale that values of that spread fill."""
        if self.cell.kind == "<f4":
            return Cell("<f4", shape)
        scale = self.cell.scale[0] * spread * self.rng.uniform(0.5, 1.5)
        return Cell("i1", shape, None, (float(np.float32(scale)),), (int(self.rng.integers(-40, 40)),))

    def window(
        self, kernel: tuple[int, int], most: int, dilated: bool = True
    ) -> tuple[dict[str, int | float], tuple[int, int]]:
        """(strides, dilations, padding; the size of what the window makes)."""
        strides = [self.pick(1, 1, 2, most) for _ in range(2)]
        reach, dilations = list(kernel), [1, 1]
        for axis in range(2 if dilated else 0):
            if (kernel[axis] - 1) * 2 < self.size[axis]:
                dilations[axis] = self.pick(1, 1, 2)
            reach[axis] = (kernel[axis] - 1) * dilations[axis] + 1
        fits = all(reach[axis] <= self.size[axis] for axis in range(2))
        padding = self.pick(SAME, VALID) if fits else SAME
        options: dict[str, int | float] = {"padding": padding, "stride_height": strides[0], "stride_width": strides[1]}
        if dilated:
            options |= {"dilation_height_factor": dilations[0], "dilation_width_factor": dilations[1]}
        made = [
            -(-self.size[a] // strides[a]) if padding == SAME else (self.size[a] - reach[a]) // strides[a] + 1
            for a in range(2)
        ]
        return options, (made[0], made[1])

    def kernel(self, most: int) -> tuple[int, int]:
        sizes = [min(self.pick(*range(1, most + 1)), size + 1) for size in self.size]
        return sizes[0], sizes[1]


def begin(rng: np.random.Generator, eight: bool, channels: int | None = None) -> Network:
    shape = (1, *(int(rng.integers(1, 10)) for _ in range(2)), channels or int(rng.choice(CHANNELS[:8])))
    if not eight:
        return Network(rng, [Cell("<f4", shape)], [])
    scale = (float(np.float32(rng.uniform(0.004, 0.05))),)
    return Network(rng, [Cell("i1", shape, None, scale, (int(rng.integers(-128, 128)),))], [])
