"""Random single linear layers on every back end.

    python -m tests.exec.kernels.grid [--cases N] [--back-end NAME] [--seed S]

A case is one value of every parameter in `AXES`. `sample` draws cases until every value, and as many pairs of values of
two parameters as the number allows, have occurred; the command draws as many random ones as wanted and prints how many of
them differ from the reference.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import combinations, cycle, product

import numpy as np

from neurobin.errors import GraphError, NeurobinError
from neurobin.exec import reference
from neurobin.exec.kernels import machine
from neurobin.exec.kernels.machine import NUMPY, Backend, available
from neurobin.exec.plan.plan import Plan
from neurobin.ir import BINARY, BIPOLAR, TERNARY, Builder, Constant, DType, Encoding, Graph, TensorType
from neurobin.ir.dtype import i, u
from neurobin.ops import op_class
from tests.ir.strategies import members, random_values

BIPOLAR2 = DType(Encoding.BIPOLAR, 2)
SCALED = DType(Encoding.UNSIGNED, 2, (5, 2))
ACTIVATIONS = (BIPOLAR, BINARY, TERNARY, u(2), BIPOLAR2, SCALED, u(8), i(8), u(15), i(16))
WEIGHTS = (BIPOLAR, TERNARY, BINARY, BIPOLAR2, u(2), i(8), i(9), i(16))
DEPTHWISE = 0
MOST_TERMS = 400_000  # multiply-accumulates of an image: the reference computes some of them in plain integers

AXES: dict[str, tuple] = {
    "channels": (1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257),
    "outputs": (1, 2, 15, 16, 17, 31, 33, 63, 64, 65, 129),
    "kernel": ((1, 1), (3, 3), (5, 5), (7, 7), (1, 3), (5, 2)),
    "stride": ((1, 1), (2, 2), (3, 3), (1, 2), (3, 1)),
    "dilation": ((1, 1), (2, 2), (1, 2), (2, 1)),
    "groups": (1, 2, 4, DEPTHWISE),
    "padding": ("none", "same", "asymmetric", "beyond the kernel"),
    "pad_value": (0, 1, -1),
    "batch": (1, 2, 5),
    "threads": (1, 2),
    "activation": ACTIVATIONS,
    "weight": WEIGHTS,
    "source": ("input", "map"),
    "values": ("random", "ends", "most", "least"),
}


@dataclass(frozen=True)
class Case:
    """One convolution. `source` tells whether it reads the graph's input or a map that the engine has laid out itself."""

    channels: int
    outputs: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    padding: str
    pad_value: int
    batch: int
    threads: int
    activation: DType
    weight: DType
    source: str
    values: str
    size: tuple[int, int]
    seed: int

    @property
    def divisor(self) -> int:
        return self.groups or self.channels

    @property
    def borders(self) -> tuple[int, int, int, int]:
        (kh, kw), (dh, dw) = self.kernel, self.dilation
        return {
            "none": (0, 0, 0, 0),
            "same": (dh * (kh - 1) // 2, dw * (kw - 1) // 2, dh * (kh - 1) // 2, dw * (kw - 1) // 2),
            "asymmetric": (0, 2, 1, 3),
            "beyond the kernel": (kh + 1, kw + 2, kh, kw + 1),
        }[self.padding]

    def is_allowed(self) -> bool:
        """Whether groups divide the channels, the type has the padding, a window fits, and the reference is quick."""
        top, left, bottom, right = self.borders
        sizes = (self.size[0] + top + bottom, self.size[1] + left + right)
        counts = [
            (size - d * (k - 1) - 1) // s + 1
            for size, k, s, d in zip(sizes, self.kernel, self.stride, self.dilation, strict=True)
        ]
        depth = self.channels // self.divisor
        return (
            self.channels % self.divisor == 0
            and self.outputs % self.divisor == 0
            and (self.pad_value == 0 or (self.padding != "none" and self.activation.holds(np.array([self.pad_value]))))
            and min(counts) >= 1
            and counts[0] * counts[1] * self.outputs * self.kernel[0] * self.kernel[1] * depth <= MOST_TERMS
        )

    @cached_property
    def graph(self) -> Graph:
        b = Builder({"x": TensorType((*self.size, self.channels), self.activation)})
        source = same(b, "x") if self.source == "map" else "x"
        shape = (self.outputs, *self.kernel, self.channels // self.divisor)
        name = "bit_conv2d" if self.seed % 2 else "int_conv2d"
        op = op_class(name)(
            weight=Constant(self.weight, drawn(self.weight, shape, self.values, self.seed)),
            stride=self.stride,
            padding=self.borders,
            pad_value=self.pad_value,
            dilation=self.dilation,
            groups=self.divisor,
        )
        return b.graph(b.add(op, source))

    @cached_property
    def images(self) -> np.ndarray:
        return drawn(self.activation, (self.batch, *self.size, self.channels), self.values, self.seed + 1)

    @cached_property
    def expected(self) -> np.ndarray:
        return reference.run(self.graph, self.images)

    def found(self, backend: Backend) -> np.ndarray:
        return Plan(self.graph, backend).run(self.images, self.threads)


def same(b: Builder, source: str) -> str:
    """An element-wise op that changes nothing, so that what follows reads a map as the engine lays it out."""
    kind = b.types[source].dtype
    if kind.bits > 8 and kind.low == 0:
        return b.add(op_class("relu")(), source)
    if kind.bits > 8:
        one, zero = Constant(i(2), [1]), Constant(i(2), [0])
        return b.add(op_class("requantise")(multiplier=one, bias=zero, shift=0, dtype=kind), source)
    span = np.arange(kind.low, kind.high + 1)
    known = members(kind)
    table = span if known is None else np.where(np.isin(span, known), span, known[0])
    return b.add(op_class("lookup")(table=Constant(kind, table[None]), low=kind.low), source)


def drawn(dtype: DType, shape: tuple[int, ...], how: str, seed: int) -> np.ndarray:
    """Values of a type: uniform, one of its ends each, or its ends throughout."""
    if how == "random":
        return random_values(dtype, shape, seed)
    if how == "ends":
        return np.random.default_rng(seed).choice(np.array([dtype.low, dtype.high]), shape)
    return np.full(shape, dtype.high if how == "most" else dtype.low)


def draw(rng: np.random.Generator, **fixed: object) -> Case:
    """One allowed case with these values."""
    while True:
        chosen = {name: values[int(rng.integers(len(values)))] for name, values in AXES.items()} | fixed
        if chosen["groups"] == DEPTHWISE:
            chosen["outputs"] = chosen["channels"] * int(rng.integers(1, 3))
        elif chosen["groups"] > 1:
            chosen["channels"] = chosen["groups"] * int(rng.choice([1, 2, 8, 16, 33, 64]))
            chosen["outputs"] = chosen["groups"] * int(rng.choice([1, 3, 16, 17, 32]))
        size = (int(rng.integers(1, 10)), int(rng.integers(1, 10)))
        case = Case(**{"size": size, "seed": int(rng.integers(2**31))} | chosen)
        if case.is_allowed():
            return case


def pairs(case: Case) -> set[tuple]:
    """Every pair of (parameter, value) that a case has."""
    named = [(field.name, getattr(case, field.name)) for field in fields(case) if field.name in AXES]
    return set(combinations(named, 2))


def sample(count: int, seed: int, candidates: int = 8) -> list[Case]:
    """So many cases: all types of activations with all of weights, each the one of a few that adds most pairs of values."""
    rng = np.random.default_rng(seed)
    seen: set[tuple] = set()
    cases = []
    for _, (activation, weight) in zip(range(count), cycle(product(ACTIVATIONS, WEIGHTS)), strict=False):
        drawn_cases = [draw(rng, activation=activation, weight=weight) for _ in range(candidates)]
        best = max(drawn_cases, key=lambda case: len(pairs(case) - seen))
        seen |= pairs(best)
        cases.append(best)
    return cases


def mismatch(case: Case, backend: Backend) -> str:
    """What is wrong, or ""."""
    try:
        found = case.found(backend)
    except GraphError as error:
        return f"{case}: {error}"
    wrong = int((found != case.expected).sum())
    return f"{case}: {wrong} of {found.size} differ" if wrong else ""


def native_back_ends() -> Iterator[Backend]:
    """Those of this machine that have machine code."""
    return (backend for backend in available() if backend is not NUMPY)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.exec.kernels.grid", description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--back-end", default="")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    backends = [machine.backend(asked.back_end)] if asked.back_end else list(native_back_ends())
    wrong = {backend.name: 0 for backend in backends}
    for _ in range(asked.cases):
        case = draw(rng)
        for backend in backends:
            found = mismatch(case, backend)
            if found:
                wrong[backend.name] += 1
                print(f"{backend.name}: {found}", flush=True)
    for name, count in wrong.items():
        print(f"{name:8} {asked.cases} cases, {count} mismatches")
    if any(wrong.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    try:
        main()
    except NeurobinError as error:
        raise SystemExit(str(error)) from error
