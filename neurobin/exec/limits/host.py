"""What this computer is: processor, cores, caches, instruction sets of interest, and the back ends these make possible."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from neurobin.errors import NeurobinError
from neurobin.exec.kernels import machine

# LLVM's names of what the kernels use or could use.
_SETS = {
    "x86_64": ("popcnt", "avx2", "avxvnni", "avx512f", "avx512bw", "avx512vl", "avx512vbmi", "avx512bitalg",
               "avx512vpopcntdq", "avx512vnni", "gfni", "amx-tile", "amx-int8"),
    "aarch64": ("neon", "dotprod", "i8mm", "sve", "sve2", "sme"),
}  # fmt: skip
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_SIZES = {"K": 2**10, "M": 2**20, "G": 2**30}


@dataclass(frozen=True)
class Unit:
    """An instruction set, whether this CPU has it (None: not known), and the back ends that use it."""

    name: str
    found: bool | None
    used_by: tuple[str, ...]


@dataclass(frozen=True)
class BackEnd:
    """A back end, whether it can run here and is the one chosen, and why."""

    name: str
    available: bool
    chosen: bool
    reason: str


@dataclass(frozen=True)
class Host:
    """`cpu` as the system names it, `kind` as LLVM does ("" where unknown); caches as (what, bytes) for one core."""

    cpu: str
    kind: str
    architecture: str
    cores: int
    cores_usable: int
    caches: tuple[tuple[str, int], ...]
    llvm: bool


def host() -> Host:
    """What can be found out; what cannot is left out."""
    kind = machine.cpu()
    cores = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    return Host(_cpu_name(), kind, _architecture(), cores, usable, _caches(), bool(kind))


def units() -> list[Unit]:
    """The instruction sets of interest on this architecture; none for one of which nothing is known."""
    found = machine.units() if machine.cpu() else None
    return [
        Unit(name, None if found is None else name in found,
             tuple(b.name for b in machine.BACKENDS if name in (*b.needs, *b.optional)))
        for name in _SETS.get(_architecture(), ())
    ]  # fmt: skip


def back_ends(chosen: machine.Backend) -> list[BackEnd]:
    """Every back end, best first, and why it is or is not taken."""
    forced = os.environ.get(machine.VARIABLE, "")
    return [BackEnd(b.name, b in machine.available(), b == chosen, _reason(b, chosen, forced)) for b in machine.BACKENDS]


def _reason(back_end: machine.Backend, chosen: machine.Backend, forced: str) -> str:
    if back_end not in machine.available():
        return _unavailable(back_end)
    best = machine.available()[0]
    if back_end == chosen:
        if back_end == best:
            return "the best that runs here"
        return f"{machine.VARIABLE} asks for it" if forced == back_end.name else "asked for"
    return f"{chosen.name} is better" if chosen == best else f"{chosen.name} is asked for"


def _unavailable(back_end: machine.Backend) -> str:
    if not machine.cpu():
        return "llvmlite is not installed"
    try:
        machine.backend(back_end.name)
    except NeurobinError as error:
        return error.what
    return ""


def _architecture() -> str:
    name = platform.machine().lower()
    return _ARCHITECTURES.get(name, name)


def _cpu_name() -> str:
    if sys.platform == "darwin":
        return _sysctl("machdep.cpu.brand_string") or "unknown"
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model")))
    return next(named, "") or platform.processor() or "unknown"


def _caches() -> tuple[tuple[str, int], ...]:
    if sys.platform == "darwin":
        asked = {"L1 data": "hw.l1dcachesize", "L2": "hw.l2cachesize", "L3": "hw.l3cachesize"}
        sizes = {name: _sysctl(key) for name, key in asked.items()}
        return tuple((name, int(size)) for name, size in sizes.items() if size.isdigit() and int(size))
    found = []
    for folder in sorted(_CACHES.glob("index*")):
        try:
            level, kind, size = ((folder / name).read_text(encoding="ascii").strip() for name in ("level", "type", "size"))
            count = int(size.rstrip("KMG")) * _SIZES.get(size[-1:], 1)
        except (OSError, ValueError):
            continue
        if kind != "Instruction":
            found.append((f"L{level}" + (" data" if kind == "Data" else ""), count))
    return tuple(found)


def _sysctl(key: str) -> str:
    try:
        asked = subprocess.run(["sysctl", "-n", key], capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip()
