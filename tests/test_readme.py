"""The README tells the truth: its table is computed, its commands parse, its Python runs. `--overwrite` renews the table."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from analyses.evaluate import activity_of, evaluate
from analyses.results import PairResult
from hwmodels.target import load_target
from neurobin import zoo
from neurobin.cli import cli
from neurobin.data import load_dataset
from neurobin.units import format_bytes, format_si

README = Path(__file__).parent.parent / "README.md"
TABLE = re.compile(r"<!-- table -->\n(.*?)<!-- end of table -->\n", re.DOTALL)
CHIPS = ("stm32l4r5", "bismo_8x64x8", "truenorth_1v0")
HEAD = (
    "| network | accuracy | `stm32l4r5` (Cortex-M4) | `bismo_8x64x8` (bit-serial) | `truenorth_1v0` (spiking) |\n"
    "|---|---|---|---|---|\n"
)


def cell(result: PairResult) -> str:
    """Energy with its range, latency and the main resource; the number of reasons where the target refuses."""
    if result.report is None:
        return f"refused, {len(result.pair.reasons)} reasons"
    total, main = result.report.total, result.resources[0]
    used = format_bytes(main.used) if main.unit == "B" else f"{main.used:.0f} {main.name}"
    low, high = format_si(total.energy_low_j, "J"), format_si(total.energy_high_j, "J")
    return f"**{format_si(total.energy_j, 'J')}** ({low} – {high}), {format_si(result.report.latency_s, 's')}, {used}"


def computed_table() -> str:
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


def test_the_table_is_what_the_models_say(request: pytest.FixtureRequest):
    text = README.read_text(encoding="utf-8")
    expected = f"<!-- table -->\n{computed_table()}<!-- end of table -->\n"
    if request.config.getoption("--overwrite"):
        README.write_text(TABLE.sub(lambda _: expected, text), encoding="utf-8")
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


def test_the_python_example_runs(capsys):
    text = README.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})
    assert "Energy" in capsys.readouterr().out
