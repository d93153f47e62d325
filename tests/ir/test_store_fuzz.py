"""Thousands of damaged and forged files: every one is refused by a NeurobinError or is a network that verifies."""

from __future__ import annotations

import json
import random
import resource
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from neurobin.errors import NeurobinError
from tests.ir.forge import Parts, read, take_apart, written
from tests.ir.graphs import every_kind_of_field
from tests.networks import residual_convnet

RAW = [written(every_kind_of_field()), written(residual_convnet())]
COUNT = 1500
SECONDS = 10.0
MEGABYTES = 300


def refusal(raw: bytes) -> str | None:
    """What `load` would say, or None when the file is a network."""
    try:
        read(raw)
    except NeurobinError as error:
        return str(error)
    return None


def survives(files: Iterator[bytes]) -> int:
    """How many files were refused. Fails on any other exception, on a hang and on memory taken."""
    refused = 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    for raw in files:
        message = refusal(raw)
        refused += message is not None
        assert len(message or "") < 2000
    assert time.perf_counter() - started < 3 * SECONDS  # of a busy machine
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1024 * MEGABYTES
    return refused


def mutated(raw: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, inserted, deleted, doubled, or the end cut off."""
    data = bytearray(raw)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        data = data or bytearray(b" ")
        place = rng.randrange(len(data)) if rng.random() < 0.7 else rng.randrange(min(len(data), 64))
        kind = rng.randrange(6)
        if kind == 0:
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[place] = rng.choice(b'\x00\xff"\\{}[],:019-.eE')
        elif kind == 2:
            data[place:place] = rng.randbytes(rng.randrange(1, 9))
        elif kind == 3:
            del data[place : place + rng.randrange(1, 33)]
        elif kind == 4:
            data[place:place] = data[place : place + rng.randrange(1, 65)]
        else:
            del data[max(1, place) :]
    return bytes(data)


def test_damaged_bytes() -> None:
    rng = random.Random(1)
    refused = survives(mutated(rng.choice(RAW), rng) for _ in range(COUNT))
    assert refused > 0.9 * COUNT


def test_damaged_documents_with_a_fitting_digest() -> None:
    """Text mutations that an attacker has sealed again: the digest does not stop them, the checks do."""
    rng = random.Random(2)

    def files() -> Iterator[bytes]:
        for _ in range(COUNT):
            parts = take_apart(rng.choice(RAW))
            document = mutated(json.dumps(parts.document).encode(), rng).decode("utf-8", "replace")
            parts.document = document
            parts.data = mutated(parts.data, rng)[: len(parts.data)].ljust(len(parts.data), b"\0")
            yield parts.seal()

    assert survives(files()) > 0.5 * COUNT


WEIRD: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    3,
    7,
    62,
    63,
    64,
    2**31,
    2**62,
    2**63 - 1,
    -(2**63),
    2**63,
    0.5,
    -1.5,
    1e300,
    "",
    "x",
    "image",
    [],
    [0],
    [1, 1],
    [-1, -1],
    [1, 1, 1, 1],
    [0, 0, 0, 0],
    [2**20] * 4,
    [9, 9],
    [1] * 9,
    {},
    {"a": 1},
    "i8",
    "i1",
    "u1",
    "binary",
    "bipolar",
    "ternary",
    "f32",
    "f64",
    "i64",
    "u63",
    "bipolar2",
    "bipolar63",
    "u2<5,2>",
    "u1<3>",
    "i8[1]",
    "i8[4,3,3,3]",
    "bipolar[4]",
    "bipolar[7,5]",
    "f64[7]",
    "f32[7]",
    "i40[1]",
    "i64[1]",
    "ternary[5,6,1,18]",
    "u3[6,1,1,6]",
    "i8[6,5,3]",
    "i64[6,5,3]",
    "bipolar[6,5,3]",
    "u2<5,2>[6,5,3]",
    "f32[6,5,3]",
    "u8[2147483648]",
    "u8[1,1,1,1,1,1,1,1]",
    "affine",
    "relu",
    "concat",
    "bit_conv2d",
    "max_pool2d",
    "sum_pool2d",
    "arg_max",
    "pad",
    "sign",
]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in a JSON value."""
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    for key, item in items:
        yield value, key
        yield from places(item)


def damage(parts: Parts, rng: random.Random) -> None:
    """Replaces, deletes or copies one value anywhere in the document or in the tensors' table."""
    place, key = rng.choice(list(places(parts.document if rng.random() < 0.8 else parts.entries)))
    kind = rng.randrange(8)
    if kind == 0:
        del place[key]
    elif kind == 1 and isinstance(place, list):
        place.insert(key, place[key])
    elif kind == 2:
        other, name = rng.choice(list(places(parts.document)))
        place[key] = other[name] if not isinstance(other[name], (dict, list)) else json.loads(json.dumps(other[name]))
    elif kind == 3 and isinstance(place[key], int):
        place[key] += rng.choice([-1, 1, 2, 7, 64, 10**6])
    else:
        place[key] = rng.choice(WEIRD)


def test_forged_structures() -> None:
    """Well-formed JSON with a fitting digest whose values are wrong: what infer and the codec must refuse."""
    rng = random.Random(3)

    def files() -> Iterator[bytes]:
        for _ in range(COUNT):
            parts = take_apart(rng.choice(RAW))
            for _ in range(rng.choice([1, 1, 2, 3])):
                damage(parts, rng)
            yield parts.seal()

    assert survives(files()) > 0.5 * COUNT


@pytest.mark.parametrize("spoil", [lambda p: p.document["nodes"].clear(), lambda p: p.entries.clear()])
def test_emptied_parts(spoil: Callable[[Parts], None]) -> None:
    parts = take_apart(RAW[0])
    spoil(parts)
    with pytest.raises(NeurobinError):
        read(parts.seal())
