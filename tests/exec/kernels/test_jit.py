"""Kernels on disk: loaded instead of compiled again, repaired where damaged, done without where there is no folder."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from neurobin.exec.kernels import counting, jit, machine
from neurobin.exec.kernels.bitwise import bitwise_kernel
from neurobin.exec.kernels.emit import I64, PTR, Module
from neurobin.exec.kernels.jit import SYMBOL, Compiler, cache_folder
from neurobin.exec.kernels.machine import BACKENDS, Backend
from neurobin.exec.kernels.tiles import tile_kernel
from tests.exec.small import known

GENERIC = next(backend for backend in BACKENDS if backend.name == "generic")
pytestmark = pytest.mark.skipif(len(machine.available()) == 1, reason="llvmlite is not installed")


def kernel(number: int) -> str:
    """A kernel that writes a number."""
    module = Module()
    f = module.function(SYMBOL, [(PTR, "place"), (I64, "scale")])
    place, scale = f.parameters
    place.store(scale * number, 8)
    return str(module)


def answer(compiler: Compiler, number: int) -> int:
    place = ctypes.c_int64(0)
    call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(compiler.address(kernel(number)))
    call(ctypes.addressof(place), 10)
    return place.value


def counts(compiler: Compiler) -> tuple[int, int]:
    return compiler.compiled, compiler.loaded


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NEUROBIN_CACHE", str(tmp_path / "new"))
    return tmp_path / "new" / "kernels"


def test_a_second_compiler_loads_what_the_first_compiled(folder: Path) -> None:
    first = Compiler(GENERIC)
    assert [answer(first, 7), answer(first, 8), answer(first, 7)] == [70, 80, 70]
    assert counts(first) == (2, 0)
    assert len(list(folder.iterdir())) == 2
    second = Compiler(GENERIC)
    assert [answer(second, 8), answer(second, 7)] == [80, 70]
    assert counts(second) == (0, 2)


def truncated(raw: bytes) -> bytes:
    return raw[:-1]


def flipped_in_the_code(raw: bytes) -> bytes:
    return raw[:200] + bytes([raw[200] ^ 1]) + raw[201:]


def flipped_in_the_digest(raw: bytes) -> bytes:
    return bytes([raw[0] ^ 128]) + raw[1:]


def emptied(raw: bytes) -> bytes:
    return b""


def cut_to_the_digest(raw: bytes) -> bytes:
    return raw[:32]


def grown(raw: bytes) -> bytes:
    return raw + b"\0"


@pytest.mark.parametrize(
    "damage", [truncated, flipped_in_the_code, flipped_in_the_digest, emptied, cut_to_the_digest, grown]
)
def test_a_damaged_file_is_compiled_again_and_repaired(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    assert answer(Compiler(GENERIC), 7) == 70
    (file,) = folder.iterdir()
    sound = file.read_bytes()
    file.write_bytes(damage(sound))
    again = Compiler(GENERIC)
    assert answer(again, 7) == 70
    assert counts(again) == (1, 0)
    assert list(folder.iterdir()) == [file]
    after = Compiler(GENERIC)
    assert answer(after, 7) == 70
    assert counts(after) == (0, 1)


def check_without_folder() -> None:
    for _ in range(2):
        compiler = Compiler(GENERIC)
        assert answer(compiler, 7) == 70
        assert counts(compiler) == (1, 0)


def test_a_file_in_the_place_of_the_folder_is_no_error(folder: Path) -> None:
    folder.parent.parent.joinpath("new").write_text("in the way")
    check_without_folder()


def test_a_folder_in_the_place_of_a_file_is_no_error(folder: Path) -> None:
    assert answer(Compiler(GENERIC), 7) == 70
    (file,) = folder.iterdir()
    file.unlink()
    (folder / file.name / "inside").mkdir(parents=True)
    check_without_folder()
    assert [found.name for found in folder.iterdir()] == [file.name], "a file under another name was left behind"


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_no_error(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o500)
    check_without_folder()


def test_a_full_disk_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(jit.os, "replace", full)
    check_without_folder()
    assert not list(folder.iterdir())


def test_code_that_others_can_write_is_not_loaded(folder: Path) -> None:
    assert answer(Compiler(GENERIC), 7) == 70
    folder.chmod(0o777)
    check_without_folder()


def test_a_user_without_a_home_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("NEUROBIN_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    check_without_folder()


def test_the_folder_is_the_users_unless_another_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEUROBIN_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "neurobin" / "kernels"
    monkeypatch.setenv("NEUROBIN_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own" / "kernels"


TWO_AT_ONCE = """
import sys
sys.path.insert(0, {root!r})
from tests.exec.kernels.test_jit import GENERIC, answer
from neurobin.exec.kernels.jit import Compiler
sys.stdin.readline()
compiler = Compiler(GENERIC)
print(*(answer(compiler, number) for number in range(8)), compiler.compiled + compiler.loaded)
"""


def test_processes_that_compile_at_the_same_time_all_get_the_right_code(folder: Path) -> None:
    command = [sys.executable, "-c", TWO_AT_ONCE.format(root=str(Path(__file__).parents[3]))]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(2)]  # type: ignore[call-overload]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        assert process.communicate(timeout=60)[0].split() == [*(str(10 * n) for n in range(8)), "8"]
        assert process.returncode == 0
    assert all(re.fullmatch("[0-9a-f]{64}", file.name) for file in folder.iterdir())
    assert len(list(folder.iterdir())) == 8


def test_other_instruction_sets_versions_and_schemas_have_other_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import llvmlite

    def files() -> int:
        compiler = Compiler(GENERIC)
        assert answer(compiler, 7) == 70
        return len(list(folder.iterdir()))

    assert [files(), files()] == [1, 1]
    with monkeypatch.context() as m:
        m.setattr(llvmlite, "__version__", "0.0.1")
        assert files() == 2
    with monkeypatch.context() as m:
        m.setattr(jit, "_SCHEMA", 99)
        assert files() == 3
    if platform.machine() in ("x86_64", "AMD64"):
        other = Compiler(Backend("other", ("sse3",)))
        assert answer(other, 7) == 70
        assert counts(other) == (1, 0)
        assert len(list(folder.iterdir())) == 4


# Assembly

on_x86 = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="x86 instructions")


def assembly(name: str, text: str) -> list[str]:
    """What a back end's LLVM makes of a kernel, which this CPU need not be able to run."""
    backend = next(backend for backend in BACKENDS if backend.name == name)
    return Compiler(backend).assembly(text).splitlines()


