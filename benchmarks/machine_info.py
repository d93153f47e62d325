"""The machine and the software that a benchmark ran on, for its report."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.environments import ENVIRONMENTS, Environment
from neurobin.exec.kernels.machine import available

PACKAGES = ("neurobin", "numpy", "llvmlite", "torch", "onnx", "onnxruntime")
ELSEWHERE = {"larq": ("tensorflow-cpu", "larq", "larq-compute-engine", "larq-zoo", "numpy"), "bnnlab": ("bnn-lab", "numpy")}
FLAGS = (  # instructions that one or the other contender asks for: x86-64 as in /proc/cpuinfo, then ARM64
    *("popcnt", "avx2", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bitalg", "avx512_vpopcntdq"),
    *("avx512_bf16", "amx_tile", "amx_int8", "amx_bf16"),
    *("asimd", "asimddp", "i8mm", "sve", "sve2", "sme"),
)
ABSENT = "not installed"


def machine_info(threads: int) -> dict[str, object]:
    """Values are text, numbers, lists or dicts of these, ready for JSON."""
    facts = _cpu_facts()
    has = set(facts.get("flags", facts.get("Features", "")).split())
    return {
        "cpu": facts.get("model name") or platform.processor() or "unknown",
        "date": date.today().isoformat(),
        "architecture": platform.machine(),
        "flags": [flag for flag in FLAGS if flag in has],
        "cores": os.cpu_count(),
        "cores_usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": threads,
        "os": f"{platform.system()} on {platform.machine()}",
        "python": sys.version.split()[0],
        "packages": {name: _version(name) for name in PACKAGES},
        "environments": {name: _versions_in(environment) for name, environment in ENVIRONMENTS.items()},
    }


def page_name(cpu: str) -> str:
    """What the files of this CPU's figures are called: who makes it, and our best back end there ("amd-avx512")."""
    maker = re.match(r"[a-z]*", cpu.lower())
    return f"{(maker and maker[0]) or platform.machine().lower()}-{available()[0].name}"


def _cpu_facts() -> dict[str, str]:
    """What the system says of its first core, under the names of Linux."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        pairs = (line.partition(":") for line in path.read_text(encoding="utf-8").split("\n\n")[0].splitlines())
        return {key.strip(): value.strip() for key, _, value in pairs}
    if sys.platform == "darwin":
        asked = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False)
        return {"model name": asked.stdout.strip()}
    return {}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ABSENT


def _versions_in(environment: Environment) -> dict[str, str] | str:
    """Versions that another environment's own Python reports, or why there is none."""
    if reason := environment.missing():
        return reason
    packages = ELSEWHERE[environment.name]
    code = "import sys\nfrom importlib.metadata import version\nfor name in sys.argv[1:]: print(version(name))"
    asked = subprocess.run([environment.python(), "-c", code, *packages], capture_output=True, text=True, check=False)
    if asked.returncode:
        return asked.stderr.strip().rpartition("\n")[2]
    return dict(zip(packages, asked.stdout.split(), strict=True))
