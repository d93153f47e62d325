"""`make bench`: every claim about the packed engine, measured against its peers, as this CPU's page and the overview."""

from __future__ import annotations

import argparse
import json
import time
from importlib import import_module
from pathlib import Path

from benchmarks.claim import Claim, Options
from benchmarks.claims import CLAIMS
from benchmarks.machine_info import machine_info, page_name
from benchmarks.report import figures, markdown, overview, picture

DOCS = Path(__file__).parent.parent / "docs"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("claims", nargs="*", metavar="CLAIM", help=f"which to measure: {', '.join(CLAIMS)} (all)")
    parser.add_argument("--rounds", type=int, default=9, help="turns of every contender (9)")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder of performance.md and the pages behind it (docs)")
    options = parser.parse_args()
    if unknown := set(options.claims) - set(CLAIMS):
        parser.error(f"no claim {', '.join(sorted(unknown))}; there are {', '.join(CLAIMS)}")
    start, done = time.perf_counter(), []
    for name in options.claims or CLAIMS:
        print(f"{name} ...", flush=True)
        claim: Claim = import_module(f"benchmarks.claims.{name}").run(Options(options.rounds))
        for goal in claim.goals:
            got = "not measured" if goal.got is None else f"{goal.got:.3g}"
            print(f"  {goal.text}: wanted {goal.wanted:g}, got {got} {goal.unit}", flush=True)
        done.append(claim)
    machine, duration_s = machine_info(1), time.perf_counter() - start
    name, folder = page_name(), options.out / "performance"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(markdown(done, machine, duration_s, name), encoding="utf-8")
    (folder / f"{name}.svg").write_text(picture(done), encoding="utf-8")
    (folder / f"{name}.json").write_text(json.dumps(figures(done, machine, duration_s), indent=1), encoding="utf-8")
    write_overview(options.out)
    print(f"{folder / name}.md written in {duration_s / 60:.1f} minutes")


def write_overview(out: Path) -> None:
    """The page of all goals, from the figures of every CPU."""
    pages = {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((out / "performance").glob("*.json"))
    }
    (out / "performance.md").write_text(overview(pages), encoding="utf-8")


if __name__ == "__main__":
    main()
