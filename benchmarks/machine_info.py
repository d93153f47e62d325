"""The machine and the software that a benchmark ran on, for its report."""

from __future__ import annotations

import platform
import subprocess
import sys
from datetime import date
from importlib.metadata import PackageNotFoundError, version

from benchmarks.environments import ENVIRONMENTS, Environment
from neurobin.exec.kernels.machine import available, cpu
from neurobin.exec.limits.host import host, units

PACKAGES = ("neurobin", "numpy", "llvmlite", "torch", "onnx", "onnxruntime")
ELSEWHERE = {"larq": ("tensorflow-cpu", "larq", "larq-compute-engine", "larq-zoo", "numpy"), "bnnlab": ("bnn-lab", "numpy")}
ABSENT = "not installed"


def machine_info(threads: int) -> dict[str, object]:
    """Values are text, numbers, lists or dicts of these, ready for JSON."""
    found = host()
    return {
        "cpu": found.cpu,
        "date": date.today().isoformat(),
        "architecture": found.architecture,
        "units": [unit.name for unit in units() if unit.found],
        "cores": found.cores,
        "cores_usable": found.cores_usable,
        "threads": threads,
        "os": f"{platform.system()} on {platform.machine()}",
        "python": sys.version.split()[0],
        "packages": {name: _version(name) for name in PACKAGES},
        "environments": {name: _versions_in(environment) for name, environment in ENVIRONMENTS.items()},
    }


def page_name() -> str:
    """What the files of this CPU's figures are called: LLVM's name of it, and our best back end there ("znver4-avx512")."""
    return f"{cpu() or platform.machine().lower()}-{available()[0].name}"


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
