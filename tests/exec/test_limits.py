"""Limits, shares and network timings: the loops do what they claim, sums are checked, what is missing says why."""

from __future__ import annotations

import collections
import math
import re
import sys
from collections.abc import Callable

import numpy as np
import pytest

from neurobin.errors import MismatchError
from neurobin.exec import reference
from neurobin.exec.kernels import machine
from neurobin.exec.kernels.jit import compiler
from neurobin.exec.kernels.machine import BACKENDS, NUMPY, Backend
from neurobin.exec.limits import host, kernels, layers, network, rates, timing
from neurobin.exec.limits.rates import CLOCK, LIMITS, Limit
from neurobin.ir import BIPOLAR, TERNARY
from tests.networks import binary_convnet, images

binding = pytest.importorskip("llvmlite.binding")
HERE = [limit for limit in LIMITS if not rates.missing(limit)]
NATIVE = [b for b in machine.available() if b is not NUMPY]
on_x86 = pytest.mark.skipif(rates.architecture() != "x86_64", reason="its LLVM names are of x86-64")


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "EFFORT", timing.Effort(1e-5, 1e-4, 1e-4))
    monkeypatch.setattr(network, "SPAN_S", 1e-3)


def test_limits_are_described() -> None:
    assert len({limit.name for limit in LIMITS}) == len(LIMITS)
    for limit in (CLOCK, *LIMITS):
        assert limit.what
        assert limit.formula
        assert limit.unit in ("Hz", "op/s", "instruction/s")
        assert (limit.unit == "op/s") == (limit.macs is not None)
    assert {kernel.limit for kernel in kernels.KERNELS} <= {limit.name for limit in LIMITS if limit.macs}


@pytest.mark.parametrize("limit", HERE, ids=lambda limit: limit.name)
def test_a_rate_is_positive_and_finite(limit: Limit) -> None:
    found = rates.measured(limit, rates.Rate(CLOCK, clock_hz=3e9)).to_dict()
    assert found["missing"] == ""
    names = ["step_cycles", "clock_hz", "instructions_per_s", "sustained_instructions_per_s"]
    if limit.macs is not None:
        names += ["ops_per_s", "sustained_ops_per_s"]
    for name in names:
        assert isinstance(found[name], float)
        assert math.isfinite(found[name])
        assert found[name] > 0
    assert limit.macs is not None or found["ops_per_s"] is None


def test_the_clock() -> None:
    idle = rates.clock()
    assert idle.clock_hz is not None
    assert 1e7 < idle.clock_hz < 1e11  # whatever a slow machine under load makes of it


# Instructions of a round, from the loop's assembly; what stands besides fills registers, counts or ends the function.
ROUNDS = {
    "popcount": {"vpopcntd": 48}, "logic": {"vpternlogd": 48}, "triple": {"vpxord": 48, "vpopcntd": 48, "vpaddd": 48},
    "pair": {"vpxord": 48, "vpternlogd": 96, "vpopcntd": 48, "vpaddd": 48}, "vnni": {"vpdpbusd": 48},
    "vnni16": {"vpdpwssd": 48}, "tiles idle": {"tdpbssd": 12, "tileloadd": 4},
    "tiles resident": {"tdpbssd": 12, "tileloadd": 4}, "tiles": {"tdpbssd": 12, "tileloadd": 16},
    "nibbles": {"vpxor": 48, "vpand": 96, "vpsrlw": 48, "vpshufb": 96, "vpaddb": 96},
    "maddubs": {"vpmaddubsw": 48, "vpmaddwd": 48, "vpaddd": 48}, "madd256": {"vpmaddwd": 48, "vpaddd": 48},
    "scalar popcount": {"xorq": 48, "popcntq": 48, "addq": 48},
    "madd128": {"pmaddwd": 48, "paddd": 48},
}  # fmt: skip


@on_x86
@pytest.mark.parametrize("name", ROUNDS)
def test_loops_hold_what_they_claim(name: str) -> None:
    limit = rates.find(name)
    found = _instructions(limit, links=8)
    assert found["imulq"] == 8
    assert {key: found[key] for key in ROUNDS[name]} == ROUNDS[name]
    assert sum(ROUNDS[name].values()) == limit.instructions * limit.loop.steps + ROUNDS[name].get("tileloadd", 0)


