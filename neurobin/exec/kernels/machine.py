"""The units of this CPU, and the back ends they make possible, best first.

    amx        AVX-512 and int8 tiles: byte products on tiles, bit products by popcount where they are cheaper
    avx512     VPOPCNTDQ for bits, VNNI for bytes
    avx2       nibble tables for bits, widening multiply-add for bytes
    generic    what LLVM makes of `ctpop` and plain products on any CPU
    numpy      no machine code at all: the portable path and the oracle of the others

`NEUROBIN_BACKEND` forces one of them.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from dataclasses import dataclass
from functools import cache

from neurobin.errors import UnsupportedError, UsageError

VARIABLE = "NEUROBIN_BACKEND"

_AVX2 = ("avx", "avx2", "fma", "bmi", "bmi2", "popcnt", "lzcnt", "movbe", "f16c")
_AVX512 = (*_AVX2, "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd", "avx512vpopcntdq", "avx512vnni")
_AMX = (*_AVX512, "amx-tile", "amx-int8")


@dataclass(frozen=True)
class Backend:
    """A back end: the instruction sets its code may use (LLVM's names); `optional` ones are used where they exist."""

    name: str
    needs: tuple[str, ...]
    optional: tuple[str, ...] = ()

    def features(self, available: frozenset[str]) -> tuple[str, ...]:
        """What its code is compiled for on a CPU that has `available`."""
        return (*self.needs, *(unit for unit in self.optional if unit in available))


NUMPY = Backend("numpy", ())
BACKENDS = (
    Backend("amx", _AMX, ("avx512vbmi", "avx512bitalg", "gfni")),
    Backend("avx512", _AVX512, ("avx512vbmi", "avx512bitalg", "gfni")),
    Backend("avx2", _AVX2),
    Backend("generic", ()),
    NUMPY,
)


@cache
def units() -> frozenset[str]:
    """LLVM's names of the instruction sets of this CPU; none where llvmlite is missing."""
    try:
        from llvmlite import binding
    except ImportError:
        return frozenset()
    return frozenset(name for name, found in binding.get_host_cpu_features().items() if found)


@cache
def cpu() -> str:
    """LLVM's name of this CPU, such as "znver4"; "" where llvmlite is missing."""
    try:
        from llvmlite import binding
    except ImportError:
        return ""
    return str(binding.get_host_cpu_name())


@cache
def available() -> tuple[Backend, ...]:
    """The back ends that can run here, best first; numpy always is the last."""
    try:
        import llvmlite.binding  # noqa: F401
    except ImportError:
        return (NUMPY,)
    have = units()
    return tuple(b for b in BACKENDS if have >= set(b.needs) and (b.name != "amx" or _tiles_allowed()))


def backend(name: str | None = None) -> Backend:
    """The back end of that name, of the environment variable, or the best. Raises UsageError for an unknown name and
    UnsupportedError for one that this CPU cannot run."""
    wanted = name or os.environ.get(VARIABLE, "")
    if not wanted:
        return available()[0]
    known = {b.name: b for b in BACKENDS}
    if wanted not in known:
        raise UsageError(f"unknown back end {wanted!r}", where=VARIABLE, hint=", ".join(known))
    if known[wanted] not in available():
        missing = sorted(set(known[wanted].needs) - units()) or ["permission to use its tiles"]
        raise UnsupportedError(
            f"this CPU cannot run the back end {wanted!r}, it lacks {', '.join(missing)}",
            where=VARIABLE,
            hint=", ".join(b.name for b in available()),
        )
    return known[wanted]


@cache
def _tiles_allowed() -> bool:
    """Asks Linux once per process for the tile registers (arch_prctl ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)."""
    if not sys.platform.startswith("linux") or platform.machine() != "x86_64":
        return False
    arch_prctl, request_permission, tile_data = 158, 0x1023, 18
    return ctypes.CDLL(None, use_errno=True).syscall(arch_prctl, request_permission, tile_data) == 0
