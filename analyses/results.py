"""What a comparison holds: models, their results on targets, and where every constant came from. Frozen, JSON both ways.

Accuracies are fractions (0.97 means 97 %), measured on the test split of the model's data set; a detector's is the share of
right boxes among right, wrong and missed ones, and its mean average precision stands beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from analyses.codec import build, parse_constant, parse_report, parse_trace, report_dict, strings, trace_dict
from analyses.literature import Literature
from analyses.table import Cell, Table
from hwmodels.cost import CostReport
from hwmodels.sourced import Sourced
from hwmodels.target import Resource, Span
from hwmodels.trace import Trace
from neurobin.errors import FormatError
from neurobin.ir import Json

SCHEMA = "neurobin.comparison/1"
Status = Literal["equal", "mismatch", "refused", "not run"]


@dataclass(frozen=True)
class ModelInfo:
    """A model of the comparison: what it is, how well it does at each step, and the command that makes it again."""

    name: str
    method: str
    title: str
    dataset: str
    accuracy_torch: float | None  # the trained module
    accuracy_float: float | None  # the graph as trained, in real numbers
    accuracy_deployed: float | None  # the deployed integers, what hardware computes
    parameters: Mapping[str, int] = field(default_factory=dict)  # counts by weight type
    graph_text: str = ""
    command: str = ""
    seed: int | None = None
    epochs: int | None = None
    citation: str = ""
    work: Table | None = None  # analyses.work.work_table of the deployed graph
    codes_flipped: float | None = None  # share of quantizer codes that integer deployment changed, on test images
    first_flip: str = ""  # the first quantizer in execution order with such a code
    operands: tuple[str, ...] = ()  # analyses.deployment.operands of the deployed graph: "1x1", "8x8"
    seeds: tuple[tuple[float, float], ...] = ()  # accuracy as trained and deployed of every seed that was trained
    map_torch: float | None = None  # of detectors: mean average precision at an overlap of 0.5
    map_deployed: float | None = None
    test_images: int | None = None  # in the test split that images were executed from; 0: random ones; None: not known
    literature: Literature | None = None

    def to_dict(self) -> dict[str, Json]:
        data: dict[str, Json] = {f.name: getattr(self, f.name) for f in fields(self)}
        return data | {
            "parameters": dict(self.parameters),
            "work": self.work.to_dict() if self.work else None,
            "operands": list(self.operands),
            "seeds": [list(pair) for pair in self.seeds],
            "literature": self.literature.to_dict() if self.literature else None,
        }

    @staticmethod
    def from_dict(data: Mapping[str, Json]) -> ModelInfo:
        """Raises FormatError for unknown or missing fields."""
        work = data.get("work")
        paper = data.get("literature")
        seeds: Any = data.get("seeds") or ()
        parts: dict[str, Any] = {
            "work": Table.from_dict(work) if isinstance(work, dict) else None,
            "operands": strings(data.get("operands")),
            "seeds": tuple((float(torch), float(deployed)) for torch, deployed in seeds),
            "literature": Literature.from_dict(paper) if isinstance(paper, dict) else None,
        }
        return build(ModelInfo, {**data, **parts})


@dataclass(frozen=True)
class Pair:
    """Whether the mapped artefact computed the reference's integers: one entry of `neurobin.validate/1`."""

    model: str
    target: str
    status: Status
    images: int = 0
    mismatches: int = 0
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.status not in get_args(Status):
            raise FormatError(f"status is {self.status!r}, expected one of {', '.join(get_args(Status))}", where="pair")

    def to_dict(self) -> dict[str, Json]:
        return asdict(self) | {"reasons": list(self.reasons)}

    @staticmethod
    def from_dict(data: Mapping[str, Json]) -> Pair:
        """Raises FormatError for unknown or missing fields or an unknown status."""
        return build(Pair, {**data, "reasons": strings(data.get("reasons"))})


