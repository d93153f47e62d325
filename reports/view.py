"""`View`: a comparison with its tables made once, and the ids under which the sections speak of its pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from markupsafe import Markup

from analyses.headline import headline
from analyses.refusals import phrases
from analyses.results import Comparison, ModelInfo, PairResult
from analyses.table import Table
from reports.figures import Figure
from reports.html import bullets, details, join, text


@dataclass(frozen=True)
class Part:
    """What a section has to say about one pair or one network."""

    body: Markup
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class Section:
    """One section of the page; `id` is its anchor, `lead` the sentence that says what it shows.

    `panels` has a part per pair, of which the page shows one at a time; `folds` has a part per network, each behind the
    fold that `View.fold` puts into `body`. The page keeps what is not shown at first packed (`reports.packs`).
    """

    id: str
    title: str
    lead: str
    body: Markup = Markup("")
    figures: tuple[Figure, ...] = ()
    panels: Mapping[str, Part] = field(default_factory=dict)
    folds: Mapping[str, Part] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    comparison: Comparison

    @cached_property
    def headline(self) -> Table:
        return headline(self.comparison)

    @cached_property
    def marks(self) -> dict[str, str]:
        """A letter for every distinct list of components that energies leave out, in order of first appearance."""
        found = dict.fromkeys(
            str(row["energy_without"]) for row in self.headline if row["energy_without"] and row["energy_j"] is not None
        )
        return {said: _letters(index) for index, said in enumerate(found)}

    def mark(self, said: str) -> Markup:
        """The raised letter beside an energy that leaves something out; nothing beside a whole one."""
        if said not in self.marks:
            return Markup("")
        return Markup('<sup class="mark" title="without {}">{}</sup>').format(said, self.marks[said])

    def marks_explained(self) -> Markup:
        """What every letter means, in one line."""
        if not self.marks:
            return Markup("")
        words = join(
            Markup(" <span><sup>{}</sup> without {}.</span>").format(mark, said) for said, mark in self.marks.items()
        )
        lead = Markup(
            "Raised letters: this energy leaves out what is counted but has no constant, so the true one is higher."
        )
        return Markup('<p class="note">{}{}</p>').format(lead, words)

    @cached_property
    def pairs(self) -> dict[str, PairResult]:
        """Results by the ids p0, p1, ... in the order of the comparison."""
        return {f"p{index}": result for index, result in enumerate(self.comparison.results)}

    @cached_property
    def first(self) -> str:
        """The pair shown at first: the first that fits, or the first at all."""
        return next((key for key, result in self.pairs.items() if result.report is not None), next(iter(self.pairs), ""))

    @cached_property
    def models(self) -> dict[str, ModelInfo]:
        """Networks by the ids m0, m1, ... in the order of the comparison."""
        return {f"m{index}": model for index, model in enumerate(self.comparison.models)}

    def panels(self, section: str, make: Callable[[str, PairResult], Part | None], absent: str) -> dict[str, Part]:
        """One panel per pair; none at all when no pair has anything to show. A refused pair's panel gives the reasons."""
        parts = {key: make(key, result) for key, result in self.pairs.items() if result.report is not None}
        if not any(parts.values()):
            return {}
        found = {key: parts.get(key) or Part(_absent(result, absent)) for key, result in self.pairs.items()}
        return {key: Part(_panel(section, key, self.pairs[key], part.body), part.figures) for key, part in found.items()}

    def fold(self, section: str, key: str, summary: str) -> Markup:
        """The fold of a network's part, whose content the page's script unpacks when it is opened."""
        return Markup(
            '<details data-pack="{}"><summary>{}</summary><div id="{}-{}"><noscript><p class="empty">Scripts are off: '
            "this is packed in the page and needs one to unfold.</p></noscript></div></details>"
        ).format(key, text(summary), section, key)


def _letters(index: int) -> str:
    """a, b, ..., z, aa, ab, ..."""
    return (_letters(index // 26 - 1) if index >= 26 else "") + chr(ord("a") + index % 26)


def _panel(section: str, key: str, result: PairResult, body: Markup) -> Markup:
    return Markup(
        '<div class="panel" data-pair="{}" id="{}-{}">'
        '<h3><bdi>{}</bdi> <span class="on">on</span> <bdi>{}</bdi></h3>{}</div>'
    ).format(key, section, key, text(result.model), text(result.target), body)


def why(reasons: Sequence[str]) -> Markup:
    """The obstacles without repetition, and behind a fold every reason with the layer it names."""
    short = phrases(reasons)
    items = join(
        Markup("<li>{}{}</li>").format(text(said), f" ({count} times)" if count > 1 else "") for said, count in short
    )
    listed = Markup("<ul>{}</ul>").format(items)
    if all(said == reason for (said, _), reason in zip(short, reasons, strict=False)) and len(short) == len(reasons):
        return listed
    title = f"All {len(reasons)} reasons, layer by layer" if len(reasons) > 1 else "The reason with its layer"
    return listed + details(title, bullets(reasons))


def _absent(result: PairResult, words: str) -> Markup:
    if result.report is None:
        reasons = result.pair.reasons or ("nothing was priced",)
        said = "does not take this network" if result.pair.status == "refused" else "has no result for this network"
        return Markup('<div class="empty"><p>The target {}.</p>{}</div>').format(said, why(reasons))
    return Markup('<p class="empty">{}</p>').format(text(words))
