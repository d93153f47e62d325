"""bnn-lab's native kernel for products of packed +-1 matrices."""

from __future__ import annotations

import sys
from ctypes import POINTER, c_float, c_uint64
from functools import cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from types import ModuleType

import numpy as np

from benchmarks.servers.serving import Served, serve


@cache
def kernels() -> ModuleType:
    """The module bnn.kernels.packed, without bnn/__init__, which imports torch for layers that are not needed here."""
    found = find_spec("bnn")
    if found is None or found.submodule_search_locations is None:
        raise ModuleNotFoundError("bnn (package bnn-lab)")
    package = ModuleType("bnn")
    package.__path__ = list(found.submodule_search_locations)
    sys.modules["bnn"] = package
    return import_module("bnn.kernels.packed")


def gemm(a: np.ndarray, b: np.ndarray, threads: int) -> Served:
    """a [m, k] times b [n, k] transposed, both packed beforehand.

    The C function is called on one buffer for all runs: `binary_gemm_native_prepacked` takes new memory for every product,
    which costs 7 % at 4096 x 4096.
    """
    bnn = kernels()
    if not bnn.native_kernel_available():
        raise RuntimeError("bnn-lab found no native kernel and no C compiler to build it")
    bnn.set_num_threads(threads)
    (left, terms), (right, _) = bnn.pack_binary_pm1(a), bnn.pack_binary_pm1(b)
    sums = np.empty((len(a), len(b)), np.float32)
    pointers = [
        array.ctypes.data_as(POINTER(kind)) for array, kind in ((left, c_uint64), (right, c_uint64), (sums, c_float))
    ]
    kernel = bnn._try_load_native().binary_gemm_u64

    def run() -> None:
        kernel(*pointers, *sums.shape, left.shape[1], terms)

    def output() -> np.ndarray:
        run()
        return sums.astype(np.int32)

    description = (
        f"bnn-lab {version('bnn-lab')}, its {bnn.kernel_name()} C kernel (xor, popcount), both operands packed beforehand, "
        f"float32 sums out, {bnn.get_num_threads()} thread{'s' * (threads > 1)}"
    )
    return Served(description, run, output)


if __name__ == "__main__":
    serve({"gemm": gemm})
