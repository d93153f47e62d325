"""A progress bar on stderr while somebody watches: nothing is printed when stderr is not a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from neurobin.train.loop import Progress as Report


@contextmanager
def bar(title: str, wanted: bool) -> Iterator[Report | None]:
    """A function (finished, all, loss) that moves the bar; None when nobody watches."""
    console = Console(stderr=True)
    if not wanted or not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.4f}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=None, loss=0.0)

        def report(finished: int, total: int, loss: float) -> None:
            progress.update(task, completed=finished, total=total, loss=loss)

        yield report
