"""`Sourced`: a hardware constant with its unit, its range and where it comes from. There are no other constants."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

Status = Literal["published", "measured", "derived", "fitted", "assumed"]

LARGEST = 1e12  # of any constant in SI units (a terahertz, a terabyte): products with counts stay in range


class Sourced(BaseModel):
    """value in unit with its range low..high, the source in words, and how it is known."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)  # strict: "1.0" and true are no numbers

    value: float
    unit: str
    source: str
    low: float
    high: float
    status: Status = "published"

    @model_validator(mode="after")
    def _consistent(self) -> Sourced:
        if not all(map(math.isfinite, (self.value, self.low, self.high))):
            raise ValueError(f"value, low and high must be finite, got {self.value}, {self.low}, {self.high}")
        if not self.low <= self.value <= self.high:
            raise ValueError(f"expected low <= value <= high, got {self.low}, {self.value}, {self.high}")
        if not self.source.strip():
            raise ValueError("a source is required")
        return self

    def scaled(self, factor: float, unit: str, why: str) -> Sourced:
        """The constant times an exact, non-negative number, in another unit; `why` joins the source."""
        return Sourced(
            value=self.value * factor,
            unit=unit,
            source=f"{self.source}; {why}",
            low=self.low * factor,
            high=self.high * factor,
            status=self.status,
        )


def product(a: Sourced, b: Sourced, unit: str, why: str) -> Sourced:
    """a * b for non-negative constants; the range is the product of the ranges, the status the weaker of the two."""
    order: tuple[Status, ...] = ("measured", "published", "derived", "fitted", "assumed")
    return Sourced(
        value=a.value * b.value,
        unit=unit,
        source=f"{why}: {a.source}; {b.source}",
        low=a.low * b.low,
        high=a.high * b.high,
        status=max(a.status, b.status, key=order.index),
    )


def _in(unit: str) -> AfterValidator:
    def check(constant: Sourced) -> Sourced:
        if constant.unit != unit:
            raise ValueError(f"expected a value in {unit}, got {constant.unit!r}")
        if constant.low < 0:
            raise ValueError(f"expected a non-negative range, got low = {constant.low}")
        if constant.high > LARGEST:
            raise ValueError(f"expected figures up to {LARGEST:g}, got high = {constant.high}")
        return constant

    return AfterValidator(check)


Joules = Annotated[Sourced, _in("J")]
Watts = Annotated[Sourced, _in("W")]
Seconds = Annotated[Sourced, _in("s")]
Hertz = Annotated[Sourced, _in("Hz")]
Volts = Annotated[Sourced, _in("V")]
AmperesPerHertz = Annotated[Sourced, _in("A/Hz")]
Bytes = Annotated[Sourced, _in("B")]
Bits = Annotated[Sourced, _in("bit")]
Cycles = Annotated[Sourced, _in("cycle")]
Count = Annotated[Sourced, _in("1")]
JoulesPerBit = Annotated[Sourced, _in("J/bit")]
SquareMetres = Annotated[Sourced, _in("m2")]
