"""Child processes that Ctrl-C reaches: a job that a shell starts in the background ignores SIGINT and passes that on."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence


def start(arguments: Sequence[str], **options: int) -> subprocess.Popen[str]:
    """Start a process with the default reaction to SIGINT."""
    return subprocess.Popen(arguments, text=True, preexec_fn=_listen, **options)


def _listen() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
