"""Small trained networks that come with the package, each as trained (`.trained.nbin`) and deployed (`.nbin`)."""

from __future__ import annotations

import json
from pathlib import Path

from neurobin.errors import UsageError, nearest
from neurobin.ir import Graph
from neurobin.ir.store import load as load_file

FOLDER = Path(__file__).parent
TRAINED = ".trained.nbin"
SEEDS = FOLDER / "seeds.json"  # the accuracies of every seed that was trained, by network


def names() -> list[str]:
    """All networks of the zoo, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.nbin") if not path.name.endswith(TRAINED))


def path(name: str, *, trained: bool = False) -> Path:
    """The file of a zoo network. Raises UsageError with the nearest name when there is none."""
    if name not in names():
        otherwise = "neurobin zoo lists the networks; files end in .nbin"
        raise UsageError(f"no network {name!r} in the zoo", hint=nearest(name, names(), otherwise))
    return FOLDER / (f"{name}{TRAINED}" if trained else f"{name}.nbin")


def load(model: str, *, trained: bool = False) -> Graph:
    """A zoo network by name, or any `.nbin` file by path. Raises UsageError or FormatError."""
    if model.endswith(".nbin"):
        return load_file(Path(model))
    return load_file(path(model, trained=trained))


def seeds(name: str) -> dict[int, dict[str, float]]:
    """Accuracies by seed and stage (torch, float, deployed) of a network trained with several seeds; {} for others."""
    kept = json.loads(SEEDS.read_text()) if SEEDS.exists() else {}
    return {int(seed): dict(shares) for seed, shares in kept.get(name, {}).items()}
