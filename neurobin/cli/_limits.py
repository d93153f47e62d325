"""--max-energy, --max-latency, --max-sram: gates for continuous integration, exit code 6."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from neurobin.errors import LimitError
from neurobin.units import format_bytes, format_si, parse_si

if TYPE_CHECKING:
    from analyses.results import Comparison, PairResult
    from hwmodels.cost import CostReport


@dataclass(frozen=True)
class Limits:
    """Upper bounds on every accepted pair, in SI units; None is no bound."""

    energy_j: float | None = None
    latency_s: float | None = None
    sram_bytes: float | None = None

    def check(self, comparison: Comparison) -> None:
        """Raises LimitError for every pair that exceeds a bound or has no figure for it: what is not modelled is not 0."""
        broken = [
            f"{result.model} on {result.target}: {problem}"
            for result in comparison.results
            if result.report is not None
            for problem in self._broken(result, result.report)
        ]
        if broken:
            raise LimitError("; ".join(broken), where="limit exceeded")

    def _broken(self, result: PairResult, report: CostReport) -> Iterator[str]:
        energy_j, sram = report.total.energy_j, [r.used for r in result.resources if r.name == "SRAM"]
        if self.energy_j is not None and not report.priced:
            yield "its energy is not modelled, so it cannot be held to a limit"
        elif self.energy_j is not None and energy_j > self.energy_j:
            yield f"{format_si(energy_j, 'J')} > {format_si(self.energy_j, 'J')}"
        if self.latency_s is not None and report.latency_s > self.latency_s:
            yield f"{format_si(report.latency_s, 's')} > {format_si(self.latency_s, 's')}"
        if self.sram_bytes is not None and not sram:
            yield "its SRAM is not modelled, so it cannot be held to a limit"
        elif self.sram_bytes is not None and sum(sram) > self.sram_bytes:
            yield f"{format_bytes(sum(sram))} > {format_bytes(self.sram_bytes)} SRAM"


def limit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the three options and passes them to the command as `limits`."""

    @click.option("--max-energy", metavar="ENERGY", help="Fail above this energy per inference, e.g. 5uJ.")
    @click.option("--max-latency", metavar="TIME", help="Fail above this latency, e.g. 10ms.")
    @click.option("--max-sram", metavar="BYTES", help="Fail above this much SRAM, e.g. 64kB.")
    @functools.wraps(command)
    def with_limits(
        *args: Any, max_energy: str | None, max_latency: str | None, max_sram: str | None, **options: Any
    ) -> Any:
        limits = Limits(
            energy_j=None if max_energy is None else parse_si(max_energy, "J"),
            latency_s=None if max_latency is None else parse_si(max_latency, "s"),
            sram_bytes=None if max_sram is None else parse_si(max_sram, "B"),
        )
        return command(*args, limits=limits, **options)

    return with_limits
