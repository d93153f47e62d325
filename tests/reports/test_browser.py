"""The page in a real browser, from a file, with every host name unresolvable: drawn, used, and nothing on the console."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reports.browser import FOUND, NAMES, Tab, tab

pytestmark = pytest.mark.skipif(FOUND is None, reason=f"no browser found (looked for {', '.join(NAMES)})")

COUNT = """
globalThis.unpacked = 0;
globalThis.DecompressionStream = class extends DecompressionStream {
  constructor(format) { super(format); globalThis.unpacked += 1; }
};
true
"""


@pytest.fixture(scope="module")
def file(html: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    page = tmp_path_factory.mktemp("page") / "page.html"
    page.write_text(html, encoding="utf-8")
    return page


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Tab]:
    with tab(tmp_path / "profile") as opened:
        yield opened


def visible(browser: Tab, section: str = "energy") -> list[str]:
    """The ids of the section's panels that are shown."""
    code = f"[...document.querySelectorAll('#{section} .panel')].filter(p => p.offsetParent).map(p => p.id)"
    return list(browser.run(code))


def choose(browser: Tab, pair: str) -> None:
    """As a reader does: the two selects."""
    browser.run(
        f"""(() => {{
          const [model, target] = JSON.parse(document.getElementById("pair-data").textContent).pairs["{pair}"].map(String);
          for (const [id, value] of [["pick-model", model], ["pick-target", target]]) {{
            const select = document.getElementById(id);
            select.value = value;
            if (id === "pick-target") select.dispatchEvent(new Event("change"));
          }}
        }})()"""
    )
    browser.wait(f"document.getElementById('energy-{pair}')?.hidden === false")


def drawn(browser: Tab, figure: str) -> None:
    browser.run(f"document.getElementById('{figure}').scrollIntoView()")
    browser.wait(f"document.querySelector('#{figure} .main-svg') !== null")


def test_the_page_draws_and_the_console_stays_empty(browser: Tab, file: Path) -> None:
    browser.open(file)
    for figure in ("fig-tradeoff", "fig-energy-p0", "fig-sensitivity-p0", "fig-accuracy"):
        drawn(browser, figure)
    assert visible(browser) == ["energy-p0"]
    assert browser.console == []


def test_a_chosen_pair_is_unpacked_once_and_is_whole(browser: Tab, file: Path) -> None:
    browser.open(file)
    browser.wait("!!globalThis.Plotly")
    browser.run(COUNT)
    assert browser.run("document.getElementById('energy-p2')") is None
    choose(browser, "p2")
    assert visible(browser) == ["energy-p2"]
    assert visible(browser, "mapping") == ["mapping-p2"]
    drawn(browser, "fig-energy-p2")
    choose(browser, "p0")
    choose(browser, "p2")
    assert visible(browser) == ["energy-p2"]
    assert browser.run("unpacked") == 1
    assert browser.run("document.querySelectorAll('#energy-p2').length") == 1
    head = "document.querySelector('#energy-components-p2 thead th.num')"
    browser.run(f"{head}.querySelector('button').click()")
    assert browser.run(f"{head}.getAttribute('aria-sort')") == "ascending"
    assert (
        browser.run("document.getElementById('energy-components-p2').closest('.panel').querySelectorAll('.csv').length") >= 3
    )
    assert browser.console == []


def test_the_last_of_two_quick_choices_stays(browser: Tab, file: Path) -> None:
    browser.open(file)
    browser.run("location.hash = '#energy-p2'; location.hash = '#energy-p3'; true")
    browser.wait("document.getElementById('energy-p3')?.hidden === false")
    browser.wait("!document.getElementById('energy-p2') || document.getElementById('energy-p2').hidden")
    assert visible(browser) == ["energy-p3"]


def test_an_address_leads_to_a_packed_panel(browser: Tab, file: Path) -> None:
    browser.open(file, "#memory-p4")
    browser.wait("document.getElementById('memory-p4')?.hidden === false")
    top = "Math.abs(document.getElementById('memory-p4').getBoundingClientRect().top)"
    browser.wait(f"{top} < innerHeight")
    browser.run("document.querySelector('.pick[data-pair=p6]').click()")
    browser.wait("document.getElementById('energy-p6')?.hidden === false")
    assert visible(browser) == ["energy-p6"]
    assert browser.console == []


