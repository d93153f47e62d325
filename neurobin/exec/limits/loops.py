"""Loops that do nothing but one sequence of instructions on registers, for measuring how fast a core issues it.

    void kernel(ptr data, i64 count)

Independent copies of the sequence hide its latency. An operand passes through an empty piece of assembly before each use:
it costs nothing, and LLVM can neither move the work out of the loop nor simplify it. Beside it may run a chain of operations
on scalar registers, each of which waits for the one before. Where the chain takes a little longer than the rest, the loop's
time is that of a known number of cycles: the clock while the vector units are busy.

`data` holds a line for the tiles' configuration, a line for the chain, and what fills the registers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from neurobin.exec.kernels.emit import I64, PTR, Function, Module, Value, Variable, vector
from neurobin.exec.kernels.jit import SYMBOL
from neurobin.exec.kernels.tile_weights import TILE_BYTES
from neurobin.exec.kernels.tiles import TILE_ROWS

Step = Callable[[Function, Sequence[Value], Sequence[Value]], list[Value]]  # (sums, operands) -> sums, or what is not kept
WIDE, HALF, QUARTER = vector(16, "i32"), vector(8, "i32"), vector(4, "i32")  # 512, 256, 128 bits
TILE_MACS = TILE_ROWS * TILE_BYTES  # 16 rows x 64 bytes x 16 channels

_LINE = 64
_CHAIN, _REGISTERS = _LINE, 2 * _LINE  # places in the data
_STEPS = 48  # of a round, at least: counting rounds must cost nothing
_SUM_TILES, _ROW_TILES, _WEIGHT_TILE = (0, 1, 2, 3), (4, 5, 6), 7
_TILE_STEPS = 12  # of a round
DATA_BYTES = _REGISTERS + TILE_BYTES * (1 + _TILE_STEPS + len(_SUM_TILES))


@dataclass(frozen=True)
class Chain:
    """A dependent operation on 64-bit registers, and its cycles."""

    op: str
    cycles: int


# imul r64, r64 takes 3 cycles on Intel's cores since 2008 and on AMD's since Zen (uops.info; A. Fog, Instruction tables).
# The sum of two registers takes one cycle on every core, but Intel's newest ones skip some additions altogether.
_MULTIPLY, _ADD = Chain("mul", 3), Chain("add", 1)
_VECTOR_LETTERS = {"x86_64": "x", "aarch64": "w"}  # how assembly asks for vector registers


def chain_of(architecture: str) -> Chain:
    """The chain whose cycles are known on an architecture (LLVM's name)."""
    return _MULTIPLY if architecture == "x86_64" else _ADD


def has_vectors(architecture: str) -> bool:
    """Whether loops on vectors can be written for it."""
    return architecture in _VECTOR_LETTERS


class Loop(Protocol):
    """A loop whose round does `steps` steps."""

    @property
    def steps(self) -> int: ...

    def text(self, architecture: str, links: int = 0) -> str:
        """The module for an architecture, with `links` of its chain in each round."""


@dataclass(frozen=True)
class ChainLoop:
    """The chain alone: a step is one of its links."""

    steps: int = _STEPS

    def text(self, architecture: str, links: int = 0) -> str:
        module, f, data, count = _begin()
        chain = _Links(f, data, architecture, self.steps, self.steps)
        with f.loop(0, count):
            for step in range(self.steps):
                chain.after(step)
        chain.end()
        return str(module)


@dataclass(frozen=True)
class VectorLoop:
    """`copies` of a step on registers of type `kind`, each with so many sums of its own."""

    kind: str
    copies: int
    sums: int
    operands: int
    step: Step

    @property
    def steps(self) -> int:
        return -(-_STEPS // self.copies) * self.copies

    @property
    def pool(self) -> int:
        """Registers that operands come from: of 32, of 16 vectors, of 16 scalars of which some have other uses."""
        return {WIDE: 8, I64: 4}.get(self.kind, 6)

    def text(self, architecture: str, links: int = 0) -> str:
        module, f, data, count = _begin()
        letter = {I64: "r", WIDE: "v"}.get(self.kind) or _VECTOR_LETTERS[architecture]
        places = [data.at(_REGISTERS + _LINE * k) for k in range(self.copies * self.sums + self.pool)]
        registers = [f.variable(place.load(self.kind)) for place in places]
        pool, sums = registers[: self.pool], registers[self.pool :]
        chain = _Links(f, data, architecture, links, self.steps)
        with f.loop(0, count):
            for step in range(self.steps):
                copy = step % self.copies
                own = sums[copy * self.sums : (copy + 1) * self.sums]
                self._step(f, own, [pool[(step * self.operands + k) % self.pool] for k in range(self.operands)], letter)
                chain.after(step)
        for place, register in zip(places, registers, strict=True):
            place.store(register.get())
        chain.end()
        return str(module)

    def _step(self, f: Function, own: list[Variable], used: list[Variable], letter: str) -> None:
        for operand in used:
            operand.set(operand.get().hidden(letter))
        made = self.step(f, [v.get() for v in own], [v.get() for v in used])
        for register, value in zip(own, made, strict=False):
            register.set(value.hidden(letter))
        for value in made[len(own) :]:
            f.line(f'call void asm sideeffect "", "{letter}"({value.kind} {value.text})')


@dataclass(frozen=True)
class TileLoop:
    """A product of tiles per step; `fresh` loads the tile of rows from memory for each."""

    fresh: bool
    steps: int = _TILE_STEPS

    def text(self, architecture: str, links: int = 0) -> str:
        module, f, data, count = _begin()
        tiles = [data.at(_REGISTERS + TILE_BYTES * k) for k in range(1 + self.steps + len(_SUM_TILES))]
        f.intrinsic("llvm.x86.ldtilecfg", "void", data)
        for tile in _SUM_TILES:
            f.intrinsic("llvm.x86.tilezero", "void", f"i8 {tile}")
        for tile, place in zip((_WEIGHT_TILE, *_ROW_TILES), tiles, strict=False):
            f.intrinsic("llvm.x86.tileloadd64", "void", f"i8 {tile}", place, "i64 64")
        chain = _Links(f, data, architecture, links, self.steps)
        with f.loop(0, count):
            for step in range(self.steps):
                rows, total = _ROW_TILES[step % len(_ROW_TILES)], _SUM_TILES[step % len(_SUM_TILES)]
                if self.fresh:
                    f.intrinsic("llvm.x86.tileloadd64", "void", f"i8 {rows}", tiles[1 + step], "i64 64")
                f.intrinsic("llvm.x86.tdpbssd", "void", f"i8 {total}", f"i8 {rows}", f"i8 {_WEIGHT_TILE}")
                chain.after(step)
        for tile, place in zip(_SUM_TILES, tiles[1 + self.steps :], strict=True):
            f.intrinsic("llvm.x86.tilestored64", "void", f"i8 {tile}", place, "i64 64")
        f.intrinsic("llvm.x86.tilerelease", "void")
        chain.end()
        return str(module)


def _begin() -> tuple[Module, Function, Value, Value]:
    module = Module()
    f = module.function(SYMBOL, ((PTR, "data"), (I64, "count")))
    data, count = f.parameters
    return module, f, data, count


class _Links:
    """A chain of `links` operations spread over the steps of a round."""

    def __init__(self, f: Function, data: Value, architecture: str, links: int, steps: int) -> None:
        self.f, self.op, self.links, self.steps = f, chain_of(architecture).op, links, steps
        self.place, self.done = data.at(_CHAIN), 0
        self.value, self.factor = f.variable(self.place.load(I64)), f.variable(self.place.at(8).load(I64))

    def after(self, step: int) -> None:
        while self.done < self.links * (step + 1) // self.steps:
            text = f"{self.op} i64 {self.value.get().text}, {self.factor.get().text}"
            self.value.set(self.f.emit(text, I64).hidden())
            self.done += 1

    def end(self) -> None:
        self.place.store(self.value.get())
