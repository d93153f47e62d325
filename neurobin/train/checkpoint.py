"""Checkpoints: everything that the next epoch depends on, in one file that torch loads without running any code.

A run is a function of its `Identity` alone: epoch k draws its random numbers from (seed, k), so the state after epoch k
(parameters, running statistics, optimizer moments, history) is all there is to keep.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from neurobin.errors import FormatError, UsageError
from neurobin.files import write_atomic

SCHEMA = "neurobin.checkpoint/2"


@dataclass(frozen=True)
class Identity:
    """What a checkpoint belongs to. A run resumes only from a checkpoint of the same identity."""

    method: str
    dataset: str
    seed: int
    epochs: int
    recipe: str
    network: str  # what stands for its layers and their quantizers, such as `print_of`


def print_of(module: nn.Module) -> str:
    """Sixteen digits that change with any layer, size or choice that the module shows when printed."""
    return hashlib.sha256(repr(module).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class State:
    """After `epoch` finished epochs: state dicts of module and optimizers, and the history so far."""

    epoch: int
    module: dict[str, Any]
    optimizers: list[dict[str, Any]]
    history: list[dict[str, float]]


def save(path: Path, identity: Identity, state: State) -> None:
    """Write aside, then replace: an interruption leaves the previous checkpoint whole. Raises FormatError when it cannot."""
    buffer = io.BytesIO()
    torch.save({"schema": SCHEMA, "identity": asdict(identity), **vars(state)}, buffer)
    write_atomic(path, [buffer.getvalue()])


def load(path: Path, identity: Identity) -> State:
    """The state kept for this run. Raises FormatError for a damaged file and UsageError for one of another run."""
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FormatError(f"not a whole checkpoint: {reason}", where=str(path), hint="remove it and start anew") from error
    if not isinstance(kept, dict) or kept.get("schema") != SCHEMA:
        schema = kept.get("schema") if isinstance(kept, dict) else type(kept).__name__
        raise FormatError(f"expected schema {SCHEMA}, got {schema!r}", where=str(path))
    other = kept.get("identity")
    expected = asdict(identity)
    if other != expected:
        other = other if isinstance(other, dict) else {}
        differing = [
            f"{key} {other.get(key)!r} instead of {value!r}" for key, value in expected.items() if other.get(key) != value
        ]
        raise UsageError(
            f"checkpoint of another run: {'; '.join(differing)}",
            where=str(path),
            hint="remove it, or take another file name",
        )
    try:
        return State(int(kept["epoch"]), dict(kept["module"]), list(kept["optimizers"]), list(kept["history"]))
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"a part is missing or of the wrong kind: {error}", where=str(path)) from error
