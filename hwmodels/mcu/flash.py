"""The flash image: every constant of the network as the bytes a kernel reads, with its address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from hwmodels.mcu.arena import ALIGNMENT
from hwmodels.mcu.layout import item_for


@dataclass(frozen=True)
class Section:
    """One constant: `field` of `node` at `address`, stored as `shape` of `item`."""

    node: str
    field: str
    address: int
    size_bytes: int
    item: np.dtype
    shape: tuple[int, ...]

    def read(self, image: np.ndarray) -> np.ndarray:
        """The stored integers, from the bytes of the flash image."""
        octets = image[self.address : self.address + self.size_bytes]
        return octets.view(self.item).reshape(self.shape)


def lay_out(constants: Iterable[tuple[str, str, np.ndarray]]) -> tuple[tuple[Section, ...], np.ndarray]:
    """Sections in order, aligned to words, and the image (uint8). `constants` are (node, field, array as stored)."""
    sections: list[Section] = []
    parts: list[bytes] = []
    address = 0
    for node, field, array in constants:
        octets = np.ascontiguousarray(array).tobytes()
        sections.append(Section(node, field, address, len(octets), array.dtype, array.shape))
        padded = -(-len(octets) // ALIGNMENT) * ALIGNMENT
        parts.append(octets.ljust(padded, b"\0"))
        address += padded
    return tuple(sections), np.frombuffer(b"".join(parts), dtype=np.uint8)


def narrow(values: np.ndarray, least_bytes: int = 1) -> np.ndarray:
    """The same integers in the narrowest array type of at least `least_bytes` bytes."""
    item = item_for(int(values.min()), int(values.max()))
    if item.itemsize < least_bytes:
        item = np.dtype(f"<i{least_bytes}")
    return values.astype(item)
