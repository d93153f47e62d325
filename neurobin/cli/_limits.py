"""--max-energy, --max-latency, --max-sram: gates for continuous integration, exit code 6."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from neurobin.errors import LimitError
from neurobin.units import format_bytes, format_si, parse_si

if TYPE_CHECKING:
    from analyses.results import Comparison


@dataclass(frozen=True)
class Limits:
    """Upper bounds on every accepted pair, in SI units; None is no bound."""

    energy_j: float | None = None
    latency_s: float | None = None
    sram_bytes: float | None = None

    def check(self, comparison: Comparison) -> None:
        """Raises LimitError naming every pair that exceeds a bound."""
        broken = []
        for result in comparison.results:
            if result.report is None:
                continue
            where = f"{result.model} on {result.target}"
            energy_j, latency_s = result.report.total.energy_j, result.report.latency_s
            if self.energy_j is not None and energy_j > self.energy_j:
                broken.append(f"{where}: {format_si(energy_j, 'J')} > {format_si(self.energy_j, 'J')}")
            if self.latency_s is not None and latency_s > self.latency_s:
                broken.append(f"{where}: {format_si(latency_s, 's')} > {format_si(self.latency_s, 's')}")
            for resource in result.resources:
                if self.sram_bytes is not None and resource.name == "SRAM" and resource.used > self.sram_bytes:
                    broken.append(f"{where}: {format_bytes(resource.used)} > {format_bytes(self.sram_bytes)} SRAM")
        if broken:
            raise LimitError("; ".join(broken), where="limit exceeded")


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
