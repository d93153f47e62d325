"""`neurobin train`: a method on a data set, down to integers."""

from __future__ import annotations

from pathlib import Path

import click

from neurobin.cli._common import emit_json, json_option, note, writable


@click.command("train", epilog="Example:  neurobin train bnn --data digits --seed 0 --output .")
@click.argument("method", metavar="METHOD")
@click.option(
    "--data",
    "dataset",
    default="digits",
    show_default=True,
    help="digits, mnist, fashion_mnist, cifar10, or digit_scenes for detectors.",
)
@click.option("--seed", default=0, show_default=True)
@click.option("--epochs", type=click.IntRange(min=1), help="Default: the method's recipe.")
@click.option("--core", is_flag=True, help="Filters of at most 128 inputs, so that a neurosynaptic core carries them.")
@click.option(
    "--held-out",
    type=click.IntRange(min=1),
    metavar="N",
    help="Score on the last N training images instead of the test split.",
)
@click.option("-o", "--output", default=".", show_default=True, metavar="FOLDER", help="Where the .nbin files go.")
@click.option("--checkpoint", metavar="FILE", help="Where progress is kept (default: beside the output).")
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
@json_option
def command(
    method: str, dataset: str, seed: int, epochs: int | None, core: bool, held_out: int | None, output: str,
    checkpoint: str | None, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Train METHOD, lower it, and write METHOD_DATA.trained.nbin and METHOD_DATA.nbin.

    Progress is kept after every epoch: the same command goes on where an interrupted one stopped.

    Where METHOD learns from a teacher, that method is trained first, with seed 0 and the number of epochs of its own recipe
    whatever --seed and --epochs say, and is kept as TEACHER_DATA.teacher in the output folder (or beside --checkpoint) for
    other students and seeds.
    """
    from neurobin.data import load_dataset
    from neurobin.errors import UsageError
    from neurobin.ir.store import save
    from neurobin.methods import load_method
    from neurobin.train import train_on
    from neurobin.zoo.make import entry_name, make

    folder = Path(output)
    if not folder.is_dir():
        raise UsageError(f"no folder {output!r} to write to", hint=f"mkdir -p {output}")
    data = load_dataset(dataset)
    if held_out is not None:
        data = data.held_out(held_out)
    options = f" --data {dataset} --seed {seed}"
    options += f" --epochs {epochs}" if epochs is not None else ""
    options += " --core" if core else ""
    options += f" --held-out {held_out}" if held_out is not None else ""
    progress = writable(checkpoint or str(folder / f"{entry_name(method, data.name, core)}_seed{seed}.checkpoint"))
    result = train_on(
        load_method(method), data, seed=seed, epochs=epochs, checkpoint=progress, core=core, device=device,
        progress=not as_json,
    )  # fmt: skip
    entry = make(result, data, f"neurobin train {method}{options}")
    name = str(entry.deployed.meta["name"])
    save(entry.trained, folder / f"{name}.trained.nbin")
    save(entry.deployed, folder / f"{name}.nbin")
    if checkpoint is None:
        progress.unlink(missing_ok=True)
    if as_json:
        scores = {measure: dict(stages) for measure, stages in entry.scores.items()}
        emit_json({"schema": "neurobin.train/1", "model": str(folder / f"{name}.nbin"), **scores, "seed": seed,
                   "epochs": result.epochs})  # fmt: skip
        return
    note(f"wrote {folder / name}.nbin and {name}.trained.nbin")
    for measure, stages in entry.scores.items():
        named = "" if measure == "accuracy" else f"{measure.replace('_', ' ')}: "
        click.echo(named + ", ".join(f"{stage} {100 * share:.2f} %" for stage, share in stages.items()))
