"""README and docs/field.md tell the truth: tables computed, commands parse, Python runs. `--overwrite` renews the tables."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from analyses.evaluate import activity_of, evaluate
from analyses.field import field
from analyses.results import PairResult
from hwmodels.target import load_target
from neurobin import zoo
from neurobin.cli import cli
from neurobin.cli._compare import compare
from neurobin.data import load_dataset
from neurobin.units import format_bytes, format_si

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
TABLE = re.compile(r"<!-- table -->\n(.*?)<!-- end of table -->\n", re.DOTALL)
CHIPS = ("stm32l4r5", "bismo_8x64x8", "truenorth_1v0")
HEAD = (
    "| network | accuracy | `stm32l4r5` (Cortex-M4) | `bismo_8x64x8` (bit-serial) | `truenorth_1v0` (spiking) |\n"
    "|---|---|---|---|---|\n"
)
FIELD_HEAD = (
    "| method | paper | weights x activations | accuracy, torch | deployed | mean of seeds | to full precision | size "
    "| `stm32l4r5` | `bismo_8x64x8` | `truenorth_1v0` |\n"
    "|---|---|---|---:|---:|---:|---:|---:|---|---|---|\n"
)


def cell(result: PairResult) -> str:
    """Energy with its range, latency and the main resource; the number of reasons where the target refuses."""
    if result.report is None:
        return f"refused, {len(result.pair.reasons)} reasons"
    total, main = result.report.total, result.resources[0]
    used = format_bytes(main.used) if main.unit == "B" else f"{main.used:.0f} {main.name}"
    low, high = format_si(total.energy_low_j, "J"), format_si(total.energy_high_j, "J")
    return f"**{format_si(total.energy_j, 'J')}** ({low} – {high}), {format_si(result.report.latency_s, 's')}, {used}"


def demo_table() -> str:
    images = load_dataset("digits").x_test
    targets = [load_target(chip) for chip in CHIPS]
    rows = []
    for name in zoo.names():
        graph = zoo.load(name)
        if graph.meta["dataset"] != "digits":
            continue
        activity = activity_of(graph, images)
        cells = [cell(evaluate(name, graph, target, activity, None)) for target in targets]
        accuracy = 100 * graph.meta["accuracy"]["deployed"]
        rows.append(f"| {graph.meta['title']} | {accuracy:.2f} % | {' | '.join(cells)} |\n")
    return HEAD + "".join(rows)


def field_table() -> str:
    """Every method on Fashion-MNIST. No images: a spiking chip's energy hangs on them, so cores are given instead."""
    graphs = {name: zoo.load(name) for name in zoo.names() if name.endswith("_fashion_mnist")}
    comparison = compare(graphs, [load_target(chip) for chip in CHIPS], images=0, literature=True, processes=None)
    pairs = {(result.model, result.target): result for result in comparison.results}
    lines = []
    for row in field(comparison, "fashion_mnist"):
        mean = f"{100 * row['mean']:.2f} ± {100 * row['deviation']:.2f}" if row["seeds"] else ""
        loss = "" if row["loss"] is None else f"{row['loss']:+.2f}"
        cells = [
            f"{row['title']} | {row['paper']} | {row['operands']} | {100 * row['accuracy_torch']:.2f} %",
            f"{100 * row['accuracy']:.2f} % | {mean} | {loss} | {format_bytes(row['size_bytes'])}",
            *(short(pairs[row["model"], chip]) for chip in CHIPS),
        ]
        lines.append(f"| {' | '.join(cells)} |\n")
    return FIELD_HEAD + "".join(lines)


def short(result: PairResult) -> str:
    """Energy and latency; cores and latency of a spiking chip; "refused" where the target refuses."""
    if result.report is None:
        return "refused"
    main = result.resources[0]
    first = format_si(result.report.total.energy_j, "J") if main.unit == "B" else f"{main.used:.0f} {main.name}"
    return f"{first}, {format_si(result.report.latency_s, 's')}"


@pytest.mark.parametrize(("file", "computed"), [("README.md", demo_table), ("docs/field.md", field_table)])
def test_the_table_is_what_the_models_say(file, computed, request: pytest.FixtureRequest):
    path = ROOT / file
    text = path.read_text(encoding="utf-8")
    expected = f"<!-- table -->\n{computed()}<!-- end of table -->\n"
    if request.config.getoption("--overwrite"):
        path.write_text(TABLE.sub(lambda _: expected, text), encoding="utf-8")
        return
    found = TABLE.search(text)
    assert found is not None
    assert found[0] == expected


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("neurobin ")]


@pytest.mark.parametrize("line", commands())
def test_every_command_parses(line):
    name, *words = shlex.split(line)[1:]
    context = click.Context(cli, info_name="neurobin")
    command = cli.get_command(context, name)
    assert command is not None
    if isinstance(command, click.Group) and words and words[0] in command.commands:
        command, *words = command.commands[words[0]], *words[1:]
    command.make_context(name, words, parent=context)


def test_the_python_examples_run(capsys):
    text = README.read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 2
    for code in examples:
        exec(compile(code, "README.md", "exec"), {})
    assert "Energy" in capsys.readouterr().out
