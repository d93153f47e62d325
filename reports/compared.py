"""`neurobin compare` on the terminal: networks in groups, one line per pair, as many columns as there is room for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from analyses.field import datasets
from analyses.headline import headline
from analyses.refusals import by_phrase
from analyses.results import Comparison, PairResult
from analyses.summary import executed, listing
from analyses.table import Cell, number, span
from analyses.text import visible

COLUMNS = (
    ("model", False),
    ("accuracy", True),
    ("target", False),
    ("energy", True),
    ("range", True),
    ("latency", True),
    ("memory", True),
    ("result", False),
)
DROPPED = ("memory", "range", "accuracy")  # in this order, as far as a narrow terminal needs it
_STYLES = {"equal": "green", "mismatch": "bold red", "refused": "yellow"}

Line = dict[str, Text]


@dataclass(frozen=True)
class Compared:
    """A comparison that fits itself to the width of the console it is printed on."""

    comparison: Comparison

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = [_line(row, result) for row, result in _pairs(self.comparison)]
        names, left_out = [name for name, _ in COLUMNS], []
        for name in DROPPED:
            if _width(lines, names) <= options.max_width:
                break
            names.remove(name)
            left_out.append(name)
        yield Text(_subject(self.comparison), style="bold")
        yield from _header(self.comparison, left_out)
        yield from _tables(self.comparison, lines, names)
        yield from _refusals(self.comparison)


def _pairs(comparison: Comparison) -> list[tuple[dict[str, Cell], PairResult]]:
    """Rows of the headline with their results, those of one model together, in the order of the models."""
    order = {model.name: place for place, model in enumerate(comparison.models)}
    pairs = list(zip(headline(comparison), comparison.results, strict=True))
    return sorted(pairs, key=lambda pair: order[pair[1].model])


def _line(row: dict[str, Cell], result: PairResult) -> Line:
    low, high = row["energy_low_j"], row["energy_high_j"]
    return {
        "model": _text(result.model),
        "accuracy": _text(_quantity(row["accuracy"], "share")),
        "target": _text(result.target),
        "energy": _energy(row),
        "range": _text(span(low, high, "J") if isinstance(low, float | int) and isinstance(high, float | int) else ""),
        "latency": _text(_quantity(row["latency_s"], "s")),
        "memory": _text(_quantity(row["memory"], str(row["memory_unit"] or "1"))),
        "result": _result(result),
    }


def _energy(row: dict[str, Cell]) -> Text:
    if row["energy_j"] is None:
        return Text("" if row["fits"] is False else "not modelled", style="dim")
    return Text(_quantity(row["energy_j"], "J") + (" +" if row["energy_without"] else "  "), style="bold")


def _result(result: PairResult) -> Text:
    """`equal`, `3 of 360 differ`, `refused, 9 reasons`, `fits, not run`."""
    pair = result.pair
    reasons = f", {len(pair.reasons)} reason{'s' * (len(pair.reasons) != 1)}" if pair.reasons else ""
    words = {
        "equal": "equal",
        "mismatch": f"mismatch, {pair.mismatches} in {pair.images} images",
        "refused": f"refused{reasons}",
        "not run": "fits, not run" if result.fits else "not tried",
    }
    return Text(words[pair.status], style=_STYLES.get(pair.status, "dim"))


def _width(lines: list[Line], names: list[str]) -> int:
    """Columns of text that the table takes without folding: the widest cell of each column and two spaces between."""
    return sum(max([len(name), *(line[name].cell_len for line in lines)]) for name in names) + 2 * len(names)


def _subject(comparison: Comparison) -> str:
    models, targets = len(comparison.models), len(comparison.targets)
    return f"{models} network{'s' * (models != 1)} on {targets} target{'s' * (targets != 1)}, per inference of one example"


def _header(comparison: Comparison, left_out: list[str]) -> Iterator[Text]:
    table = headline(comparison)
    yield Text(table.note, style="dim")
    if comparison.results:
        yield Text(visible(executed(comparison)), style="dim")
    kinds: dict[str, list[str]] = {}
    for row in table:
        if row["energy_without"] and row["energy_j"] is not None:
            targets = kinds.setdefault(str(row["energy_without"]), [])
            targets += [str(row["target"])] * (row["target"] not in targets)
    if kinds:
        said = "; ".join(f"{words} on {listing(targets)}" for words, targets in kinds.items())
        words = f"+: the true energy is higher; what has no constant is left out: {said}."
        yield Text(visible(words), style="dim")
    if left_out:
        yield Text(f"Too narrow for {listing(left_out)}: widen the terminal, or use --table or --json.", style="dim")


def _tables(comparison: Comparison, lines: list[Line], names: list[str]) -> Iterator[Text | RichTable]:
    """A table per data set, all of the same column widths."""
    widths = {name: max(len(name), *(line[name].cell_len for line in lines)) for name in names} if lines else {}
    found = datasets(comparison)
    if len(found) > 1:
        yield Text("Accuracies of different data sets do not compare, so each has a table of its own.", style="dim")
    for dataset in found:
        mine = {model.name for model in comparison.models if model.dataset == dataset}
        if len(found) > 1:
            said = f"{dataset or 'data set not named'}: {len(mine)} network{'s' * (len(mine) != 1)}"
            yield Text(visible(said), style="bold")
        yield _table([line for line in lines if str(line["model"]) in {visible(name) for name in mine}], names, widths)


def _table(lines: list[Line], names: list[str], widths: dict[str, int]) -> RichTable:
    """A model is named on the first line of its group; an empty line parts the groups."""
    made = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    right = dict(COLUMNS)
    for name in names:
        made.add_column(name, justify="right" if right[name] else "left", overflow="fold", min_width=widths.get(name))
    for place, line in enumerate(lines):
        first = place == 0 or lines[place - 1]["model"] != line["model"]
        last = place + 1 == len(lines) or lines[place + 1]["model"] != line["model"]
        shown = line if first else line | {"model": Text(""), "accuracy": Text("")}
        made.add_row(*(shown[name] for name in names), end_section=last)
    return made


def _refusals(comparison: Comparison) -> Iterator[Text | Padding]:
    """The first obstacle of every refusal, those who share it together."""
    found = by_phrase(comparison)
    if not found:
        return
    yield Text("Refused because (the first reason of each; neurobin validate lists all):", style="dim")
    for said, models in found.items():
        groups: dict[tuple[str, ...], list[str]] = {}
        for model, targets in models.items():
            groups.setdefault(targets, []).append(model)
        who = "; ".join(f"{listing(names)} on {listing(targets)}" for targets, names in groups.items())
        yield Padding(Text(visible(f"– {said}: {who}")), (0, 0, 0, 2), expand=False)


def _text(value: str) -> Text:
    return Text(visible(value))


def _quantity(value: Cell, unit: str) -> str:
    return number(value, unit) if isinstance(value, int | float) else ""
