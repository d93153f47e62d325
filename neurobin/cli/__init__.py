"""The `neurobin` command. Each command is a file of its own, imported only when it runs: `--help` stays instant."""

from __future__ import annotations

import importlib
import io
import os
import sys

import click

from analyses.text import visible
from neurobin import __version__
from neurobin.errors import NeurobinError, nearest

COMMANDS = {
    "zoo": "List the trained networks that come with neurobin.",
    "methods": "List the methods of the literature, or show one.",
    "ops": "List the operations of the intermediate representation.",
    "targets": "List the chips, or show every constant of one with its source.",
    "train": "Train a method on a data set and lower it to integers.",
    "lower": "Lower a trained graph to integers, pass by pass.",
    "run": "Run a network on images and report its accuracy.",
    "bench": "Time a network on every back end, or show the limits of this CPU.",
    "validate": "Check that reference, packed and mapped execution give the same integers.",
    "estimate": "Price one network on chips: energy, latency, memory.",
    "compare": "Compare networks on chips, and write the report.",
    "inspect": "Show what a file holds: what becomes bits, what does not and why.",
    "export": "Write a network as QONNX or NIR for other tools.",
    "count": "Count parameters, size and operations of published architectures and of any network.",
    "explain": "Show how every joule of a node arose: count x constant x source.",
}

EPILOG = """\b
Examples:
  neurobin compare --target all --report report.html
  neurobin estimate bnn_digits --target stm32l4r5 --by node
  neurobin validate --all --target all --json

\b
Exit codes: 0 ok, 1 internal or I/O error, 2 usage, 3 unsupported operation,
4 does not fit the target, 5 validation mismatch, 6 a stated limit is exceeded.
"""


class _Commands(click.Group):
    """Finds a command by its file name, with help texts from the table above."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"neurobin.cli.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            ctx.fail(f"no command {name!r} (try: {nearest(name, COMMANDS, 'neurobin --help')})")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="neurobin")
def cli() -> None:
    """What a binary or ternary neural network really costs on real hardware, and proof that the number is true.

    MODEL is the name of a network of the zoo or a file (.nbin, ONNX, QONNX, TFLite, Keras, NIR). TARGET is the name of a
    chip, a chip file (.toml) or "all".
    """


def main() -> None:
    """Entry point: every problem is one message on stderr and its exit code, never a traceback."""
    _write_what_the_locale_lacks()
    try:
        code = cli.main(prog_name="neurobin", standalone_mode=False)
        click.echo("", nl=False)  # flushes: a full disk or a closed pipe shows here, not after the exit code is given
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = 130
    except NeurobinError as error:
        click.echo(f"neurobin: {visible(str(error))}", err=True)
        code = error.exit_code
    except (BrokenPipeError, SystemExit):  # nobody reads on; click and rich make an exit of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        where = f": {visible(str(error.filename))}" if error.filename else ""
        click.echo(f"neurobin: {error.strerror or error}{where}", err=True)
        code = 1
    except Exception as error:
        if os.environ.get("NEUROBIN_DEBUG"):
            raise
        click.echo(f"neurobin: internal error: {type(error).__name__}: {visible(str(error))}", err=True)
        click.echo("please report it; NEUROBIN_DEBUG=1 shows where it happened", err=True)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _write_what_the_locale_lacks() -> None:
    """A micro sign on an ASCII terminal becomes an escape instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
