"""Sixteen integers at a time, each with its proven range: what element-wise ops are written in.

The range decides the width: 32-bit lanes where a result fits, 64-bit lanes where it may not. Ranges come from the types of
the graph and from the constants, so no result can overflow, and none is wider than it must be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.exec.kernels.emit import Function, Value, retyped, vector
from neurobin.exec.kernels.layout import LANES

_MIN32, _MAX32 = -(2**31), 2**31 - 1


def width(low: int, high: int) -> int:
    """Bits of a lane for numbers from `low` to `high`. Raises UnsupportedError where 64 do not hold them."""
    if low < -(2**63) or high >= 2**63:
        raise UnsupportedError(f"numbers from {low} to {high} do not fit the 64 bits of a lane")
    return 32 if low >= _MIN32 and high <= _MAX32 else 64


@dataclass(frozen=True)
class Lane:
    """A vector of integers from `low` to `high`, both included."""

    value: Value
    low: int
    high: int

    def _as(self, bits: int) -> Value:
        return self.value.resized(bits)

    def _number(self, number: int) -> Lane:
        kind = retyped(self.value.kind, width(number, number))
        return Lane(self.value.out.constant(number, kind), number, number)

    def _combine(self, other: Lane | int, low: int, high: int, compute: Callable[[Value, Value], Value]) -> Lane:
        """`compute` in lanes that hold both operands and the result, cut to what the result needs."""
        right = other if isinstance(other, Lane) else self._number(other)
        bits = max(width(low, high), width(self.low, self.high), width(right.low, right.high))
        return Lane(compute(self._as(bits), right._as(bits)).resized(width(low, high)), low, high)

    def _ends(self, other: Lane | int) -> tuple[int, int]:
        return (other.low, other.high) if isinstance(other, Lane) else (other, other)

    def __add__(self, other: Lane | int) -> Lane:
        low, high = self._ends(other)
        return self._combine(other, self.low + low, self.high + high, Value.__add__)

    def __sub__(self, other: Lane | int) -> Lane:
        low, high = self._ends(other)
        return self._combine(other, self.low - high, self.high - low, Value.__sub__)

    def __mul__(self, other: Lane | int) -> Lane:
        corners = [a * b for a in (self.low, self.high) for b in self._ends(other)]
        return self._combine(other, min(corners), max(corners), Value.__mul__)

    def __rshift__(self, count: int) -> Lane:
        """floor(x / 2^count)."""
        bits = width(self.low, self.high)
        low, high = self.low >> count, self.high >> count
        return Lane((self.value >> min(count, bits - 1)).resized(width(low, high)), low, high)

    def maximum(self, other: Lane | int) -> Lane:
        low, high = self._ends(other)
        return self._combine(other, max(self.low, low), max(self.high, high), Value.maximum)

    def minimum(self, other: Lane | int) -> Lane:
        low, high = self._ends(other)
        return self._combine(other, min(self.low, low), min(self.high, high), Value.minimum)

    def clip(self, low: int, high: int) -> Lane:
        """The nearest number from `low` to `high`; a bound that the range proves is not tested."""
        result = self if self.low >= low else self.maximum(low)
        return result if result.high <= high else result.minimum(high)

    def compare(self, rule: str, other: Lane | int) -> Condition:
        """`rule` as in `Value.compare`."""
        right = other if isinstance(other, Lane) else self._number(other)
        bits = max(width(self.low, self.high), width(right.low, right.high))
        return Condition(self._as(bits).compare(rule, right._as(bits)))

    def within(self, low: int, high: int) -> Lane:
        """The same numbers with a range the caller has proved."""
        low, high = max(low, self.low), min(high, self.high)
        return Lane(self.value.resized(width(low, high)), low, high)

    def at_least(self, other: Lane | int) -> Condition:
        return self.compare("sge", other)


@dataclass(frozen=True)
class Condition:
    """A truth value per lane."""

    value: Value

    def choose(self, yes: Lane, no: Lane) -> Lane:
        """`yes` where this holds, else `no`."""
        low, high = min(yes.low, no.low), max(yes.high, no.high)
        bits = width(low, high)
        return Lane(self.value.choose(yes.value.resized(bits), no.value.resized(bits)), low, high)


class Lanes:
    """What an op may ask for besides its operands: its constants, spread over lanes. See `region.py` for the loops."""

    def __init__(self, function: Function) -> None:
        self.function = function

    def number(self, value: int) -> Lane:
        """The same number in every lane."""
        return Lane(self.function.constant(value, vector(LANES, f"i{width(value, value)}")), value, value)

    def shifted(self, lane: Lane, count: int) -> Lane:
        """floor(lane / 2^count)."""
        return lane >> count

    def channel(self, values: np.ndarray) -> Lane:
        """int64 [C] or [1]: one number per channel, or one for all."""
        raise NotImplementedError

    def rescaled(self, lane: Lane, multiplier: np.ndarray, bias: np.ndarray, shift: int) -> Lane:
        """floor((lane * multiplier + bias) / 2^shift), int64 [C] or [1] each.

        In 32-bit lanes where it can be: with m = 2^k m1 + m0 and b = 2^k b1 + b0, 0 <= m0, b0 < 2^k <= 2^shift, it is
        floor((x m1 + b1 + floor((x m0 + b0) / 2^k)) / 2^(shift - k)), since the inner remainder is below 1.
        """
        k = min(shift, 31 - max(-lane.low, lane.high).bit_length())
        if k > 0 and width(*_product(lane, multiplier, bias)) > 32:
            below, above = (multiplier & (2**k - 1), bias & (2**k - 1)), (multiplier >> k, bias >> k)
            low, high = _product(lane, *above)
            rest_low, rest_high = _product(lane, *below)
            if width(rest_low, rest_high) == 32 == width(low + (rest_low >> k), high + (rest_high >> k)):
                rest = self.shifted(lane * self.channel(below[0]) + self.channel(below[1]), k)
                return self.shifted(lane * self.channel(above[0]) + self.channel(above[1]) + rest, shift - k)
        return self.shifted(lane * self.channel(multiplier) + self.channel(bias), shift)

    def position(self, values: np.ndarray) -> Lane:
        """int64 [H, W]: one number per position of the map."""
        raise NotImplementedError

    def lookup(self, table: np.ndarray, index: Lane) -> Lane:
        """int64 [C or 1, K]: entry `index` of the channel's row."""
        raise NotImplementedError


def _product(lane: Lane, multiplier: np.ndarray, bias: np.ndarray) -> tuple[int, int]:
    """The range of lane * multiplier + bias, as the lanes' own arithmetic will prove it."""
    ends = (int(multiplier.min()), int(multiplier.max()))
    corners = [a * b for a in (lane.low, lane.high) for b in ends]
    return min(corners) + int(bias.min()), max(corners) + int(bias.max())
