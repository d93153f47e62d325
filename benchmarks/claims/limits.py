"""What share of this CPU's measured limits the micro-kernels reach, and ternary weights against binary ones."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.claim import Claim, Goal, Options
from benchmarks.ours import Neurobin
from benchmarks.profile import profiles, why
from benchmarks.workloads import GEMM
from neurobin.exec.kernels.machine import NUMPY, available
from neurobin.exec.limits.machine import measured

POPCOUNT, BACK_END, LARGE, WINDOW = "pairs", "avx512", "matrix, 4096", "3x3 window, 64"
_MASKS = (
    "A mask leaves no way to count two words with one popcount: words with masks take three instructions each, pairs of "
    "words without five, so where both run at their limits ternary weights are 5/6 as fast. Tiles do not know "
    "the difference."
)


def run(options: Options) -> Claim:
    found: Any = measured([b for b in available() if b is not NUMPY], _plainly)
    shares = {(row["kernel"], row["operands"]): row["share"] for row in found["kernels"]}
    goals = []
    for shape in (LARGE, WINDOW):
        title = f"popcount kernel '{POPCOUNT}' ({shape}), share of its limit"
        goals.append(Goal(title, 0.9, shares.get((POPCOUNT, shape)), "", _why(found["kernels"], shape)))
    got = _gemm_share(found["limits"])
    told = why(profiles([GEMM], [BACK_END])) if got is not None else ""
    goals.append(Goal("4096^3 by popcount, share of the limit", 0.85, got, "", told))
    best = available()[0].name
    ratios = [row["ratio"] for row in found["ternary_binary"] if row["backend"] == best and row["operands"] == "layer"]
    if ratios:
        told = "where bits are counted, a mask leaves no way to count two words with one popcount"
        goals.append(Goal("ternary x binary against binary x binary, a 3x3 layer", 0.95, ratios[0], why=told))
    return Claim("The limits of the machine", __doc__ or "", [], goals, [_limits(found), _kernels(found), _ternary(found)])


def _plainly(items: Sequence[Any], what: str) -> Iterable[Any]:
    return items


def _why(rows: Sequence[dict[str, Any]], shape: str) -> str:
    """A sum's time as what each product takes, from two matrices, and the rest."""
    each = {row["operands"]: row for row in rows if row["kernel"] == POPCOUNT}
    if shape not in each:
        return ""
    sum_ns = {name: 1e9 * row["time_s"] / (row["rows"] * row["channels"]) for name, row in each.items()}
    terms = {name: row["terms"] for name, row in each.items()}
    small = "matrix, 256"
    product_ns = (sum_ns[LARGE] - sum_ns[small]) / (terms[LARGE] - terms[small])
    rest_ns = sum_ns[small] - product_ns * terms[small]
    return (
        f"of {sum_ns[shape]:.3g} ns of a sum, {product_ns * terms[shape]:.3g} ns go to its {terms[shape]} products "
        f"({each[shape]['share'] * sum_ns[shape]:.3g} ns at the limit) and {rest_ns:.2g} ns to starting and storing it"
    )


def _gemm_share(limits: Sequence[dict[str, Any]]) -> float | None:
    """The whole product through a plan, against the limit of the pair step over as long a time."""
    limit = next((row["sustained_ops_per_s"] for row in limits if row["name"] == "pair"), None)
    ours = Neurobin(1, BACK_END)
    if limit is None or ours.missing():
        return None
    call = ours.gemm(GEMM, *GEMM.operands()).run
    call()
    times = []
    for _ in range(3):
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
    return 2 * GEMM.macs / min(times) / float(limit)


def _limits(found: dict[str, Any]) -> str:
    lines = ["| limit | what | GOPS, best | sustained | clock, GHz |", "|---|---|---|---|---|"]
    for row in found["limits"]:
        if row["missing"]:
            lines.append(f"| {row['name']} | {row['what']} | not available: {row['missing']} | | |")
            continue
        best, sustained = (f"{row[key] / 1e9:.0f}" if row[key] else "" for key in ("ops_per_s", "sustained_ops_per_s"))
        clock = f"{row['clock_hz'] / 1e9:.2f}" if row["clock_hz"] else ""
        lines.append(f"| {row['name']} | {row['what']} | {best} | {sustained} | {clock} |")
    return "\n".join(lines)


def _kernels(found: dict[str, Any]) -> str:
    shapes = list(dict.fromkeys(row["operands"] for row in found["kernels"]))
    lines = ["| micro-kernel, GOPS and share of its limit | " + " | ".join(shapes) + " |", "|---|" + "---|" * len(shapes)]
    for name in dict.fromkeys(row["kernel"] for row in found["kernels"]):
        rows = {row["operands"]: row for row in found["kernels"] if row["kernel"] == name}
        cells = (
            f"{rows[s]['ops_per_s'] / 1e9:.0f}" + (f", {rows[s]['share']:.0%}" if rows[s]["share"] else "") for s in shapes
        )
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _ternary(found: dict[str, Any]) -> str:
    lines = [_MASKS, "", "| ternary x binary | against | operands | back end | ratio |", "|---|---|---|---|---|"]
    for row in found["ternary_binary"]:
        lines.append(f"| {row['ternary']} | {row['binary']} | {row['operands']} | {row['backend']} | {row['ratio']:.2f} |")
    return "\n".join(lines)
