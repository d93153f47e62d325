"""What the vector unit does: elementary operations of every op it takes, passes over DRAM, and their cycles.

The unit is not part of BISMO, which leaves this work to the host. A lane does one elementary operation per cycle: an add, a
comparison (with its selection) or a multiplication. A pass streams its operands from DRAM and its results back; reading,
computing and writing overlap, and the slowest sets the pace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from hwmodels.bitserial.chip import BYTE_BITS, BitSerialChip, Clocks
from neurobin.ir import Op, TensorType

Action = Literal["add", "compare", "multiply"]


@dataclass(frozen=True)
class Elementary:
    """`count` operations of one kind on `bits`-bit numbers (a multiplication: by `other_bits`-bit ones)."""

    action: Action
    count: int
    bits: int
    other_bits: int = 1


@dataclass(frozen=True)
class Pass:
    """One stream through the vector unit: elementary operations per node, and bytes over the port."""

    operations: tuple[int, ...] = ()
    read_bytes: int = 0
    write_bytes: int = 0


def vector_cycles(chip: BitSerialChip, clocks: Clocks, stream: Pass) -> int:
    """The slowest of computing (node by node), reading and writing, after one DRAM latency; 0 for a pass without work."""
    lanes = int(chip.vector.lanes.value)
    compute = sum(-(-count // lanes) for count in stream.operations)
    read, write = -(-stream.read_bytes // clocks.read_bytes), -(-stream.write_bytes // clocks.write_bytes)
    busiest = max(compute, read, write)
    return busiest + clocks.dram_latency if busiest else 0


def stored_bytes(kind: TensorType) -> int:
    """Bytes of a tensor in DRAM: elements packed at the next power of two of their bits."""
    width = 1 << (kind.dtype.bits - 1).bit_length()
    return -(-kind.size * width // BYTE_BITS)


def moves(op: Op) -> bool:
    """False for ops that only rename what lies in memory."""
    return not op.view or bool(getattr(op, "channels_first", False))


Work = Callable[[Op, Sequence[TensorType], TensorType], tuple[Elementary, ...]]


def _wiring(op: Op, inputs: Sequence[TensorType], out: TensorType) -> tuple[Elementary, ...]:
    return ()


def _adds(op: Op, inputs: Sequence[TensorType], out: TensorType) -> tuple[Elementary, ...]:
    """An addition, and two comparisons where the sum saturates to a stated type."""
    made = [Elementary("add", out.size, max(t.dtype.bits for t in inputs) + 1)]
    if getattr(op, "dtype", None) is not None:
        made.append(Elementary("compare", 2 * out.size, max(t.dtype.bits for t in inputs) + 1))
    return tuple(made)


def _multiplies(op: Op, inputs: Sequence[TensorType], out: TensorType) -> tuple[Elementary, ...]:
    """A product; rounding is an addition, saturation two comparisons."""
    a, b = (t.dtype.bits for t in inputs)
    made = [Elementary("multiply", out.size, a, b)]
    if getattr(op, "shift", 0):
        made.append(Elementary("add", out.size, a + b))
    if getattr(op, "dtype", None) is not None:
        made.append(Elementary("compare", 2 * out.size, a + b))
    return tuple(made)


def _requantises(op: Op, inputs: Sequence[TensorType], out: TensorType) -> tuple[Elementary, ...]:
    """x * multiplier + (bias + half), shifted, clipped at both ends."""
    bits, factor = inputs[0].dtype.bits, op.constants()["multiplier"].dtype.bits
    return (
        Elementary("multiply", out.size, bits, factor),
        Elementary("add", out.size, bits + factor),
        Elementary("compare", 2 * out.size, bits + factor),
    )


def _prelus(op: Op, inputs: Sequence[TensorType], out: TensorType) -> tuple[Elementary, ...]:
    """One comparison with 0, one product, one rounding addition."""
    bits, factor = inputs[0].dtype.bits, op.constants()["slope"].dtype.bits
    return (
        Elementary("compare", out.size, bits),
        Elementary("multiply", out.size, bits, factor),
        Elementary("add", out.size, bits + factor),
    )


def _thresholds(op: Op, inputs: Sequence[TensorType], out: TensorType) -> tuple[Elementary, ...]:
    """One comparison per element and threshold."""
    return (Elementary("compare", out.size * op.constants()["thresholds"].shape[1], inputs[0].dtype.bits),)


def _scales_positions(op: Op, inputs: Sequence[TensorType], out: TensorType) -> tuple[Elementary, ...]:
    return (Elementary("multiply", out.size, inputs[0].dtype.bits, op.constants()["factor"].dtype.bits),)


def _looks_up(op: Op, inputs: Sequence[TensorType], out: TensorType) -> tuple[Elementary, ...]:
    """A lane has no memory to index: one comparison with selection per element and entry after the first."""
    return (Elementary("compare", out.size * (op.constants()["table"].shape[1] - 1), inputs[0].dtype.bits),)


def _compares(op: Op, inputs: Sequence[TensorType], out: TensorType) -> tuple[Elementary, ...]:
    return (Elementary("compare", out.size, inputs[0].dtype.bits),)


def _negates(op: Op, inputs: Sequence[TensorType], out: TensorType) -> tuple[Elementary, ...]:
    return (Elementary("add", out.size, inputs[0].dtype.bits),)


def _pools(action: Action) -> Work:
    def pool(op: Op, inputs: Sequence[TensorType], out: TensorType) -> tuple[Elementary, ...]:
        kernel: tuple[int, int] = op.kernel  # type: ignore[attr-defined]
        bits = out.dtype.bits if action == "add" else inputs[0].dtype.bits
        return (Elementary(action, out.size * (kernel[0] * kernel[1] - 1), bits),)

    return pool


def _reduces(action: Action) -> Work:
    def reduce(op: Op, inputs: Sequence[TensorType], out: TensorType) -> tuple[Elementary, ...]:
        bits = out.dtype.bits if action == "add" else inputs[0].dtype.bits
        return (Elementary(action, inputs[0].size - out.size, bits),)

    return reduce


WORK: dict[str, Work] = {
    "abs": _negates,
    "add": _adds,
    "arg_max": _reduces("compare"),
    "channel_shuffle": _wiring,
    "channel_sum": _reduces("add"),
    "concat": _wiring,
    "flatten": _wiring,
    "logic": _compares,  # the selection of a comparison on one bit
    "lookup": _looks_up,
    "max_pool2d": _pools("compare"),
    "multi_threshold": _thresholds,
    "multiply": _multiplies,
    "pad": _wiring,
    "position_scale": _scales_positions,
    "prelu": _prelus,
    "relu": _compares,
    "requantise": _requantises,
    "reshape": _wiring,
    "slice": _wiring,
    "sum_pool2d": _pools("add"),
}


def elementary(op: Op, inputs: Sequence[TensorType], out: TensorType) -> tuple[Elementary, ...]:
    """What one op asks of the vector unit per inference."""
    return tuple(e for e in WORK[op.name](op, inputs, out) if e.count)
