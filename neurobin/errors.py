"""What went wrong, where, and what to try: one exception type per exit code of the command line."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class NeurobinError(Exception):
    """A problem stated for its reader: what was expected and what came, where, and what to try next.

    The command line prints it in one line and leaves with `exit_code`; library callers can read the parts.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what, self.where, self.hint = what, where, hint
        text = f"{where}: {what}" if where else what
        super().__init__(f"{text} (try: {hint})" if hint else text)


class FormatError(NeurobinError):
    """A file is damaged, of a newer schema, or states something impossible."""


class GraphError(NeurobinError):
    """A graph breaks a rule of the IR: a shape, a type, a name, an order."""


class UsageError(NeurobinError):
    """A name or an option is not known."""

    exit_code = 2


class UnsupportedError(NeurobinError):
    """An operation has no meaning here, or cannot be lowered."""

    exit_code = 3


class DoesNotFitError(NeurobinError):
    """The network does not fit the target; `reasons` lists every one of them."""

    exit_code = 4

    def __init__(self, target: str, reasons: list[str]) -> None:
        self.target, self.reasons = target, reasons
        super().__init__("does not fit: " + "; ".join(reasons), where=target)

    def __reduce__(self) -> tuple[type[DoesNotFitError], tuple[str, list[str]]]:
        return type(self), (self.target, self.reasons)  # or it cannot come back from a worker process


class MismatchError(NeurobinError):
    """Two executions that must agree integer for integer do not."""

    exit_code = 5


class LimitError(NeurobinError):
    """A limit stated on the command line is exceeded."""

    exit_code = 6


def nearest(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint for a name that is not known: the one most like it, else `otherwise`, else all that are known."""
    names = list(known)
    near = get_close_matches(name, names, n=1)
    return repr(near[0]) if near else otherwise or ", ".join(names)
