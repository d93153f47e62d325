"""The amx back end on CPUs that have AVX-512 but no tiles: its instructions become calls of functions in C.

`NEUROBIN_SOFT_TILES=1` installs them for a run of the tests, or of `python -m tests.exec.kernels.grid`:

    NEUROBIN_SOFT_TILES=1 python -m pytest tests/exec/kernels
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from neurobin.exec.kernels import jit, machine
from neurobin.exec.kernels.jit import Compiler

VARIABLE = "NEUROBIN_SOFT_TILES"
SOURCE = Path(__file__).with_suffix(".c")
UNITS = ("amx-tile", "amx-int8")
_INSTRUCTION = re.compile(r"@llvm\.x86\.((?:ld)?tile\w+|tdpb\w+)")
_NAMES = ("ldtilecfg", "tilerelease", "tilezero", "tileloadd64", "tilestored64", "tdpbssd", "tdpbsud", "tdpbusd", "tdpbuud")


def missing() -> str:
    """Why they cannot be used here; "" where they can."""
    needs = next(backend.needs for backend in machine.BACKENDS if backend.name == "amx")
    if lacking := sorted(set(needs) - machine.units() - set(UNITS)):
        return f"this CPU lacks {', '.join(lacking)}"
    return "" if shutil.which("cc") else "there is no C compiler"


def installed() -> bool:
    return os.environ.get(VARIABLE) == "1"


@cache
def install() -> None:
    """Gives this process the back end amx. Kernels are kept on disk under other names than those of real tiles."""
    from llvmlite import binding

    if why := missing():
        raise RuntimeError(f"{VARIABLE}: {why}")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "soft_tiles.so"
        subprocess.run(["cc", "-O3", "-march=native", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
        functions = ctypes.CDLL(str(library))
    for name in _NAMES:
        function = getattr(functions, f"soft_{name}")
        binding.add_symbol(f"soft_{name}", ctypes.cast(function, ctypes.c_void_p).value)
    units, address = machine.units() | set(UNITS), Compiler.address
    machine.units = jit.units = lambda: units  # type: ignore[assignment]
    machine._tiles_allowed = lambda: True  # type: ignore[assignment]
    machine.available.cache_clear()
    Compiler.address = lambda self, text: address(self, _INSTRUCTION.sub(r"@soft_\1", text))  # type: ignore[method-assign]