@on_x86
def test_the_clock_is_a_chain() -> None:
    assert _instructions(CLOCK)["imulq"] == CLOCK.loop.steps


def _instructions(limit: Limit, links: int = 0) -> collections.Counter[str]:
    text = compiler(Backend("limits", limit.needs)).assembly(limit.loop.text("x86_64", links))
    return collections.Counter(re.findall(r"^\t([a-z]\w+)", text, re.MULTILINE))


def test_the_portable_loops_compile_for_arm() -> None:
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    try:
        target = binding.Target.from_triple("aarch64-unknown-linux-gnu")
    except RuntimeError:
        pytest.skip("this LLVM has no such target")
    for limit, instruction in ((CLOCK, "add"), (rates.find("any popcount"), "cnt")):
        module = binding.parse_assembly(limit.loop.text("aarch64"))
        module.verify()
        shown = target.create_target_machine(opt=3).emit_assembly(module)
        assert len(re.findall(rf"^\t{instruction}\b", shown, re.MULTILINE)) >= limit.loop.steps


def test_a_cpu_without_instruction_sets_has_few_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "units", frozenset)
    gone = [limit for limit in LIMITS if rates.missing(limit)]
    assert {limit.name for limit in LIMITS} - {limit.name for limit in gone} == {"any popcount"}
    assert rates.missing(rates.find("vnni")) == "this CPU lacks avx512f, avx512vnni"
    found = rates.measured(rates.find("pair"), rates.Rate(CLOCK)).to_dict()
    numbers = ("ops_per_s", "sustained_ops_per_s", "instructions_per_s", "clock_hz", "step_cycles")
    assert [found[name] for name in numbers] == [None] * 5


def test_why_limits_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "units", lambda: frozenset({"amx-tile", "amx-int8"}))
    monkeypatch.setattr(machine, "available", lambda: (NUMPY,))
    assert rates.missing(rates.find("tiles")) == "the system does not give its tiles"
    monkeypatch.setattr(rates, "architecture", lambda: "riscv64")
    assert rates.missing(rates.find("any popcount")) == "no loop for riscv64"
    assert rates.missing(CLOCK) == ""
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    assert rates.missing(CLOCK) == "llvmlite is not installed"
    assert rates.clock().to_dict()["clock_hz"] is None


RUNNABLE = [kernel for kernel in kernels.KERNELS if kernels.runs_here(kernel)]


@pytest.mark.parametrize("kernel", RUNNABLE, ids=lambda kernel: kernel.name)
def test_kernels_give_numpys_sums(kernel: kernels.Kernel) -> None:
    for shape in kernels.SHAPES:
        kernels.Block(kernel, shape).check()


def test_wrong_sums_are_an_error() -> None:
    block = kernels.Block(kernels.find("plain products"), kernels.WINDOW)
    block.expected[3, 5] += 1
    with pytest.raises(MismatchError, match=r"'plain products', 3x3 window, 64: 1 of 4096 sums differ from numpy's"):
        block.check()


def test_a_share_needs_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = kernels.find("plain popcount")
    found = kernels.reached(kernel, kernels.WINDOW).to_dict()
    assert found["terms"] == 576
    assert found["share"] is None or found["share"] > 0
    monkeypatch.setattr(rates, "missing", lambda limit: "not today")
    found = kernels.reached(kernel, kernels.WINDOW).to_dict()
    assert found["share"] is None
    assert found["ops_per_s"] > 0


@pytest.mark.parametrize("weights", [BIPOLAR, TERNARY], ids=["binary", "ternary"])
def test_every_back_end_has_a_limit_for_layers(weights: object) -> None:
    names = {b.name: layers.limit_of(weights, b) for b in BACKENDS}
    assert names.pop("numpy") == ""
    assert all(rates.find(name).macs for name in names.values())
    assert names["avx512"] == ("pair" if weights is BIPOLAR else "triple")


@pytest.mark.parametrize("back_end", machine.available(), ids=lambda b: b.name)
def test_layers(back_end: Backend) -> None:
    for weights in (BIPOLAR, TERNARY):
        found = layers.reached(layers.Layer(64, 4, weights), back_end).to_dict()
        assert found["ops_per_s"] > 0
        assert found["unit"] == "op/s"
        assert found["formula"]
        assert (found["limit"] is None) == (back_end is NUMPY)