def innermost_loops(lines: list[str]) -> Iterator[list[str]]:
    """The instructions between a label and the jump back to it, where no other label is between them."""
    label, start = "", 0
    for number, line in enumerate(lines):
        if mark := re.match(r"(\.LBB\w+):", line):
            label, start = mark[1], number
        jump = re.match(r"\s+j\w+\s+(\.LBB\w+)", line)
        if jump and jump[1] == label:
            yield [text.strip() for text in lines[start : number + 1]]


def instructions(loop: list[str]) -> Counter[str]:
    return Counter(line.split()[0] for line in loop if not line.startswith((".", "#")))


def wide(way: counting.Way, cpu: str) -> counting.Way:
    """A way with the registers it uses on a CPU."""
    return replace(way, tile=counting.wide_tile(cpu))


def pair_loops(cpu: str) -> list[list[str]]:
    """The innermost loops of `pairs` that count."""
    loops = innermost_loops(assembly("avx512", bitwise_kernel(wide(counting.PAIRS, cpu), False, True)))
    return [loop for loop in loops if any("vpopcntd" in line for line in loop)]


@on_x86
@pytest.mark.parametrize(("cpu", "sums"), [("any", 12), ("znver4", 8)])
def test_pairs_count_two_words_with_one_popcount(cpu: str, sums: int) -> None:
    """Six or four rows and two panels: a popcount of each pair of words, in whole registers."""
    loops = pair_loops(cpu)
    widest = instructions(max(loops, key=lambda loop: instructions(loop)["vpopcntd"]))
    assert (widest["vpopcntd"], widest["vpternlogd"]) == (sums, 2 * sums)
    for loop in loops:
        assert all("%zmm" in line for line in loop if "vpopcntd" in line or "vpternlogd" in line)


@on_x86
@pytest.mark.parametrize("cpu", ["any", "znver4"])
def test_pairs_are_counted_from_registers(cpu: str, request: pytest.FixtureRequest) -> None:
    if cpu == "any":
        known(request, "spills")
    for loop in pair_loops(cpu):
        assert not [line for line in loop if "(%rsp)" in line or "(%rbp)" in line]


@on_x86
@pytest.mark.parametrize("cpu", ["any", "znver4"])
def test_masked_words_are_counted_from_registers(cpu: str) -> None:
    for loop in innermost_loops(assembly("avx512", bitwise_kernel(wide(counting.WORDS, cpu), True, True))):
        if any("vpopcntd" in line for line in loop):
            assert instructions(loop)["vpternlogd"] == instructions(loop)["vpopcntd"]
            assert not any("(%rsp)" in line for line in loop)


@on_x86
@pytest.mark.parametrize(("a_signed", "b_signed", "name"), [(True, True, "tdpbssd"), (False, True, "tdpbusd")])
def test_tiles_of_many_rows_load_five_tiles_for_four_products(a_signed: bool, b_signed: bool, name: str) -> None:
    loops = [instructions(loop) for loop in innermost_loops(assembly("amx", tile_kernel(a_signed, b_signed)))]
    products = [(found[name], found["tileloadd"]) for found in loops if found[name]]
    assert products.count((4, 5)) >= 1, products
    assert all(loads <= count + 1 for count, loads in products), products
    assert not any(found["tilestored"] for found in loops if found[name])
