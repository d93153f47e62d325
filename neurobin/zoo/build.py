"""Trains the whole zoo again: `python -m neurobin.zoo.build [METHOD ...]`. Resumes where an interrupted run stopped."""

from __future__ import annotations

import subprocess
import sys

from neurobin.methods import method_names
from neurobin.zoo import FOLDER

DATA = "digits"


def main(methods: list[str]) -> int:
    """One `neurobin train` per method, each keeping its own progress until it is done."""
    for method in methods or method_names():
        arguments = ["train", method, "--data", DATA, "--output", str(FOLDER)]
        print(f"neurobin {' '.join(arguments)}", flush=True)
        code = subprocess.call([sys.executable, "-m", "neurobin", *arguments])
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
