"""Why targets refuse networks: the many reasons of a pair as a few phrases, each with its count."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from analyses.results import Comparison

_LAYER = re.compile(r"^\S+: ")
_QUOTED = re.compile(r" '[^']*'")


def phrase(reason: str) -> str:
    """A reason without the layers it names, so that the same obstacle reads the same everywhere.

    >>> phrase("conv2.sums: its sums go to requantise 'act2.relu', a neuron passes on one bit and no sum")
    'its sums go to requantise, a neuron passes on one bit and no sum'
    """
    return _QUOTED.sub("", _LAYER.sub("", reason))


def phrases(reasons: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """The distinct phrases and how many reasons say each, in order of first appearance."""
    return tuple(Counter(phrase(reason) for reason in reasons).items())


def by_phrase(comparison: Comparison) -> dict[str, dict[str, tuple[str, ...]]]:
    """First phrase of each refusal -> model -> the targets that refuse it so, in the order of the comparison."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for result in comparison.results:
        if result.fits is False:
            said = phrase(result.pair.reasons[0]) if result.pair.reasons else "no reason given"
            models = found.setdefault(said, {})
            models[result.model] = (*models.get(result.model, ()), result.target)
    return found
