"""Files are whole or not there, whatever interrupts the writer."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from neurobin.errors import FormatError
from neurobin.files import read_text, write_atomic
from tests.processes import start


def test_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_atomic(path, [b"one", b"two"])
    assert path.read_bytes() == b"onetwo"
    write_atomic(path, iter([b"three"]))
    assert path.read_bytes() == b"three"
    assert list(tmp_path.iterdir()) == [path]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask  # as any other file of this user


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, MemoryError, ValueError])
@pytest.mark.parametrize("place", ["chunks", "fsync", "replace"])
def test_an_interrupt_leaves_the_old_file_and_nothing_else(
    stop: type[BaseException], place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise stop

    def chunks() -> Iterator[bytes]:
        yield b"new"
        if place == "chunks":
            fail()

    if place != "chunks":
        monkeypatch.setattr(os, place, fail)
    with pytest.raises(stop):
        write_atomic(path, chunks())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_ctrl_c_in_another_process(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from neurobin.files import write_atomic\n"
        "def chunks():\n  yield b'x' * 10**6\n  print('writing', flush=True)\n  time.sleep(30)\n"
        "write_atomic(Path(sys.argv[1]), chunks())"
    )
    child = start([sys.executable, "-c", code, str(tmp_path / "a")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert child.stdout is not None
    assert child.stdout.readline() == "writing\n"
    assert [p.name for p in tmp_path.iterdir() if not p.name.endswith(".tmp")] == []
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=10)
    assert child.returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_the_bytes_are_on_the_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    sync, move = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    def replace(source: Path, target: Path) -> None:
        assert source.parent == target.parent
        calls.append("replace")
        move(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write_atomic(tmp_path / "a", [b"x"])
    assert calls == ["file", "replace", "folder"]


def test_what_cannot_be_written(tmp_path: Path) -> None:
    cases = {
        tmp_path / "absent" / "a": "cannot be written: No such file or directory (try: check that the folder exists",
        tmp_path: "is not a regular file, and is not replaced",
        Path("/dev/null"): "is not a regular file, and is not replaced",
        tmp_path / "a\0": "a file name holds no NUL character",
        tmp_path / ("x" * 300): "cannot be written: File name too long",
    }
    for path, message in cases.items():
        with pytest.raises(FormatError) as error:
            write_atomic(path, [b"x"])
        assert message in str(error.value)
    assert Path("/dev/null").is_char_device()
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_atomic(tmp_path / "link", [b"new"])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_long_name_is_no_problem(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    write_atomic(path, [b"x"])
    assert path.read_bytes() == b"x"


def test_readers_see_one_or_the_other(tmp_path: Path) -> None:
    """A reader in a loop beside a writer in a loop never sees a mixture."""
    path = tmp_path / "a"
    write_atomic(path, [b"0" * 10_000])
    code = (
        "import sys; from pathlib import Path; from neurobin.files import write_atomic\n"
        "for k in range(60): write_atomic(Path(sys.argv[1]), [str(k % 10).encode() * 5_000] * 2)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(path)])
    deadline = time.monotonic() + 20
    while child.poll() is None and time.monotonic() < deadline:
        found = path.read_bytes()
        assert len(found) == 10_000
        assert len(set(found)) == 1
    assert child.wait(timeout=5) == 0


def test_text_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes("größe".encode())
    assert read_text(path, 7) == "größe"
    with pytest.raises(FormatError, match="is longer than 6 bytes"):
        read_text(path, 6)
    path.write_bytes(b"a\xff")
    with pytest.raises(FormatError, match="is not UTF-8 at byte 1"):
        read_text(path, 6)