@dataclass(frozen=True)
class PairResult:
    """One model on one target. `report`, `trace` and the placement are empty where the target refused the model."""

    model: str
    target: str
    report: CostReport | None
    resources: tuple[Resource, ...]
    steps: tuple[str, ...]
    spans: tuple[Span, ...]
    summary: Mapping[str, Json]
    trace: Trace | None
    pair: Pair
    placement: tuple[Mapping[str, Cell], ...] = ()  # one row per core: x, y, node and any quantities

    @property
    def fits(self) -> bool | None:
        """False when refused, True when priced, None when nothing was tried."""
        if self.pair.status == "refused":
            return False
        return True if self.report is not None else None

    @property
    def valid(self) -> bool | None:
        """True when every integer was equal, False when one differed, None when nothing was run."""
        return {"equal": True, "mismatch": False}.get(self.pair.status)

    def to_dict(self) -> dict[str, Json]:
        return {
            "model": self.model,
            "target": self.target,
            "report": report_dict(self.report) if self.report else None,
            "resources": [asdict(resource) for resource in self.resources],
            "steps": list(self.steps),
            "spans": [asdict(span) for span in self.spans],
            "summary": dict(self.summary),
            "trace": trace_dict(self.trace) if self.trace else None,
            "pair": self.pair.to_dict(),
            "placement": [dict(row) for row in self.placement],
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> PairResult:
        """Raises FormatError for unknown or missing fields."""
        parts: dict[str, Any] = {
            "report": parse_report(data["report"]) if data.get("report") else None,
            "resources": tuple(build(Resource, row) for row in data.get("resources", ())),
            "steps": strings(data.get("steps")),
            "spans": tuple(build(Span, row) for row in data.get("spans", ())),
            "trace": parse_trace(data["trace"]) if data.get("trace") else None,
            "pair": Pair.from_dict(data.get("pair", {})),
            "placement": tuple(dict(row) for row in data.get("placement", ())),
        }
        return build(PairResult, {**data, **parts})


@dataclass(frozen=True)
class TargetInfo:
    """What a chip's file says about it: its family and its description in words."""

    name: str
    family: str
    description: str

    @property
    def short(self) -> str:
        """The first clause of the description: up to its first semicolon, parenthesis or full stop."""
        return re.split(r"; | \(|\.(?:\s|$)", self.description, maxsplit=1)[0]


@dataclass(frozen=True)
class Comparison:
    """Everything a report shows. `date` is an argument: nothing else varies between two runs of the same work."""

    models: tuple[ModelInfo, ...]
    results: tuple[PairResult, ...]
    chips: Mapping[str, tuple[tuple[str, Sourced], ...]]  # every constant of every target, in file order
    command: str
    versions: Mapping[str, str]
    date: str
    about: tuple[TargetInfo, ...] = ()

    def model(self, name: str) -> ModelInfo:
        """Raises FormatError when there is none of that name."""
        for model in self.models:
            if model.name == name:
                return model
        raise FormatError(f"results name the model {name!r}, which is not in the comparison", where="comparison")

    @property
    def targets(self) -> tuple[str, ...]:
        """Targets in order of first appearance."""
        return tuple(dict.fromkeys(result.target for result in self.results))

    def target(self, name: str) -> TargetInfo:
        """What is known about a target; family and description are empty where nothing was said."""
        return next((info for info in self.about if info.name == name), TargetInfo(name, "", ""))

    def to_dict(self) -> dict[str, Json]:
        return {
            "schema": SCHEMA,
            "models": [model.to_dict() for model in self.models],
            "results": [result.to_dict() for result in self.results],
            "chips": {
                target: [{"path": path, **constant.model_dump(mode="json")} for path, constant in found]
                for target, found in self.chips.items()
            },
            "command": self.command,
            "versions": dict(self.versions),
            "date": self.date,
            "about": [asdict(info) for info in self.about],
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Comparison:
        """Raises FormatError for another schema, unknown or missing fields."""
        if data.get("schema") != SCHEMA:
            raise FormatError(f"expected schema {SCHEMA}, got {data.get('schema')!r}", where="comparison")
        parts = {
            "models": tuple(ModelInfo.from_dict(row) for row in data.get("models", ())),
            "results": tuple(PairResult.from_dict(row) for row in data.get("results", ())),
            "chips": {target: tuple(parse_constant(row) for row in rows) for target, rows in data.get("chips", {}).items()},
            "about": tuple(build(TargetInfo, row) for row in data.get("about", ())),
        }
        return build(Comparison, {**{k: v for k, v in data.items() if k != "schema"}, **parts})
