"""Shares of a layer that are quantized one after the other, as incremental and stochastic quantization both have them."""

from __future__ import annotations

from neurobin.errors import UsageError

SHARES = (0.5, 0.75, 0.875, 1.0)  # half of what is still real, and at last all of it


def check_shares(shares: tuple[float, ...]) -> None:
    """Raises UsageError unless the shares rise from above 0 to 1."""
    if not shares or list(shares) != sorted(shares) or shares[0] <= 0 or shares[-1] != 1:
        raise UsageError(f"shares must rise from above 0 to 1, got {shares}", hint=f"{SHARES}")
