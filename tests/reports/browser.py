"""A headless browser over its debugging pipe (JSON messages that end in a zero byte): open, evaluate, read the console."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FOUND = next((found for name in NAMES if (found := shutil.which(name))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-sync", "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-pipe",
)  # fmt: skip
LIMIT_S = 120.0  # a busy machine is slow


@dataclass
class Tab:
    """One page; `console` collects messages, uncaught errors and refusals of the policy."""

    sending: int
    receiving: int
    session: str = ""
    console: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    _rest: bytes = b""
    _count: int = 0

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.sending, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._count:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return dict(answer["result"])

    def open(self, page: Path, fragment: str = "") -> None:
        """Load a page from its file and wait until it is loaded."""
        self.events.clear()
        self.call("Page.navigate", url=page.as_uri() + fragment)
        while "Page.loadEventFired" not in self.events:
            self._next()

    def run(self, code: str) -> Any:
        """The value of an expression, awaited where it is a promise."""
        answer = self.call("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]["exception"].get("description")))
        return answer["result"].get("value")

    def wait(self, code: str) -> Any:
        """Evaluate until the value is true."""
        end = time.monotonic() + LIMIT_S
        while not (value := self.run(code)):
            if time.monotonic() > end:
                raise TimeoutError(f"still not true after {LIMIT_S:.0f} s: {code}")
            time.sleep(0.05)
        return value

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            if not select.select([self.receiving], [], [], LIMIT_S)[0]:
                raise TimeoutError(f"the browser said nothing for {LIMIT_S:.0f} s")
            self._rest += os.read(self.receiving, 1 << 20)
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        name, given = found.get("method", ""), found.get("params", {})
        self.events.append(name)
        if name == "Runtime.consoleAPICalled":
            self.console.append(" ".join(str(part.get("value", part.get("description"))) for part in given["args"]))
        elif name == "Runtime.exceptionThrown":
            self.console.append(str(given["exceptionDetails"].get("exception", given).get("description")))
        elif name == "Log.entryAdded":
            self.console.append(given["entry"]["text"])
        return found


@contextmanager
def tab(profile: Path, width: int = 1400, height: int = 1000, *, scripts: bool = True) -> Iterator[Tab]:
    """A browser with one empty page, closed afterwards."""
    (to_read, sending), (receiving, to_write) = os.pipe(), os.pipe()

    def connect() -> None:  # the browser reads from 3 and writes to 4
        first, second = os.dup(to_read), os.dup(to_write)
        os.dup2(first, 3)
        os.dup2(second, 4)

    flags = [*FLAGS, f"--window-size={width},{height}", f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(
        [str(FOUND), *flags], preexec_fn=connect, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        made = Tab(sending, receiving)
        targets = made.call("Target.getTargets")["targetInfos"]
        page = next(found["targetId"] for found in targets if found["type"] == "page")
        made.session = made.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            made.call(f"{domain}.enable")
        made.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        yield made
    finally:
        process.kill()
        process.wait()
        for number in (to_read, to_write, sending, receiving):
            os.close(number)
