"""CIFAR-10 in its binary version (cifar-10-batches-bin); the Python version is pickled and is never opened.

A record is 1 label byte and 3072 pixel bytes: 1024 red, 1024 green, 1024 blue, each row by row.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neurobin.errors import FormatError

SIDE = 32
PIXELS = 3 * SIDE * SIDE
RECORD = 1 + PIXELS
MAX_RECORDS = 100_000


def read_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """(uint8 [N, 32, 32, 3], labels [N]). Raises FormatError unless the file is a whole number of records."""
    try:
        size = path.stat().st_size
        if size == 0 or size % RECORD or size > MAX_RECORDS * RECORD:
            raise FormatError(f"expected 1 to {MAX_RECORDS} records of {RECORD} bytes, got {size} bytes", where=str(path))
        records = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, RECORD)
    except OSError as error:
        raise FormatError(f"cannot read: {error}", where=str(path)) from error
    images = records[:, 1:].reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), records[:, 0]