def test_a_fold_is_filled_when_it_opens(browser: Tab, file: Path) -> None:
    browser.open(file)
    assert browser.run("document.getElementById('work-table-m0')") is None
    browser.run("document.querySelector('#work details[data-pack=m0]').open = true")
    browser.wait("document.querySelectorAll('#work-table-m0 tbody tr').length > 3")
    assert browser.run("document.querySelector('#provenance-m0 pre').textContent.includes('return')")


def test_the_chosen_pair_is_what_is_printed(browser: Tab, file: Path) -> None:
    browser.open(file, "#energy-p2")
    browser.wait("document.getElementById('energy-p2')?.hidden === false && !!globalThis.Plotly")
    browser.run("dispatchEvent(new Event('beforeprint'))")
    browser.wait("document.querySelector('#fig-energy-p2 .main-svg') !== null")
    assert browser.run("document.documentElement.dataset.theme") == "light"
    browser.run("dispatchEvent(new Event('afterprint'))")
    assert browser.run("document.documentElement.dataset.theme") is None
    assert browser.call("Page.printToPDF")["data"]
    assert browser.console == []


def test_without_scripts_the_reader_is_told_what_is_missing(tmp_path: Path, file: Path) -> None:
    with tab(tmp_path / "profile", scripts=False) as browser:
        browser.open(file)
        browser.call("Emulation.setScriptExecutionDisabled", value=False)  # to look; the page's own did not run
        shown = browser.run("document.body.innerText")
        assert "Scripts are off: figures are not drawn" in shown
        assert "Scripts are off: only the first pair is shown here. The other 23 are packed" in shown
        assert visible(browser) == ["energy-p0"]


def test_an_old_browser_is_told_so(browser: Tab, file: Path) -> None:
    browser.call("Page.addScriptToEvaluateOnNewDocument", source="delete globalThis.DecompressionStream")
    browser.open(file, "#energy-p2")
    browser.wait("document.body.innerText.includes('could not unpack')")
    assert [line for line in browser.console if "Uncaught" in line] == []


def test_a_long_table_can_be_searched(browser: Tab, file: Path) -> None:
    browser.open(file)
    browser.run(
        """(() => {
          const input = document.querySelector("#validation input[type=search], #tradeoff input[type=search], main input");
          globalThis.table = input.closest(".own").nextElementSibling.querySelector("table");
          input.value = "cortex_m4 twn";
          input.dispatchEvent(new Event("input"));
        })()"""
    )
    rows = "[...table.tBodies[0].rows]"
    assert browser.run(f"{rows}.filter(r => !r.hidden).every(r => r.textContent.includes('cortex_m4'))")
    assert browser.run(f"{rows}.some(r => r.hidden)")


@pytest.mark.parametrize("script", ["<script>1+1</script>", '<script src="https://example.org/x.js"></script>'])
def test_a_broken_policy_would_be_seen(browser: Tab, html: str, tmp_path: Path, script: str) -> None:
    """The tests above can fail: with one more script, which no hash allows, the console speaks."""
    page = tmp_path / "page.html"
    page.write_text(html.replace("</main>", f"</main>{script}"), encoding="utf-8")
    browser.open(page)
    assert any("Content Security Policy" in line for line in browser.console)


def test_a_changed_plotly_does_not_run(browser: Tab, html: str, tmp_path: Path) -> None:
    """The packed script is held to its hash as an open one would be."""
    from plotly.offline import get_plotlyjs

    from reports.packs import pack

    page = tmp_path / "page.html"
    page.write_text(html.replace(pack(get_plotlyjs()), pack("globalThis.Plotly = {};")), encoding="utf-8")
    browser.open(page)
    browser.wait("document.head.querySelector('script') !== null")
    assert browser.run("globalThis.Plotly === undefined")
    assert any("Content Security Policy" in line for line in browser.console)
