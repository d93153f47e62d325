"""Options of custom operators are believed as little as the rest of a file."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from neurobin.errors import FormatError, UnsupportedError
from neurobin.frontend.tflite.flexbuffer import read_options
from tests.frontend.tflite.build import flexbuffer

FLEX = flexbuffer({"padding": 1, "filter_width": -3})
FLEXES = {
    "empty": (b"", FormatError, "lead to byte"),
    "one byte": (b"\4", FormatError, "lead to byte"),
    "no map": (FLEX[:-2] + bytes([10 << 2, 4]), FormatError, "of kind 10 and width 4, expected a map"),
    "width": (FLEX[:-1] + b"\3", FormatError, "of kind 9 and width 3"),
    "root before": (FLEX[:-6] + struct.pack("<I", 10**6) + FLEX[-2:], FormatError, "lead to byte"),
    "root itself": (FLEX[:-6] + struct.pack("<I", 0) + FLEX[-2:], FormatError, "states"),
    "count": (FLEX.replace(struct.pack("<II", 4, 2), struct.pack("<II", 4, 2**31)), FormatError, "options, at most 64"),
    "keys": (FLEX.replace(struct.pack("<II", 4, 2), struct.pack("<II", 4, 3)), FormatError, "other keys than values"),
    "key width": (FLEX.replace(struct.pack("<II", 4, 2), struct.pack("<II", 5, 2)), FormatError, "other keys than values"),
    "text value": (FLEX[:-7] + bytes([5 << 2 | 2]) + FLEX[-6:], UnsupportedError, "option 'padding' is of kind 5"),
    "long name": (flexbuffer({"n" * 64: 1}), FormatError, "the name of an option has no end"),
    "long": (bytes(2**16) + FLEX, FormatError, f"options of {2**16 + len(FLEX)} bytes, at most 65536"),
}


@pytest.mark.parametrize("name", FLEXES)
def test_options_of_custom_operators_are_read_without_trust(name):
    data, kind, words = FLEXES[name]
    with pytest.raises(kind) as caught:
        read_options(np.frombuffer(data, np.uint8), "operator 3")
    assert words in str(caught.value)
    assert str(caught.value).startswith("operator 3: ")


def test_options_of_every_width():
    assert read_options(np.frombuffer(FLEX, np.uint8), "") == {"padding": 1, "filter_width": -3}
    # {"a": -1, "b": 200} with bytes: keys, the key vector, the values behind how far back and how wide its keys are
    small = b"a\0b\0" + bytes([2, 5, 4]) + bytes([2, 1, 2, 0xFF, 200, 1 << 2, 2 << 2]) + bytes([4, 9 << 2, 1])
    assert read_options(np.frombuffer(small, np.uint8), "") == {"a": -1, "b": 200}
