"""A race as text: one line per contender, then what each of them really is and why others did not run."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.contender import Entries
from benchmarks.timing import Samples, Timing

HEADER = (
    f"{'':<18}{'cpu ms':>10}{'min':>10}{'spread':>8}{'wall ms':>11}{'min':>10}{'spread':>8}{'GOP/cpu s':>11}{'calls':>8}"
)


def race_table(title: str, entries: Entries, timings: Mapping[str, Timing], macs: int | None = None) -> str:
    """Medians over the rounds; a MAC counts as 2 operations."""
    lines = [title, HEADER]
    for name, timing in timings.items():
        gops = f"{2e-9 * macs / timing.cpu_s.median:>11.0f}" if macs else f"{'-':>11}"
        calls = f"{timing.repeats}x{len(timing.cpu_s.values)}"
        lines.append(f"{name:<18}{_columns(timing.cpu_s)} {_columns(timing.wall_s)}{gops}{calls:>8}")
    lines += [f"  {name}: {contender.description}" for name, contender in entries.contenders.items()]
    lines += [f"  {name}: {reason}" for name, reason in entries.absent.items()]
    return "\n".join(lines)


def _columns(samples: Samples) -> str:
    return f"{1e3 * samples.median:>10.4g}{1e3 * samples.minimum:>10.4g}{samples.spread:>8.1%}"
