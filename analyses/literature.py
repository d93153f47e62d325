"""What a comparison keeps of a method's paper, so that a page needs neither the method's file nor torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from analyses.codec import build
from neurobin.ir import Json


@dataclass(frozen=True)
class Claim:
    """An accuracy from the literature: never one of ours, on another network and mostly other data."""

    network: str
    accuracy_percent: float
    source: str


@dataclass(frozen=True)
class Literature:
    """The paper of a method, what it quantizes in words, and the family of the network it was given here."""

    paper: str
    authors: str
    venue: str
    year: int
    weights: str
    activations: str
    topology: str
    baseline: bool = False  # full precision: what the others of its topology and data set are held against
    claims: tuple[Claim, ...] = ()

    @property
    def short(self) -> str:
        """`Rastegari et al., ECCV 2016`."""
        first, *others = self.authors.split(", ")
        return f"{first}{' et al.' if others else ''}, {self.venue} {self.year}"

    def to_dict(self) -> dict[str, Json]:
        return asdict(self) | {"claims": [asdict(claim) for claim in self.claims]}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Literature:
        """Raises FormatError for unknown or missing fields."""
        return build(Literature, {**data, "claims": tuple(build(Claim, row) for row in data.get("claims", ()))})
