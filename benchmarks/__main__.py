"""`make bench`: every claim about the packed engine, measured against its peers; rewrites docs/performance.md."""

from __future__ import annotations

import argparse
import json
import time
from importlib import import_module
from pathlib import Path

from benchmarks.claim import Claim, Options
from benchmarks.claims import CLAIMS
from benchmarks.machine_info import machine_info
from benchmarks.report import figures, markdown, picture

DOCS = Path(__file__).parent.parent / "docs"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("claims", nargs="*", metavar="CLAIM", help=f"which to measure: {', '.join(CLAIMS)} (all)")
    parser.add_argument("--rounds", type=int, default=9, help="turns of every contender (9)")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder of performance.md, .svg and .json (docs)")
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
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "performance.md").write_text(markdown(done, machine, duration_s), encoding="utf-8")
    (options.out / "performance.svg").write_text(picture(done), encoding="utf-8")
    (options.out / "performance.json").write_text(json.dumps(figures(done, machine, duration_s), indent=1), encoding="utf-8")
    print(f"{options.out / 'performance.md'} written in {duration_s / 60:.1f} minutes")


if __name__ == "__main__":
    main()
