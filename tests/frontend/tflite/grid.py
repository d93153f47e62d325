"""The random networks of `generate`, compared with what the interpreter computes for them (`oracle`).

    python -m tests.frontend.tflite.grid write FOLDER 0 400            # networks and images of seeds 0 to 399
    ENV/bin/python tests/frontend/tflite/oracle.py FOLDER              # ENV: the environment of `make`
    python -m tests.frontend.tflite.grid compare FOLDER                # counts what differs

`grid.npz` keeps the interpreter's results of seeds 0 to `KEPT` - 1 (`keep FOLDER` writes it). These networks are not made by
TensorFlow: what its converter never writes, but its interpreter accepts, is in them too.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.exec import reference
from neurobin.frontend.tflite.convert import to_graph
from neurobin.frontend.tflite.convert.sums import scale_of
from neurobin.frontend.tflite.reader import parse
from tests.frontend.tflite.generate import KINDS, network

HERE = Path(__file__).parent
KEPT = 288
EXAMPLES = 3
CLOSE = 1e-4


def inputs_of(data: bytes, seed: int) -> np.ndarray:
    """Images [EXAMPLES, ...] of 8 bits, as the graph takes them."""
    parsed = parse(data)
    port = parsed.tensors[parsed.inputs[0]]
    low = -128 if port.kind == np.dtype("i1") else 0
    return np.random.default_rng([seed, 1]).integers(low, low + 256, (EXAMPLES, *port.shape[1:]))


def differs(data: bytes, images: np.ndarray, wanted: np.ndarray) -> str:
    """What our graph of a file computes otherwise than the interpreter: "" for nothing."""
    parsed = parse(data)
    tensor = parsed.tensors[parsed.outputs[0]]
    found = reference.run(to_graph(parsed), images)
    if tensor.kind == np.dtype("<i4"):
        bits = np.unpackbits(np.ascontiguousarray(wanted).view(np.uint8), axis=-1, bitorder="little")
        wrong = found != 1 - 2 * bits[..., : found.shape[-1]].astype(int)
    elif tensor.kind == np.dtype("i1"):
        scale, zero = scale_of(tensor)
        wrong = np.rint(found / scale) + zero != wanted
    else:
        wrong = ~(np.abs(found - wanted) <= CLOSE * np.maximum(1, np.abs(wanted)))
    count = int(wrong.sum())
    if not count:
        return ""
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{count} of {wrong.size} differ, first at {first}: {found[first]}"


def write(folder: Path, first: int, last: int) -> None:
    for seed in range(first, last):
        data = network(seed)[1]
        (folder / f"{seed}.tflite").write_bytes(data)
        np.save(folder / f"{seed}.in.npy", inputs_of(data, seed).astype(np.int16))


def compare(folder: Path) -> None:
    """A line for each network that differs or is refused by one side only, then the counts."""
    counts: Counter[tuple[str, str]] = Counter()
    for path in sorted(folder.glob("*.tflite"), key=lambda path: int(path.stem)):
        seed, out = int(path.stem), path.with_suffix(".out.npy")
        kind, data = KINDS[seed % len(KINDS)].__name__, path.read_bytes()
        try:
            if not out.exists():
                to_graph(parse(data))
                outcome, said = "refused by the interpreter only", ""
            else:
                said = differs(data, inputs_of(data, seed), np.load(out))
                outcome = "differs" if said else "equal"
        except UnsupportedError as error:
            outcome, said = ("refused by us" if out.exists() else "refused by both"), str(error)
        counts[kind, outcome] += 1
        if outcome not in ("equal", "refused by both"):
            print(seed, kind, outcome, said)
    for (kind, outcome), count in sorted(counts.items()):
        print(f"{kind:20} {outcome:32} {count}")


def keep(folder: Path) -> None:
    """What the interpreter computed, in one file; networks that it refuses are left out."""
    found = {str(seed): folder / f"{seed}.out.npy" for seed in range(KEPT)}
    np.savez_compressed(HERE / "grid.npz", **{name: np.load(path) for name, path in found.items() if path.exists()})


if __name__ == "__main__":
    command, where = sys.argv[1], Path(sys.argv[2])
    if command == "write":
        write(where, int(sys.argv[3]), int(sys.argv[4]))
    else:
        {"compare": compare, "keep": keep}[command](where)
