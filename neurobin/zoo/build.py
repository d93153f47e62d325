"""Trains the zoo: `python -m neurobin.zoo.build [METHOD ...] [--data NAME] [--seeds 0,1,2] [--jobs 2] [--install]`.

Every network is one `neurobin train` of its own, `jobs` at a time, with one thread each: the result does not depend on
how many run. What is finished is kept in the work folder and not trained again; an interrupted run goes on from its last
epoch. Methods that teach others come first, and what they end with is kept for their students. `--install` puts the
networks of seed 0 into the package and the accuracies of all seeds into `seeds.json`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click

from neurobin.data.load import USUAL
from neurobin.files import write_atomic
from neurobin.methods import load_method, method_names
from neurobin.train import TEACHER, teacher_file
from neurobin.zoo import FOLDER, SEEDS
from neurobin.zoo.make import entry_name

# One thread each; and glibc keeps the memory of freed maps, whose return and renewal takes a fifth of a training step.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(8 << 30),
    "MALLOC_TOP_PAD_": str(64 << 20),
}


@dataclass(frozen=True)
class Job:
    """One network to train."""

    method: str
    data: str
    seed: int
    core: bool

    @property
    def name(self) -> str:
        """The network's name in the zoo."""
        return entry_name(self.method, self.data, self.core)

    def folder(self, work: Path) -> Path:
        """Where its files are made: one folder per seed, in which methods share their teachers."""
        return work / f"seed{self.seed}"

    def result(self, work: Path) -> Path:
        """What `neurobin train --json` said when it was done."""
        return self.folder(work) / f"{self.name}.json"

    def arguments(self, work: Path) -> list[str]:
        """The command line that trains it."""
        options = ["--data", self.data, "--seed", str(self.seed), *(["--core"] if self.core else [])]
        if self.seed == 0 and not self.core and self.method in teachers():  # what `neurobin.train` trains for a student
            options += ["--checkpoint", str(teacher_file(self.folder(work), self.method, self.data))]
        return [sys.executable, "-m", "neurobin", "train", self.method, *options, "-o", str(self.folder(work)), "--json"]


@cache
def teachers() -> frozenset[str]:
    """The methods whose networks other methods learn from."""
    techniques = [technique for name in method_names() for technique in load_method(name).recipe.techniques]
    return frozenset(name for technique in techniques for name in technique.teachers)


def run(job: Job, work: Path) -> str:
    """Train one network unless it is done; a line that says how it went."""
    target = job.result(work)
    if target.exists():
        return f"{job.name} seed {job.seed}: done before"
    folder = job.folder(work)
    folder.mkdir(parents=True, exist_ok=True)
    for kept in work.glob(f"seed0/*{TEACHER}"):
        if not (folder / kept.name).exists():
            shutil.copyfile(kept, folder / kept.name)
    done = subprocess.run(job.arguments(work), env=os.environ | ENVIRONMENT, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return f"{job.name} seed {job.seed}: exit code {done.returncode}: {last}"
    write_atomic(target, [done.stdout.encode()])
    shares = json.loads(done.stdout)["accuracy"]
    return f"{job.name} seed {job.seed}: " + ", ".join(f"{stage} {100 * share:.2f} %" for stage, share in shares.items())


def install(work: Path) -> int:
    """Copy what is finished into the package; how many networks."""
    seeds: dict[str, dict[str, dict[str, float]]] = json.loads(SEEDS.read_text()) if SEEDS.exists() else {}
    count = 0
    for file, result in _finished(work):
        name, seed = file.stem, file.parent.name.removeprefix("seed")
        seeds.setdefault(name, {})[seed] = {stage: float(share) for stage, share in result["accuracy"].items()}
        if seed == "0":
            count += 1
            for suffix in (".nbin", ".trained.nbin"):
                shutil.copyfile(file.with_name(name + suffix), FOLDER / (name + suffix))
    write_atomic(SEEDS, [(json.dumps(seeds, indent=1, sort_keys=True) + "\n").encode()])
    return count


def _finished(work: Path) -> Iterator[tuple[Path, dict[str, dict[str, float]]]]:
    for file in sorted(work.glob("seed*/*.json")):
        yield file, json.loads(file.read_text())


@click.command(epilog="Example:  python -m neurobin.zoo.build bnn xnornet --data fashion_mnist --seeds 0,1,2 --jobs 2")
@click.argument("methods", nargs=-1)
@click.option("--data", help="Default: fashion_mnist, and digit_scenes for detectors.")
@click.option("--seeds", default="0", show_default=True, help="Several are separated by commas.")
@click.option("--core", is_flag=True, help="The variants whose filters fit a neurosynaptic core.")
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(min=1), help="Networks trained at a time.")
@click.option("--work", default="out/zoo", show_default=True, help="Where finished and half-finished networks are kept.")
@click.option("--install", "wanted", is_flag=True, help="Put what is finished into the package afterwards.")
def main(methods: tuple[str, ...], data: str | None, seeds: str, core: bool, jobs: int, work: str, wanted: bool) -> None:
    """Train METHODS (default: all) and keep every result; exit code 1 when one of them failed."""
    folder = Path(work)
    usual = {method: USUAL[load_method(method).goal] for method in methods or method_names()}
    todo = [Job(method, data or fits, int(seed), core) for seed in seeds.split(",") for method, fits in usual.items()]
    failed = 0
    with ThreadPoolExecutor(jobs) as pool:
        for teaching in (True, False):
            part = [job for job in todo if (job.method in teachers()) == teaching]
            for line in pool.map(lambda job: run(job, folder), part):
                failed += "exit code" in line
                click.echo(line)
    if wanted:
        click.echo(f"{install(folder)} networks installed in {FOLDER}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
