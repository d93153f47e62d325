"""The one interface of all hardware: what a target can do with a deployed graph, and how targets are found.

A chip is a TOML file in `hwmodels/chips`; its `family` names the folder whose `TARGET` class reads it.
"""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from hwmodels.cost import CostReport
from hwmodels.sourced import Sourced
from hwmodels.trace import Trace
from neurobin.errors import DoesNotFitError, FormatError, UsageError, nearest
from neurobin.exec.activity import Activity
from neurobin.files import read_text
from neurobin.ir import Graph, Json

_FOLDER = Path(__file__).parent
CHIPS = _FOLDER / "chips"
MAX_CHIP_BYTES = 2**17
MAX_KEY_PARTS = 16  # of a dotted key: reading one takes memory with the square of its parts
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""  # of a key; nothing is tried twice, or a long line would take its square
_LONG_KEY = re.compile(rf"(?<![\w-])(?:{_PART}[ \t]*+\.[ \t]*+){{{MAX_KEY_PARTS}}}")


@dataclass(frozen=True)
class Issue:
    """One reason why a graph does not fit: the node (or "" for the whole graph) and a sentence with the numbers."""

    node: str
    reason: str

    def __str__(self) -> str:
        return f"{self.node}: {self.reason}" if self.node else self.reason


@dataclass(frozen=True)
class Resource:
    """How much of something bounded a mapping uses, such as SRAM bytes or cores."""

    name: str
    used: float
    capacity: float
    unit: str


@dataclass(frozen=True)
class Span:
    """A buffer's place in a memory: live from step `first` to step `last` (inclusive) of the schedule `steps`."""

    tensor: str
    memory: str
    address: int
    size_bytes: int
    first: int
    last: int


class Mapping(Protocol):
    """A graph placed on a chip. Families add what their execution and prices need."""

    @property
    def graph(self) -> Graph: ...

    @property
    def resources(self) -> tuple[Resource, ...]:
        """The main bounded resource first: it is the one that headline tables show."""
        ...

    @property
    def steps(self) -> tuple[str, ...]:
        """The schedule: names of what runs one after the other (layers, kernels)."""
        ...

    @property
    def spans(self) -> tuple[Span, ...]:
        """Memory over the schedule; empty where memory is not shared over time."""
        ...

    def summary(self) -> dict[str, Json]:
        """What a user wants to see of the placement, JSON-ready."""
        ...


M = TypeVar("M", bound=Mapping)


class Target(Protocol[M]):
    """A chip that can carry deployed graphs. `map` raises DoesNotFitError with every reason `check` finds."""

    @property
    def name(self) -> str: ...

    @property
    def chip(self) -> BaseModel: ...

    def check(self, graph: Graph) -> list[Issue]:
        """Every reason why the graph does not fit, at once; empty when it does."""
        ...

    def map(self, graph: Graph) -> M: ...

    def execute(self, mapping: M, x: np.ndarray) -> np.ndarray:
        """int64 outputs computed by the mapped artefact itself, never by an engine of `neurobin.exec`."""
        ...

    def estimate(self, mapping: M, activity: Activity) -> CostReport:
        """The closed-form price of one inference."""
        ...

    def simulate(self, mapping: M, activity: Activity) -> Trace:
        """The event-driven run of one inference (simpy)."""
        ...


class ChipFile(BaseModel):
    """What every chip file says; families extend it with their constants."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1]
    name: str
    family: str
    description: str


C = TypeVar("C", bound=ChipFile)


def parse_chip(data: MappingOf[str, object], model: type[C], where: str) -> C:
    """Validate a chip file's content. Raises FormatError listing every fault with its path."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors(include_url=False)
        ]
        raise FormatError("; ".join(faults), where=where, hint="compare with the files in hwmodels/chips") from None


def chip_names() -> list[str]:
    """All chips that come with the package, sorted."""
    return sorted(path.stem for path in CHIPS.glob("*.toml"))


def families() -> list[str]:
    """All hardware families: the folders that hold a package with a TARGET."""
    return sorted(path.parent.name for path in _FOLDER.glob("*/__init__.py"))


def load_target(name: str, overrides: MappingOf[str, float] | None = None) -> Target[Mapping]:
    """The target of chip `name`, or of the chip file at path `name` (*.toml).

    `overrides` replaces the value of constants by dotted path (low and high follow); their source says so.
    Raises UsageError for an unknown chip, FormatError for a damaged or incomplete file.
    """
    path = Path(name) if name.endswith(".toml") else CHIPS / f"{name}.toml"
    if not name.endswith(".toml") and name not in chip_names():
        raise UsageError(f"unknown target {name!r}", hint=nearest(name, chip_names()))
    data = _read(path)
    family = data.get("family")
    if family not in families():
        raise FormatError(f"family is {family!r}, expected one of {', '.join(families())}", where=str(path))
    for key, value in (overrides or {}).items():
        _override(data, key, value)
    module = importlib.import_module(f"hwmodels.{family}")
    target: Target[Mapping] = module.TARGET.from_data(data, str(path))
    return target


def _read(path: Path) -> dict[str, object]:
    """The tables of a TOML file. Raises FormatError when it is none."""
    try:
        text = read_text(path, MAX_CHIP_BYTES)
        if _LONG_KEY.search(text):
            raise FormatError(f"has a key of more than {MAX_KEY_PARTS} parts")
        return tomllib.loads(text)
    except FormatError as error:
        raise FormatError(error.what, where=str(path)) from None
    except RecursionError:
        raise FormatError("is nested too deeply", where=str(path)) from None
    except ValueError as error:  # not TOML, or a whole number of thousands of digits
        raise FormatError(f"is not TOML: {error}", where=str(path)) from None


def _override(data: dict[str, object], key: str, value: float) -> None:
    """Replace one constant in place. Raises UsageError when there is none at that path."""
    entry: object = data
    for part in key.split("."):
        entry = entry.get(part) if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or "value" not in entry:
        raise UsageError(f"the chip file has no constant {key!r}", hint="neurobin targets show NAME lists them")
    entry |= {"low": value, "high": value, "status": "assumed"}
    entry["source"] = f"set on the command line (file: {entry['value']})"
    entry["value"] = value


def constants(chip: BaseModel, prefix: str = "") -> dict[str, Sourced]:
    """Every constant of a chip by dotted path, in file order."""
    found: dict[str, Sourced] = {}
    for name in type(chip).model_fields:
        value = getattr(chip, name)
        items = value.items() if isinstance(value, dict) else [(None, value)]
        for key, item in items:
            path = f"{prefix}{name}" + (f".{key}" if key is not None else "")
            if isinstance(item, Sourced):
                found[path] = item
            elif isinstance(item, BaseModel):
                found |= constants(item, f"{path}.")
    return found


def require_fit(target: str, issues: list[Issue]) -> None:
    """Raises DoesNotFitError with all issues, if there are any."""
    if issues:
        raise DoesNotFitError(target, [str(issue) for issue in issues])
