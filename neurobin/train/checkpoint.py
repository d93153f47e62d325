"""Checkpoints: everything that the next epoch depends on, in one file that torch loads without running any code.

A run is a function of its `Identity` alone: epoch k draws its random numbers from (seed, k), so the state after epoch k
(parameters, running statistics, optimizer moments, history) is all there is to keep.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from neurobin.errors import FormatError, UsageError
from neurobin.files import open_regular, write_atomic
from neurobin.nn.torch_file import first_line, read_torch_file

SCHEMA = "neurobin.checkpoint/2"
REMEDY = "remove it, or take another file name"


@dataclass(frozen=True)
class Identity:
    """What a checkpoint belongs to. A run resumes only from a checkpoint of the same identity.

    Raises UsageError for a recipe that is printed with an address, which the next process would not print again.
    """

    method: str
    dataset: str
    seed: int
    epochs: int
    recipe: str  # as it is printed
    network: str  # what stands for its layers and their quantizers, such as `print_of`

    def __post_init__(self) -> None:
        if " at 0x" in self.recipe:
            what = "a part of the recipe is printed as an address in memory, so no later run could be known as the same"
            raise UsageError(what, where=self.method, hint="a frozen dataclass in place of a function")


def print_of(module: nn.Module) -> str:
    """Sixteen digits that change with any layer, size or choice that the module shows when printed."""
    return hashlib.sha256(repr(module).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class State:
    """After `epoch` finished epochs: state dicts of module and optimizers, and the history so far, an entry an epoch."""

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
        with open_regular(path) as file:
            kept = read_torch_file(file)
    except Exception as error:  # zipfile, the unpickler and torch's storages raise whatever a wrong byte leads them to
        raise FormatError(f"not a whole checkpoint: {first_line(error)}", where=str(path), hint=REMEDY) from error
    if not isinstance(kept, dict) or kept.get("schema") != SCHEMA:
        schema = kept.get("schema") if isinstance(kept, dict) else type(kept).__name__
        raise FormatError(f"expected schema {SCHEMA}, got {schema!r}", where=str(path), hint=REMEDY)
    _check_identity(kept.get("identity"), identity, path)
    wrong = [repr(part) for part, fits in PARTS.items() if not fits(kept.get(part))]
    if wrong:
        raise FormatError(f"a part is missing or of the wrong kind: {', '.join(wrong)}", where=str(path), hint=REMEDY)
    state = State(*(kept[part] for part in PARTS))
    if not 0 <= state.epoch <= identity.epochs or len(state.history) != state.epoch:
        found = f"epoch {state.epoch} with {len(state.history)} entries of history"
        raise FormatError(f"expected 0 to {identity.epochs} epochs, got {found}", where=str(path), hint=REMEDY)
    return state


def _check_identity(other: object, identity: Identity, path: Path) -> None:
    """Raises UsageError that names what differs, and FormatError where there is nothing to compare."""
    if not isinstance(other, dict):
        raise FormatError(f"it does not say which run it belongs to: {other!r}", where=str(path), hint=REMEDY)
    differing = [
        f"{key} {other.get(key)!r} instead of {value!r}"
        for key, value in asdict(identity).items()
        if type(other.get(key)) is not type(value) or other[key] != value
    ]
    if differing:
        raise UsageError(f"checkpoint of another run: {'; '.join(differing)}", where=str(path), hint=REMEDY)


def _is_module(kept: object) -> bool:
    return isinstance(kept, dict) and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in kept.items())


def _is_optimizer(kept: object) -> bool:
    if not isinstance(kept, dict) or not isinstance(kept.get("state"), dict) or not _dicts(kept.get("param_groups")):
        return False
    return _dicts([*kept["state"].values()]) and all(isinstance(g.get("params"), list) for g in kept["param_groups"])


def _is_history(kept: object) -> bool:
    return isinstance(kept, list) and _dicts(kept) and all(isinstance(v, float) for entry in kept for v in entry.values())


def _dicts(kept: object) -> bool:
    return isinstance(kept, list) and all(isinstance(part, dict) for part in kept)


PARTS: dict[str, Callable[[object], bool]] = {  # in the order of `State`'s fields
    "epoch": lambda kept: isinstance(kept, int),
    "module": _is_module,
    "optimizers": lambda kept: isinstance(kept, list) and all(map(_is_optimizer, kept)),
    "history": _is_history,
}


def restore(optimizer: Optimizer, kept: dict[str, Any]) -> None:
    """Load an optimizer's state dict, with what torch leaves unchecked. Raises ValueError when it is another optimizer's."""
    fields = [set(group) for group in optimizer.param_groups]
    optimizer.load_state_dict(kept)
    for known, group in zip(fields, optimizer.param_groups, strict=True):
        if not known <= set(group):
            raise ValueError(f"an optimizer's {', '.join(sorted(known - set(group)))} is missing")
    for parameter, values in optimizer.state.items():  # among them, as torch leaves it, the state of parameters it lacks
        shape = parameter.shape if isinstance(parameter, Tensor) else None
        sizes = {name: value.shape for name, value in values.items() if isinstance(value, Tensor) and value.dim()}
        wrong = [name for name, found in sizes.items() if found != shape]
        if wrong:
            raise ValueError(f"an optimizer's {', '.join(wrong)} has not the shape of its parameter")
