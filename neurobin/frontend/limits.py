"""What a file may ask for before anything is allocated. Each limit stands in the error it causes, and can be raised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from neurobin.errors import FormatError


@dataclass(frozen=True)
class Limits:
    """Counts and bytes. Whatever the defaults let in, it is known within seconds and below 1 GiB whether it is a network."""

    file_bytes: int = 256 * 2**20  # model file, and each file of external data
    fields: int = 1_000_000  # protobuf fields, before they become Python objects
    decoded_bytes: int = 128 * 2**20  # what those fields take once decoded, apart from the file's own bytes
    nodes: int = 20_000
    elements: int = 2**28  # of one tensor
    constant_elements: int = 2**24  # of one that is read, or computed of such alone: a graph of it takes six times its bytes
    tensor_bytes: int = 256 * 2**20  # of one tensor, constant or computed at import
    total_bytes: int = 512 * 2**20  # of all tensors that are held at one time
    work: int = 2**28  # elements computed at import, of constants and to find thresholds
    input_elements: int = 2**22  # of one image
    map_elements: int = 2**24  # that one node makes of one image
    products: int = 2**37  # and comparisons, of one image in all layers: ten times as many as VGG-16 has
    chain: int = 64  # operators on single elements in a row: together they may be one quantizer
    text_bytes: int = 2**16  # of one name or text
    config_bytes: int = 2**23  # of a network's description in JSON
    list_length: int = 2**12  # of one attribute, and of a list that comes as a tensor
    axes: int = 16

    def check(self, name: str, value: int, what: str, where: str = "") -> None:
        """Raises FormatError when `value` is above the limit of that name."""
        limit = getattr(self, name)
        if value > limit:
            hint = f"--allow {name}={value}, if you trust the file" if value < 10**15 else "is the file damaged?"
            raise FormatError(f"{what} is {brief(value)}, the limit {name} is {limit}", where=where, hint=hint)

    def check_tensor(self, shape: Sequence[int], kind: np.dtype, where: str = "") -> int:
        """The bytes of a tensor of this shape and type. Raises FormatError when it is too large, or no tensor at all.

        Sizes of 0 count as 1: numpy makes no tensor of shape [0, 2^62] either.
        """
        self.check("axes", len(shape), "the number of axes", where)
        sizes = [int(size) for size in shape]
        if min(sizes, default=0) < 0:
            raise FormatError(f"shape {sizes} has a negative size", where=where)
        count = prod(size or 1 for size in sizes)
        self.check("elements", count, f"the number of elements in shape {sizes}", where)
        self.check("tensor_bytes", count * kind.itemsize, f"the size of {kind.name}{sizes} in bytes", where)
        return prod(sizes) * kind.itemsize


@dataclass
class Spent:
    """What one import has taken so far of the limits that hold for all its tensors together."""

    held: int = 0  # bytes of the tensors that are held
    products: int = 0  # of one image
    work: int | None = None  # elements computed; None where nobody counts: of images, the caller knows how many there are


def brief(value: int) -> str:
    """A whole number, in powers of two where it has more digits than anyone reads."""
    return str(value) if abs(value) < 10**20 else f"above 2^{abs(value).bit_length() - 1}"


DEFAULT = Limits()
