"""A function over many arguments, in several processes that end with their parent.

Everything is sent and received by the thread that asked, over one pipe per process: at Ctrl-C no other thread is left
that waits for a reader who is gone, which is how `concurrent.futures` can hang at exit once an argument outgrows a pipe.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

import click

A = TypeVar("A")
R = TypeVar("R")
WORTH_A_PROCESS = 6  # arguments; below that, starting one takes longer than it saves

processes_option = click.option(
    "--processes",
    type=click.IntRange(min=1),
    help=f"Default: 2 from {WORTH_A_PROCESS} networks on, where there are 2 cores.",
)


def map_in_processes(function: Callable[[A], R], arguments: Sequence[A], count: int | None) -> Iterator[R]:
    """`map(function, arguments)` in `count` processes, in the order of the arguments; with one, in this process.

    None: two where that is worth it.

    What the function raises is raised here, with the worker's traceback as a note. However the iteration ends, so do
    the processes.
    """
    count = process_count(count, len(arguments))
    if count == 1:
        yield from map(function, arguments)
        return
    processes: list[BaseProcess] = []
    try:
        idle: list[Connection] = []
        for _ in range(count):
            process, ours = _start(function)
            processes.append(process)
            idle.append(ours)
        waiting = list(enumerate(arguments))[::-1]
        busy: dict[Connection, int] = {}
        done: dict[int, R] = {}
        for wanted in range(len(arguments)):
            while wanted not in done:
                while idle and waiting:
                    index, argument = waiting.pop()
                    connection = idle.pop()
                    connection.send(argument)
                    busy[connection] = index
                for ready in wait(list(busy)):
                    assert isinstance(ready, Connection)
                    done[busy.pop(ready)] = _receive(ready)
                    idle.append(ready)
            yield done.pop(wanted)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def process_count(wanted: int | None, arguments: int) -> int:
    """How many processes are started."""
    if wanted is not None:
        return min(wanted, max(arguments, 1))
    return 2 if arguments >= WORTH_A_PROCESS and (os.cpu_count() or 1) > 1 else 1


def _start(function: Callable[[A], R]) -> tuple[BaseProcess, Connection]:
    context = multiprocessing.get_context("spawn")  # a fork would copy the locks of numpy's threads
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(function, theirs), daemon=True)
    process.start()
    theirs.close()  # so that the end of the process is the end of the pipe
    return process, ours


def _work(function: Callable[[Any], Any], connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends a worker without a word; the parent has the last one
    while True:
        argument = connection.recv()
        try:
            answer: tuple[bool, Any] = True, function(argument)
        except Exception as error:
            error.add_note(f"in a worker process:\n{traceback.format_exc()}")
            answer = False, error
        connection.send(answer)


def _receive(connection: Connection) -> Any:  # what the function returns
    try:
        fine, answer = connection.recv()
    except EOFError:
        raise RuntimeError("a worker process ended before its work was done; was there too little memory?") from None
    if not fine:
        raise answer
    return answer
