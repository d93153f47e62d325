"""The back end that runs: the best one of the CPU, or the one that was asked for, or an error that says what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from neurobin.errors import UnsupportedError, UsageError
from neurobin.exec.kernels import machine
from neurobin.exec.kernels.machine import BACKENDS, NUMPY, VARIABLE, available, backend, units

NAMES = ["amx", "avx512", "avx2", "generic", "numpy"]
Pretend = Callable[..., None]


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pretend]:
    """`pretend("avx2", ...)`: a CPU of these instruction sets, on which Linux gives no tiles."""

    def cpu(*names: str, tiles: bool = False) -> None:
        monkeypatch.setattr(machine, "units", lambda: frozenset(names))
        monkeypatch.setattr(machine, "_tiles_allowed", lambda: tiles)
        available.cache_clear()

    monkeypatch.delenv(VARIABLE, raising=False)
    yield cpu
    available.cache_clear()


def needs(name: str) -> tuple[str, ...]:
    return next(b.needs for b in BACKENDS if b.name == name)


def test_back_ends_are_listed_best_first() -> None:
    assert [b.name for b in BACKENDS] == NAMES
    found = [b.name for b in available()]
    assert found == [name for name in NAMES if name in found]
    assert available()[-1] is NUMPY


@pytest.mark.parametrize(("best", "names"), [("avx512", NAMES[1:]), ("avx2", NAMES[2:]), ("generic", NAMES[3:])])
def test_a_cpu_runs_what_it_has_the_instructions_for(pretend: Pretend, best: str, names: list[str]) -> None:
    pretend(*needs(best))
    assert [b.name for b in available()] == names
    assert backend().name == best


def test_tiles_need_permission(pretend: Pretend) -> None:
    pretend(*needs("amx"))
    assert backend().name == "avx512"
    with pytest.raises(UnsupportedError, match="it lacks permission to use its tiles"):
        backend("amx")
    pretend(*needs("amx"), tiles=True)
    assert backend().name == "amx"


@pytest.mark.parametrize("name", ["sse", "AMX", "amx ", "numba", "avx"])
def test_an_unknown_name_is_an_error_that_lists_the_choices(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(VARIABLE, name)
    with pytest.raises(UsageError) as error:
        backend()
    assert str(error.value) == f"NEUROBIN_BACKEND: unknown back end {name!r} (try: amx, avx512, avx2, generic, numpy)"


def test_a_back_end_that_the_cpu_lacks_is_an_error_that_says_what_is_missing(
    pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(*(name for name in needs("avx512") if name != "avx512vpopcntdq"))
    monkeypatch.setenv(VARIABLE, "avx512")
    with pytest.raises(UnsupportedError) as error:
        backend()
    assert str(error.value) == (
        "NEUROBIN_BACKEND: this CPU cannot run the back end 'avx512', it lacks avx512vpopcntdq (try: avx2, generic, numpy)"
    )


def test_the_empty_name_is_the_best_back_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert backend() == available()[0]


@pytest.mark.parametrize("chosen", available(), ids=lambda b: b.name)
def test_every_back_end_of_this_cpu_can_be_asked_for(monkeypatch: pytest.MonkeyPatch, chosen: machine.Backend) -> None:
    monkeypatch.setenv(VARIABLE, chosen.name)
    assert backend() is chosen


def test_code_uses_optional_instructions_where_they_are() -> None:
    avx512 = next(b for b in BACKENDS if b.name == "avx512")
    assert set(avx512.features(frozenset())) == set(avx512.needs)
    assert set(avx512.features(units() | {"gfni"})) >= {*avx512.needs, "gfni"}
    assert "gfni" not in avx512.features(frozenset({"avx512vbmi"}))
