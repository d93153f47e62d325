"""`View`: a comparison with its tables made once, and the ids under which the sections speak of its pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from analyses.headline import headline
from analyses.results import Comparison, PairResult
from analyses.table import Table
from reports.figures import Figure
from reports.html import bullets, join, text


@dataclass(frozen=True)
class Section:
    """One section of the page; `id` is its anchor, `lead` the sentence that says what it shows."""

    id: str
    title: str
    lead: str
    body: Markup
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class Part:
    """What a section has to say about one pair."""

    body: Markup
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class View:
    comparison: Comparison

    @cached_property
    def headline(self) -> Table:
        return headline(self.comparison)

    @cached_property
    def pairs(self) -> dict[str, PairResult]:
        """Results by the ids p0, p1, ... in the order of the comparison."""
        return {f"p{index}": result for index, result in enumerate(self.comparison.results)}

    @cached_property
    def first(self) -> str:
        """The pair shown at first: the first that fits, or the first at all."""
        return next((key for key, result in self.pairs.items() if result.report is not None), next(iter(self.pairs), ""))

    def panels(self, section: str, make: Callable[[str, PairResult], Part | None], absent: str) -> Part | None:
        """One panel per pair; None when no pair has anything to show. A refused pair's panel gives the reasons."""
        parts = {key: make(key, result) for key, result in self.pairs.items() if result.report is not None}
        if not any(parts.values()):
            return None
        panels = [
            _panel(section, key, result, part.body if (part := parts.get(key)) else _absent(result, absent))
            for key, result in self.pairs.items()
        ]
        figures = tuple(figure for part in parts.values() if part for figure in part.figures)
        return Part(join(panels), figures)


def _panel(section: str, key: str, result: PairResult, body: Markup) -> Markup:
    return Markup(
        '<div class="panel" data-pair="{}" id="{}-{}">'
        '<h3><bdi>{}</bdi> <span class="on">on</span> <bdi>{}</bdi></h3>{}</div>'
    ).format(key, section, key, text(result.model), text(result.target), body)


def _absent(result: PairResult, words: str) -> Markup:
    if result.report is None:
        reasons = result.pair.reasons or ("nothing was priced",)
        said = "does not take this network" if result.pair.status == "refused" else "has no result for this network"
        return Markup('<div class="empty"><p>The target {}:</p>{}</div>').format(said, bullets(reasons))
    return Markup('<p class="empty">{}</p>').format(text(words))