@pytest.mark.skipif(not NATIVE, reason="numpy is what layers are compared with")
def test_a_wrong_layer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = layers.Layer(64, 4)
    graph, x, sums = layers.operands(layer)
    monkeypatch.setattr(layers, "operands", lambda _: (graph, x, sums + 1))
    with pytest.raises(MismatchError, match=r"64@4x4, binary x binary, back end .* of 1024 sums differ"):
        layers.prepared(layer, NATIVE[0])


class Simulated:
    """A clock that only work moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def work(self, each_s: float) -> Callable[[int], None]:
        def run(count: int) -> None:
            self.now_s += count * each_s

        return run


def test_races_and_long_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    simulated = Simulated()
    monkeypatch.setattr(timing, "clock", lambda: timing.Clock("simulated", lambda: simulated.now_s))
    found = timing.race(simulated.work(3e-6), simulated.work(1e-6))
    assert found.ratio == pytest.approx(3)
    assert found.first.best_s == pytest.approx(3e-6)
    assert found.second.typical_s == pytest.approx(1e-6)
    before_s = simulated.now_s
    assert timing.sustained_s(simulated.work(1e-7), 1e-5) == pytest.approx(1e-7)  # a guess 100 times too long
    assert simulated.now_s - before_s >= timing.EFFORT.sustained_s


def test_coarse_clocks_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    class Coarse:
        resolution = 0.0156

    monkeypatch.setattr(timing.time, "get_clock_info", lambda name: Coarse)
    assert timing.clock().name == "wall time"


def test_back_ends_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    generic = machine.backend("generic")
    monkeypatch.setattr(machine, "available", lambda: (generic, NUMPY))
    monkeypatch.setattr(machine, "units", lambda: frozenset({"avx2"}))
    told = {b.name: b for b in host.back_ends(generic)}
    assert told["generic"].reason == "the best that runs here"
    assert told["numpy"].reason == "generic is better"
    assert told["avx2"].reason.startswith("this CPU cannot run the back end 'avx2', it lacks ")
    assert [b.name for b in told.values() if b.chosen] == ["generic"]
    monkeypatch.setenv(machine.VARIABLE, "numpy")
    told = {b.name: b for b in host.back_ends(NUMPY)}
    assert told["numpy"].reason == "NEUROBIN_BACKEND asks for it"
    assert told["generic"].reason == "numpy is asked for"


def test_units_of_other_computers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host.platform, "machine", lambda: "arm64")
    monkeypatch.setattr(machine, "units", lambda: frozenset({"neon", "dotprod"}))
    assert {unit.name for unit in host.units() if unit.found} == {"neon", "dotprod"}
    monkeypatch.setattr(host.platform, "machine", lambda: "s390x")
    assert host.units() == []
    monkeypatch.setattr(host.platform, "machine", lambda: "AMD64")
    monkeypatch.setattr(machine, "cpu", str)  # as without llvmlite
    assert {unit.found for unit in host.units()} == {None}


@pytest.mark.parametrize("back_end", machine.available(), ids=lambda b: b.name)
@pytest.mark.parametrize(("batch", "threads"), [(None, 1), (5, 2)])
def test_networks(back_end: Backend, batch: int | None, threads: int) -> None:
    graph = binary_convnet(3)
    x = images(graph, 3)
    expected = reference.run(graph, x)
    found = network.timing(graph, back_end, x, expected, batch, threads)
    assert found.latency.batch == 1
    assert found.throughput.batch == (batch or found.throughput.batch)
    assert min(found.first_s, found.latency.image_s, found.throughput.best_s) > 0
    if back_end is NUMPY:
        assert (found.memory, found.compiled, found.latency.threads) == (None, None, 1)
    else:
        assert found.memory is not None
        assert found.memory.chunk_arena_bytes >= found.memory.arena_bytes > 0
        assert found.memory.constant_bytes > 0
        assert found.compiled + found.loaded >= 0
    with pytest.raises(MismatchError, match=f"back end '{back_end.name}': 1 of 3 outputs differ from the reference"):
        network.timing(graph, back_end, x, np.concatenate([expected[:2], expected[2:] + 1]), batch, threads)
