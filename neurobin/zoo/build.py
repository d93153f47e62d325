"""Trains the whole zoo again: `python -m neurobin.zoo.build [METHOD ...]`. Resumes where an interrupted run stopped."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from neurobin.methods import method_names
from neurobin.zoo import FOLDER

DATA = "digits"


def main(methods: list[str]) -> int:
    """One `neurobin train` per method; its checkpoint lies in the temporary folder until it is done."""
    for method in methods or method_names():
        checkpoint = Path(tempfile.gettempdir()) / f"neurobin-{method}-{DATA}.checkpoint"
        arguments = ["train", method, "--data", DATA, "--output", str(FOLDER), "--checkpoint", str(checkpoint)]
        print(f"neurobin {' '.join(arguments)}", flush=True)
        code = subprocess.call([sys.executable, "-m", "neurobin", *arguments])
        if code:
            return code
        checkpoint.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
