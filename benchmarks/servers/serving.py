"""The serving side of benchmarks.worker: requests come as JSON lines on standard input, and each is answered by one line.

    {"do": "build", "workload": ..., "arrays": PATH, ...}       -> {"handle": ..., "description": ...}   arrays: an .npz
    {"do": "turn", "handle": ..., "repeats": ...}               -> {"cpu_s": ..., "wall_s": ...}
    {"do": "output", "handle": ..., "path": PATH}               -> {}                                    writes an .npy

A request that fails is answered by {"error": traceback}. Between requests the process only waits.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.timing import Clock, timed


@dataclass(frozen=True)
class Served:
    """One prepared workload."""

    description: str
    run: Callable[[], object]
    output: Callable[[], np.ndarray]


Build = Callable[..., Served]  # arrays and options of the request by name


def serve(builders: Mapping[str, Build]) -> None:
    """Answer until standard input ends; what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    served: list[Served] = []
    for line in sys.stdin:
        try:
            answer = _answer(json.loads(line), builders, served)
        except Exception:  # whatever it was, the other process must hear of it
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _answer(request: dict[str, object], builders: Mapping[str, Build], served: list[Served]) -> dict[str, object]:
    match request.pop("do"):
        case "build":
            with np.load(str(request.pop("arrays"))) as arrays:
                served.append(builders[str(request.pop("workload"))](**dict(arrays), **request))
            return {"handle": len(served) - 1, "description": served[-1].description}
        case "turn":
            cpu_s, wall_s = timed(served[_number(request, "handle")].run, _number(request, "repeats"), Clock())
            return {"cpu_s": cpu_s, "wall_s": wall_s}
        case "output":
            np.save(str(request["path"]), served[_number(request, "handle")].output())
            return {}
        case unknown:
            raise ValueError(f"cannot {unknown!r}")


def _number(request: dict[str, object], key: str) -> int:
    return int(str(request[key]))
