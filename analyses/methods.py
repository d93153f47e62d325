"""What is known about a method: formulas, accuracies of its networks over seeds, and the targets that carry them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from statistics import fmean, stdev

from analyses.deployment import deployment, planes
from analyses.literature import Claim, Literature
from analyses.table import Cell, Column, Table, table
from hwmodels.target import chip_names, load_target
from neurobin import zoo
from neurobin.data.load import USUAL
from neurobin.ir import Json
from neurobin.methods import Method, load_method, method_names
from neurobin.methods.describe import blocks, training
from neurobin.nets import Task
from neurobin.nets.task import Goal, topology

_TASKS = {  # the common images: 28x28 pixels of 256 levels, and scenes of 40x40
    Goal.CLASSIFICATION: Task(28, 28, 1, 10, 256),
    Goal.DETECTION: Task(40, 40, 1, 10, 256, goal=Goal.DETECTION),
}
_STAGES = ("torch", "float", "deployed")


def literature(name: str) -> Literature | None:
    """What pages say about a method's paper; None for a name that is no method."""
    if name not in method_names():
        return None
    method = load_method(name)
    return Literature(
        paper=method.paper,
        authors=method.authors,
        venue=method.venue,
        year=method.year,
        weights=method.weights,
        activations=method.activations,
        topology=topology(method.build),
        baseline=method.baseline,
        claims=tuple(Claim(p.network, p.accuracy_percent, p.source) for p in method.literature_accuracy),
    )


def networks(method: str) -> tuple[str, ...]:
    """The zoo's networks of this method, those on the common data set first."""
    return _networks().get(method, ())


@cache
def _networks() -> dict[str, tuple[str, ...]]:
    """The zoo's networks by method, read once."""
    found: dict[str, list[tuple[bool, str]]] = {}
    for name in zoo.names():
        meta = zoo.load(name).meta
        method = str(meta.get("method"))
        common = method in method_names() and meta.get("dataset") == USUAL[load_method(method).goal]
        found.setdefault(method, []).append((not common, name))
    return {method: tuple(name for _, name in sorted(names)) for method, names in found.items()}


def network(method: str) -> str | None:
    """The network that stands for a method in tables; None when it was not trained."""
    return next(iter(networks(method)), None)


def listed(method: Method) -> dict[str, Json]:
    """What `neurobin methods --json` says: paper, blocks, data set, accuracy, and every target with its status."""
    name = network(method.name)
    meta = {} if name is None else zoo.load(name).meta
    return {
        "name": method.name,
        "title": method.title,
        "paper": method.paper,
        "year": method.year,
        "citation": method.citation,
        "blocks": list(method.blocks),
        "weights": method.weights,
        "activations": method.activations,
        "model": name,
        "dataset": meta.get("dataset"),
        "accuracy": meta.get("accuracy"),
        "seeds": {} if name is None else {str(seed): dict(shares) for seed, shares in zoo.seeds(name).items()},
        "planes": [] if name is None else list(planes(zoo.load(name))),
        "targets": {} if name is None else {chip: reasons or "fits" for chip, reasons in statuses(name).items()},
        "published": [dict(vars(published)) for published in method.literature_accuracy],
        "notes": list(method.notes),
    }


def described(method: Method) -> dict[str, Json]:
    """What `neurobin methods show --json` adds: formulas, how the zoo trains it, and what runs after deployment."""
    name = network(method.name)
    formulas: list[Json] = [dict(vars(block)) for block in blocks(method, _TASKS[method.goal])]
    cost: list[Json] = [] if name is None else [dict(row) for row in deployment(zoo.load(name))]
    return {"formulas": formulas, "recipe": training(method.recipe), "deployment": cost}


def statuses(name: str) -> dict[str, str]:
    """Every chip with the first reason why it does not carry the network, "" where it does."""
    graph = zoo.load(name)
    found = {}
    for chip in chip_names():
        issues = load_target(chip).check(graph)
        more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
        found[chip] = f"{issues[0]}{more}" if issues else ""
    return found


def overview(methods: Sequence[Method]) -> Table:
    """A row per method: what it quantizes and what its network reaches."""
    columns = (
        Column("method", "method"),
        Column("title", "title"),
        Column("year", "year"),
        Column("weights", "weights"),
        Column("activations", "activations"),
        Column("model", "network"),
        Column("deployed", "deployed", "%"),
    )
    rows = [_overview(method) for method in methods]
    return table("Methods", columns, rows, "Accuracy on the test split, of the integers that run.")


def _overview(method: Method) -> dict[str, Cell]:
    name = network(method.name)
    accuracy = None if name is None else zoo.load(name).meta.get("accuracy")
    deployed = accuracy.get("deployed") if isinstance(accuracy, dict) else None
    return {
        "method": method.name,
        "title": method.title,
        "year": str(method.year),
        "weights": method.weights,
        "activations": method.activations,
        "model": name,
        "deployed": 100 * float(deployed) if isinstance(deployed, int | float) else None,
    }


def block_table(method: Method) -> Table:
    """A row per kind of block with its formula and its gradient."""
    columns = (
        Column("block", "block"),
        Column("places", "places", "1"),
        Column("forward", "forward"),
        Column("backward", "gradient in training"),
    )
    rows: list[dict[str, Cell]] = [
        {"block": f"{b.kind}: {b.name}", "places": b.count, "forward": b.forward, "backward": b.backward}
        for b in blocks(method, _TASKS[method.goal])
    ]
    return table("Blocks", columns, rows, "")


def accuracy_table(method: str) -> Table:
    """A row per network: accuracy of torch module, real graph and integers, and the mean over several seeds."""
    columns = (
        Column("network", "network"),
        *(Column(stage, stage, "%") for stage in _STAGES),
        Column("seeds", "deployed over seeds"),
    )
    rows: list[dict[str, Cell]] = []
    for name in networks(method):
        accuracy = zoo.load(name).meta.get("accuracy")
        shares = accuracy if isinstance(accuracy, dict) else {}
        row: dict[str, Cell] = {stage: 100 * float(str(shares[stage])) for stage in _STAGES if stage in shares}
        rows.append(dict.fromkeys(_STAGES) | row | {"network": name, "seeds": spread(name)})
    return table("Accuracy on the test split", columns, rows, "")


def spread(name: str) -> str:
    """mean ± standard deviation of the deployed accuracy over seeds, "" for fewer than two."""
    shares = [100 * found["deployed"] for found in zoo.seeds(name).values() if "deployed" in found]
    if len(shares) < 2:
        return ""
    return f"{fmean(shares):.2f} ± {stdev(shares):.2f} % ({len(shares)} seeds)"


def target_table(name: str) -> Table:
    """A row per chip: whether it carries the network, or the first reason why not."""
    columns = (Column("target", "target"), Column("status", "status"))
    rows = [{"target": chip, "status": reason or "fits"} for chip, reason in statuses(name).items()]
    return table(f"Targets of {name}", columns, rows, "")
