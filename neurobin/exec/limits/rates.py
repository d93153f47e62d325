"""What a core can do at most: sequences of instructions, how fast it issues them, and the operations per second they allow.

    limit = 2 x multiply-accumulates of a step x steps per second

A step is the arithmetic that one way of multiplying cannot do without; loads, addresses and loops are left out. Every rate
is measured on this CPU. Where it lacks an instruction, a limit does not exist.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from neurobin.exec.kernels import counting, machine
from neurobin.exec.kernels.emit import I64, Function, Value, vector
from neurobin.exec.kernels.jit import compiler
from neurobin.exec.kernels.machine import Backend
from neurobin.exec.kernels.tiles import configuration
from neurobin.exec.limits import loops
from neurobin.exec.limits.loops import HALF, QUARTER, WIDE, ChainLoop, Loop, Step, TileLoop, VectorLoop
from neurobin.exec.limits.timing import Run, race, sustained_s, turns
from neurobin.exec.plan.memory import lined
from neurobin.ir import Json

_LOOP = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
_LONGER = 1.1  # a chain that shows the clock, against the work beside it

Values = Sequence[Value]


def _lanes(x: Value) -> int:
    return int(x.kind.partition(" ")[0].removeprefix("<"))


def _count(f: Function, x: Value) -> Value:
    return f.intrinsic("llvm.ctpop.i64" if x.kind == I64 else f"llvm.ctpop.v{_lanes(x)}i32", x.kind, x)


def _popcount(f: Function, _: Values, x: Values) -> list[Value]:
    return [_count(f, x[0])]


def _three(f: Function, s: Values, x: Values) -> list[Value]:
    return [counting.logic(f, counting.XOR3, s[0], x[0], x[1])]


def _triple(f: Function, s: Values, x: Values) -> list[Value]:
    return [s[0] + _count(f, x[0] ^ x[1])]


def _pair(f: Function, s: Values, x: Values) -> list[Value]:
    count, plane = s
    found = counting.PAIRS.find(f, [[plane]], [counting.Operands((x[0], x[1]), list(x[2:]), [])])[0]
    return [*counting.PAIRS.count(f, [[count]], [found.words])[0], *found.planes]


def _nibbles(f: Function, s: Values, x: Values) -> list[Value]:
    half, lookup = vector(32, "i8"), "llvm.x86.avx2.pshuf.b"
    differ, table = (x[0] ^ x[1]).cast(half), x[2].cast(half)  # what the table holds does not matter here
    low, high = differ & 15, differ.cast(vector(16, "i16")).logical_shift(4).cast(half) & 15
    counts = f.intrinsic(lookup, half, table, low) + f.intrinsic(lookup, half, table, high)
    return [(s[0].cast(half) + counts).cast(HALF)]


def _vnni(f: Function, s: Values, x: Values) -> list[Value]:
    return [f.intrinsic("llvm.x86.avx512.vpdpbusd.512", WIDE, s[0], x[0], x[1])]


def _vnni16(f: Function, s: Values, x: Values) -> list[Value]:
    return [f.intrinsic("llvm.x86.avx512.vpdpwssd.512", WIDE, s[0], x[0], x[1])]


def _multiply_add(intrinsic: str) -> Step:
    def step(f: Function, s: Values, x: Values) -> list[Value]:
        a, b = (v.cast(vector(2 * _lanes(v), "i16")) for v in x)
        return [s[0] + f.intrinsic(intrinsic, x[0].kind, a, b)]

    return step


def _maddubs(f: Function, s: Values, x: Values) -> list[Value]:
    pairs = vector(16, "i16")
    made = f.intrinsic("llvm.x86.avx2.pmadd.ub.sw", pairs, *(v.cast(vector(32, "i8")) for v in x[:2]))
    return [s[0] + f.intrinsic("llvm.x86.avx2.pmadd.wd", HALF, made, x[2].cast(pairs))]


@dataclass(frozen=True)
class Limit:
    """A sequence of instructions: what it is, the instruction sets it needs (LLVM's names), and its loop.

    `instructions` and `macs` (None: it multiplies nothing) are those of one step. Registers start with random bytes, random
    +-1 ("signs") or zeros: tiles that take in changing data draw so much power that the clock falls (by a fifth on the
    core where this was found). No kernel can do with less than one tile loaded per product: eight registers hold the sums
    of at most two by two tiles beside their operands.
    """

    name: str
    what: str
    needs: tuple[str, ...]
    instructions: int
    macs: int | None
    formula: str
    loop: Loop
    data: str = "bytes"

    @property
    def unit(self) -> str:
        return "Hz" if isinstance(self.loop, ChainLoop) else "instruction/s" if self.macs is None else "op/s"

    @property
    def shows_clock(self) -> bool:
        """Whether a chain beside it meets no other work on its port: not so for vectors of up to 256 bits."""
        return isinstance(self.loop, TileLoop) or (isinstance(self.loop, VectorLoop) and self.loop.kind == WIDE)


_VPOPCNT, _TILES = ("avx512f", "avx512vpopcntdq"), ("amx-tile", "amx-int8")
_TILE_FORMULA = "2 x 16 x 16 x 64 products x steps/s"
CLOCK = Limit("clock", "chain of 64-bit operations", (), 1, None, "cycles of a step x steps/s", ChainLoop())
LIMITS = (
    Limit("popcount", "popcount, 512 bits", _VPOPCNT, 1, None, "no limit: it multiplies nothing",
          VectorLoop(WIDE, 8, 0, 1, _popcount)),
    Limit("logic", "three-input logic, 512 bits", ("avx512f",), 1, None, "no limit: it multiplies nothing",
          VectorLoop(WIDE, 8, 1, 2, _three)),
    Limit("triple", "xor (or and-xor), popcount, add, 512 bits", _VPOPCNT, 3, 512, "2 x 512 bits x steps/s",
          VectorLoop(WIDE, 12, 1, 2, _triple)),
    Limit("pair", "two words, one popcount, 512 bits", _VPOPCNT, 5, 1024, "2 x 2 words x 512 bits x steps/s",
          VectorLoop(WIDE, 8, 2, 4, _pair)),
    Limit("vnni", "int8 dot products of 4, 512 bits", ("avx512f", "avx512vnni"), 1, 64, "2 x 64 products x steps/s",
          VectorLoop(WIDE, 12, 1, 2, _vnni)),
    Limit("vnni16", "int16 dot products of 2, 512 bits", ("avx512f", "avx512vnni"), 1, 32, "2 x 32 products x steps/s",
          VectorLoop(WIDE, 12, 1, 2, _vnni16)),
    Limit("tiles idle", "tile product of zeros", _TILES, 1, loops.TILE_MACS, _TILE_FORMULA, TileLoop(fresh=False), "zeros"),
    Limit("tiles resident", "tile product of +-1 that stay", _TILES, 1, loops.TILE_MACS, _TILE_FORMULA,
          TileLoop(fresh=False), "signs"),
    Limit("tiles", "tile product of +-1, one tile loaded", _TILES, 1, loops.TILE_MACS, _TILE_FORMULA,
          TileLoop(fresh=True), "signs"),
    Limit("nibbles", "xor, 4-bit counts, add, 256 bits", ("avx2",), 8, 256, "2 x 256 bits x steps/s",
          VectorLoop(HALF, 4, 1, 3, _nibbles)),
    Limit("maddubs", "int8 multiply-add, int16 multiply-add, add, 256 bits", ("avx2",), 3, 32, "2 x 32 products x steps/s",
          VectorLoop(HALF, 6, 1, 3, _maddubs)),
    Limit("madd256", "int16 multiply-add, add, 256 bits", ("avx2",), 2, 16, "2 x 16 products x steps/s",
          VectorLoop(HALF, 6, 1, 2, _multiply_add("llvm.x86.avx2.pmadd.wd"))),
    Limit("scalar popcount", "xor, popcount, add, 64 bits", ("popcnt",), 3, 64, "2 x 64 bits x steps/s",
          VectorLoop(I64, 4, 1, 2, _triple)),
    Limit("any popcount", "xor, ctpop, add, 128 bits, any CPU", (), 3, 128, "2 x 128 bits x steps/s",
          VectorLoop(QUARTER, 4, 1, 2, _triple)),
    Limit("madd128", "int16 multiply-add, add, 128 bits", ("sse2",), 2, 8, "2 x 8 products x steps/s",
          VectorLoop(QUARTER, 6, 1, 2, _multiply_add("llvm.x86.sse2.pmadd.wd"))),
)  # fmt: skip


@dataclass(frozen=True)
class Rate:
    """A limit as measured; `missing` says why there is none.

    Seconds are those of a step, in the best turn and without a pause. `cycles` of a step and `clock_hz` are those of the
    loop in its typical turn: both come from a chain of known cycles that ran beside it, or in turns with it.
    """

    limit: Limit
    best_s: float | None = None
    sustained_s: float | None = None
    cycles: float | None = None
    clock_hz: float | None = None
    missing: str = ""

    def instructions_per_s(self, sustained: bool = False) -> float | None:
        return self._per_s(self.limit.instructions, sustained)

    def ops_per_s(self, sustained: bool = False) -> float | None:
        """Operations per second, two per multiply-accumulate."""
        return self._per_s(2 * self.limit.macs if self.limit.macs is not None else None, sustained)

    def to_dict(self) -> dict[str, Json]:
        limit = self.limit
        return {
            "name": limit.name, "what": limit.what, "unit": limit.unit, "formula": limit.formula,
            "needs": list(limit.needs), "missing": self.missing, "step_instructions": limit.instructions,
            "step_macs": limit.macs, "step_cycles": self.cycles, "clock_hz": self.clock_hz,
            "instructions_per_s": self.instructions_per_s(),
            "sustained_instructions_per_s": self.instructions_per_s(sustained=True),
            "ops_per_s": self.ops_per_s(), "sustained_ops_per_s": self.ops_per_s(sustained=True),
        }  # fmt: skip

    def _per_s(self, count: int | None, sustained: bool) -> float | None:
        step_s = self.sustained_s if sustained else self.best_s
        return None if step_s is None or count is None else count / step_s


def find(name: str) -> Limit:
    return next(limit for limit in LIMITS if limit.name == name)


def architecture() -> str:
    """LLVM's name of this CPU's architecture."""
    from llvmlite import binding

    name: str = binding.get_process_triple().partition("-")[0]
    return "aarch64" if name == "arm64" else name


def missing(limit: Limit) -> str:
    """Why a limit does not exist here; "" where it does."""
    try:
        here = architecture()
    except ImportError:
        return "llvmlite is not installed"
    if lacking := [name for name in limit.needs if name not in machine.units()]:
        return f"this CPU lacks {', '.join(lacking)}"
    if isinstance(limit.loop, TileLoop) and "amx" not in {b.name for b in machine.available()}:
        return "the system does not give its tiles"
    if isinstance(limit.loop, VectorLoop) and limit.loop.kind != I64 and not loops.has_vectors(here):
        return f"no loop for {here}"
    return ""


def prepared(limit: Limit, links: int = 0) -> Run:
    """The loop of a limit that exists here, with `links` of its chain beside each round; a repeat is a round."""
    here = architecture()
    call = _LOOP(compiler(Backend("limits", limit.needs)).address(limit.loop.text(here, links)))
    memory = _registers(limit.data)
    address = memory.ctypes.data

    def run(count: int, _kept: object = memory) -> None:
        call(address, count)

    return run


def _registers(data: str) -> np.ndarray:
    """What a loop's registers are filled with, behind the tiles' configuration and the chain's two numbers."""
    rng = np.random.default_rng(0)
    made = lined(loops.DATA_BYTES)
    if data == "bytes":
        made[:] = rng.integers(0, 256, len(made))
    elif data == "signs":
        made[:] = rng.choice(np.array([1, 255], np.uint8), len(made))
    made[:64] = configuration()
    made[64:128] = rng.integers(0, 256, 64) | 1
    return made


def clock() -> Rate:
    """The clock of an idle core: an operation of the chain takes a known number of cycles."""
    if why := missing(CLOCK):
        return Rate(CLOCK, missing=why)
    run, cycles = prepared(CLOCK), loops.chain_of(architecture()).cycles
    (found,), steps = turns([run]), CLOCK.loop.steps
    last_s = sustained_s(run, found.best_s)
    return Rate(CLOCK, found.best_s / steps, last_s / steps, cycles, cycles * steps / found.typical_s)


def measured(limit: Limit, idle: Rate) -> Rate:
    """The rate of a limit. `idle`, the clock, only decides how long a chain runs beside the loop."""
    if why := missing(limit):
        return Rate(limit, missing=why)
    run, steps = prepared(limit), limit.loop.steps
    chain, cycles = prepared(CLOCK), CLOCK.loop.steps * loops.chain_of(architecture()).cycles
    if limit.shows_clock and idle.clock_hz is not None:
        chain, cycles = _beside(limit, run, idle.clock_hz)
    found = race(run, chain)
    last_s = sustained_s(run, found.first.best_s)
    return Rate(
        limit, found.first.best_s / steps, last_s / steps, found.ratio * cycles / steps, cycles / found.second.typical_s
    )


def _beside(limit: Limit, run: Run, clock_hz: float) -> tuple[Run, int]:
    """The loop with a chain beside it that takes longer, and the cycles of a round of that."""
    each = loops.chain_of(architecture()).cycles
    links = 4 * math.ceil(_LONGER * turns([run])[0].typical_s * clock_hz / (4 * each))  # few numbers, few loops to compile
    return prepared(limit, links), links * each


def against(limit: Limit, macs: int, run: Run) -> tuple[float, float | None]:
    """Seconds of the best turn of `run`, which does so many multiply-accumulates, and its share of a limit: None where that
    does not exist here."""
    if missing(limit) or limit.macs is None:
        return turns([run])[0].best_s, None
    found = race(prepared(limit), run)
    return found.second.best_s, found.ratio * macs / (limit.macs * limit.loop.steps)
