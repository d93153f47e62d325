"""Larq Compute Engine's interpreter on every network of a folder that `grid` wrote; runs in the environment of `make`.

Beside `N.tflite` and `N.in.npy` it writes `N.out.npy`: from the reference kernel of binary convolutions, or from the
optimized one where the reference kernel refuses the network; nothing where both do. Where the two differ, a line is printed.
Each run is a process of its own, because some networks end the interpreter's.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from larq_compute_engine.tflite.python.interpreter import Interpreter


def predict(path: Path, reference: bool) -> bool:
    """Writes what one kernel computes beside the network. False where the kernel refuses the network, or dies of it."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    code = 1
    try:
        interpreter = Interpreter(path.read_bytes(), use_reference_bconv=reference)
        images = np.load(path.with_suffix(".in.npy"))
        real = interpreter.input_types[0] == np.float32
        one = images.astype(np.float32) / np.float32(255) if real else images.astype(np.int8)
        np.save(name(path, reference), interpreter.predict(one))
        code = 0
    finally:
        os._exit(code)


def name(path: Path, reference: bool) -> Path:
    return path.with_suffix(f".{'reference' if reference else 'optimized'}.npy")


def main(folder: Path) -> None:
    for path in sorted(folder.glob("*.tflite"), key=lambda path: int(path.stem)):
        found = [np.load(name(path, one)) for one in (True, False) if predict(path, one)]
        if not found:
            continue
        np.save(path.with_suffix(".out.npy"), found[0])
        apart = np.abs(found[0].astype(np.float64) - found[-1]).max(initial=0)
        if apart > (0 if found[0].dtype.kind in "iu" else 1e-4):
            print(path.stem, "the optimized kernel differs by", apart)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
