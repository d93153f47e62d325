"""`python -m benchmarks.environments [NAME ...]`: the environments of peers that cannot live in this one.

Each is made with pip beside .venv, step by step: one resolution of all packages at once backtracks for many minutes. An
interpreter that has the packages already is used instead if the environment variable names it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from neurobin.errors import NeurobinError, UsageError

ROOT = Path(__file__).parent.parent
PYTHON = "3.11"  # the newest that tensorflow-cpu 2.15 has wheels for; bnn-lab needs at least this one


@dataclass(frozen=True)
class Environment:
    """`steps` are the arguments of one `pip install` each; `proof` is a statement that runs where all is well."""

    name: str
    variable: str
    steps: tuple[str, ...]
    proof: str

    @property
    def folder(self) -> Path:
        return ROOT / f".venv-{self.name}"

    @property
    def command(self) -> str:
        return f"python -m benchmarks.environments {self.name}"

    def python(self) -> Path:
        """The interpreter that the variable names, or that of the folder; it need not exist."""
        given = os.environ.get(self.variable)
        return Path(given) if given else _interpreter(self.folder)

    def missing(self) -> str:
        """Why there is no interpreter and what to do; empty when there is one."""
        python = self.python()
        if python.exists():
            return ""
        if self.variable in os.environ:
            return f"not installed: {self.variable} names {python}, which does not exist; unset it and run {self.command}"
        return f"not installed; {self.command}"


# TensorFlow 2.15 is the last with Keras 2, which Larq needs; NumPy 1 and protobuf below 3.21 are what both agree on.
LARQ = Environment(
    "larq",
    "NEUROBIN_LARQ_PYTHON",
    (
        "tensorflow-cpu==2.15.1 numpy==1.26.4 protobuf==3.20.3",
        "terminaltables==3.1.10 tqdm==4.70.1 click==8.5.1 typeguard==4.6.0",
        "--no-deps larq==0.14.0 larq-compute-engine==0.16.0 larq-zoo==2.4.0 zookeeper==1.4.0",
    ),
    "import os; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '2'; import larq_compute_engine",
)
# Its kernels need NumPy alone; torch, which it pins below 2.13, is for layers that no benchmark uses.
BNN_LAB = Environment(
    "bnnlab",
    "NEUROBIN_BNNLAB_PYTHON",
    ("numpy==1.26.4", "--no-deps bnn-lab==1.0.0"),
    "from importlib.metadata import version; version('bnn-lab')",
)
ENVIRONMENTS = {environment.name: environment for environment in (LARQ, BNN_LAB)}


def create(environment: Environment) -> Path:
    """Make the folder anew and return its interpreter."""
    subprocess.run([base_python(), "-m", "venv", "--clear", str(environment.folder)], check=True)
    (environment.folder / ".gitignore").write_text("*\n", encoding="utf-8")
    python = _interpreter(environment.folder)
    for step in environment.steps:
        print(f"{environment.name}: pip install {step}", flush=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *step.split()], check=True)
    subprocess.run([str(python), "-c", environment.proof], check=True)
    return python


def base_python() -> str:
    """A Python of the version that the packages have wheels for: this one, or one on the path."""
    if sys.version_info[:2] == tuple(map(int, PYTHON.split("."))):
        return sys.executable
    found = shutil.which(f"python{PYTHON}")
    if found is None:
        raise NeurobinError(
            f"needs Python {PYTHON}, this is {sys.version.split()[0]}", hint=f"put python{PYTHON} on the path"
        )
    return found


def _interpreter(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def main(names: list[str]) -> None:
    for name in names:
        if name not in ENVIRONMENTS:
            raise UsageError(f"no environment {name!r}", hint=" or ".join(ENVIRONMENTS))
    for name in names or ENVIRONMENTS:
        print(f"{name}: {create(ENVIRONMENTS[name])}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except NeurobinError as error:
        raise SystemExit(str(error)) from error
