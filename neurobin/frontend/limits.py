"""What a file may ask for before anything is allocated. Each limit stands in the error it causes, and can be raised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from neurobin.errors import FormatError


@dataclass(frozen=True)
class Limits:
    """Counts and bytes. The defaults hold every network of the field and refuse what would not fit into 1 GiB of memory."""

    file_bytes: int = 256 * 2**20  # model file, and each file of external data
    fields: int = 1_000_000  # protobuf fields, before they become Python objects
    decoded_bytes: int = 512 * 2**20  # what those fields take once decoded, apart from raw tensor bytes
    nodes: int = 50_000
    elements: int = 2**28  # of one tensor
    tensor_bytes: int = 256 * 2**20  # of one tensor, constant or computed at import
    text_bytes: int = 2**16  # of one name or text
    list_length: int = 2**20  # of one attribute
    axes: int = 16

    def check(self, name: str, value: int, what: str, where: str = "") -> None:
        """Raises FormatError when `value` is above the limit of that name."""
        limit = getattr(self, name)
        if value > limit:
            hint = f"--allow {name}={value}, if you trust the file"
            raise FormatError(f"{what} is {value}, the limit {name} is {limit}", where=where, hint=hint)

    def check_tensor(self, shape: Sequence[int], kind: np.dtype, where: str = "") -> None:
        """Raises FormatError when a tensor of this shape and type is too large, or no tensor at all."""
        if any(size < 0 for size in shape):
            raise FormatError(f"shape {list(shape)} has a negative size", where=where)
        self.check("axes", len(shape), "the number of axes", where)
        count = prod(int(size) for size in shape)
        self.check("elements", count, f"the number of elements in shape {list(shape)}", where)
        self.check("tensor_bytes", count * kind.itemsize, f"the size of {kind.name}{list(shape)} in bytes", where)


DEFAULT = Limits()
