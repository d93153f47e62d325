"""The page in a real browser, from a file, with every host name unresolvable: drawn, and nothing on the console."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next((found for name in BROWSERS if (found := shutil.which(name))), None)

pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"no browser found (looked for {', '.join(BROWSERS)})")


def opened(page: Path, profile: Path, budget_ms: int = 8000, height: int = 9000) -> tuple[str, str]:
    """The document after its scripts had `budget_ms` of the browser's virtual time, and what the browser logged."""
    flags = [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
        "--disable-sync", "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND", f"--virtual-time-budget={budget_ms}",
        "--enable-logging=stderr", "--v=0", f"--window-size=1400,{height}", f"--user-data-dir={profile}", "--dump-dom",
    ]  # fmt: skip
    done = subprocess.run([str(BROWSER), *flags, page.as_uri()], capture_output=True, timeout=120, check=False)
    return done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def console(log: str) -> list[str]:
    return [line for line in log.splitlines() if "CONSOLE" in line]


def test_the_page_draws_and_the_console_stays_empty(html: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(html, encoding="utf-8")
    for budget_ms in (8000, 30_000, 120_000):  # figures draw when the browser reports them in view; a busy machine is late
        document, log = opened(page, tmp_path / f"profile{budget_ms}", budget_ms)
        assert console(log) == []
        body = document[: document.index('id="figure-data"')]
        if 'class="main-svg"' in body:
            break
    assert body.count('class="main-svg"') >= 6  # two layers a figure: trade-off, energy, sensitivity at least
    assert 'id="picker"' in body
    assert re.search(r'<div class="panel" data-pair="p0" id="energy-p0">', body)
    assert re.search(r'<div class="panel" data-pair="p1" id="energy-p1" hidden="">', body)


def test_a_broken_policy_would_be_seen(html: str, tmp_path: Path) -> None:
    """The test above can fail: with one more script, which no hash allows, the console speaks."""
    page = tmp_path / "page.html"
    page.write_text(html.replace("</main>", "</main><script>1+1</script>"), encoding="utf-8")
    _, log = opened(page, tmp_path / "profile", 800)
    assert any("Content Security Policy" in line for line in console(log))
