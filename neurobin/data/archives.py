"""Data sets in numpy archives (never unpickled): Keras-style arrays, or JPEG byte strings end to end."""

from __future__ import annotations

import io
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np

from neurobin.errors import FormatError, UsageError

Arrays = dict[str, np.ndarray]
MAX_BYTES = 1 << 32


def read_npz(path: Path, keys: tuple[str, ...]) -> Arrays:
    """The named arrays. Raises FormatError when the archive is damaged, lacks one, is pickled or unreasonably large."""
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(entry.file_size for entry in archive.infolist())
        if total > MAX_BYTES:
            raise FormatError(f"the archive unpacks to {total} bytes, expected at most {MAX_BYTES}", where=str(path))
        with np.load(path, allow_pickle=False) as arrays:
            missing = [key for key in keys if key not in arrays]
            if missing:
                raise FormatError(f"expected arrays {', '.join(keys)}, missing {', '.join(missing)}", where=str(path))
            return {key: arrays[key] for key in keys}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise FormatError(f"cannot read: {error}", where=str(path), hint="fetch the file again") from error


def read_jpegs(path: Path, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(uint8 [N, H, W, 3], labels [N]) from `jpeg` (all bytes), `offset` [N + 1] and `y` [N]. Needs Pillow."""
    arrays = read_npz(path, ("jpeg", "offset", "y"))
    stream, offset, labels = arrays["jpeg"], arrays["offset"], arrays["y"]
    whole = stream.dtype == np.uint8 and offset.dtype.kind in "iu" and offset.shape == (len(labels) + 1,)
    if not whole or offset[0] < 0 or offset[-1] > stream.size or (np.diff(offset.astype(np.int64)) < 1).any():
        raise FormatError("offsets must ascend within the bytes, one more than there are labels", where=str(path))
    raw = stream.tobytes()
    images = [
        _decode(raw[start:stop], size, f"{path}, image {index}") for index, (start, stop) in enumerate(pairwise(offset))
    ]
    return np.stack(images), labels


def _decode(data: bytes, size: tuple[int, int], where: str) -> np.ndarray:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise UsageError("JPEG images need Pillow", where=where, hint="pip install neurobin[images]") from None
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            if (image.height, image.width) != size:
                raise FormatError(f"expected {size[0]}x{size[1]} pixels, got {image.height}x{image.width}", where=where)
            return np.asarray(image.convert("RGB"))
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError) as error:
        raise FormatError(f"not a whole JPEG: {error}", where=where) from error
