"""Machine code from LLVM text, compiled once per machine type and kept on disk.

A kernel's file is named after everything its code depends on: the text, the instruction sets, LLVM's version. Files are
written under another name and renamed, so processes never see half of one, and begin with a digest, so a damaged one is
compiled again. Where the folder cannot be written, or others can write to it, code lives as long as the process.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from neurobin.exec.kernels.machine import Backend, units

SYMBOL = "kernel"
_DIGEST_BYTES = 32
_SCHEMA = 1


def cache_folder() -> Path:
    """Where compiled kernels are kept: `NEUROBIN_CACHE`, else the user's cache folder."""
    chosen = os.environ.get("NEUROBIN_CACHE")
    base = Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neurobin"
    return base / "kernels"


class Compiler:
    """Compiles for one back end. `compiled` and `loaded` count the kernels made anew and taken from disk."""

    def __init__(self, backend: Backend) -> None:
        from llvmlite import binding

        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        self._llvm = binding
        self.features = ",".join(f"+{name}" for name in backend.features(units()))
        self._triple = binding.get_process_triple()
        self._machine = self._target()
        self._engines: list[Any] = []  # an engine's code lives as long as the engine
        self._addresses: dict[str, int] = {}
        self.compiled = self.loaded = 0

    def _target(self) -> Any:
        target = self._llvm.Target.from_triple(self._triple)
        return target.create_target_machine(features=self.features, opt=3, codemodel="jitdefault")

    def address(self, text: str) -> int:
        """The address of the function `kernel` of the module `text`."""
        key = self._key(text)
        if key not in self._addresses:
            code = _read(key)
            if code is None:
                code = self._compile(text)
                _write(key, code)
                self.compiled += 1
            else:
                self.loaded += 1
            self._addresses[key] = self._load(code)
        return self._addresses[key]

    def assembly(self, text: str) -> str:
        """The assembly of a module, for tests and curiosity."""
        return str(self._machine.emit_assembly(self._optimised(text)))

    def _key(self, text: str) -> str:
        import llvmlite

        parts = (str(_SCHEMA), llvmlite.__version__, str(self._llvm.llvm_version_info), self._triple, self.features, text)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _optimised(self, text: str) -> Any:
        module = self._llvm.parse_assembly(text)
        module.triple = self._triple
        module.verify()
        options = self._llvm.create_pipeline_tuning_options(speed_level=3)
        options.loop_vectorization = options.slp_vectorization = False  # vectors are explicit
        options.loop_unrolling = False
        self._llvm.create_pass_builder(self._machine, options).getModulePassManager().run(
            module, self._llvm.create_pass_builder(self._machine, options)
        )
        return module

    def _compile(self, text: str) -> bytes:
        return bytes(self._machine.emit_object(self._optimised(text)))

    def _load(self, code: bytes) -> int:
        empty = self._llvm.parse_assembly("")
        empty.triple = self._triple
        engine = self._llvm.create_mcjit_compiler(empty, self._target())  # the engine owns its target machine
        engine.add_object_file(self._llvm.object_file.ObjectFileRef.from_data(code))
        engine.finalize_object()
        self._engines.append(engine)
        return int(engine.get_function_address(SYMBOL))


@cache
def compiler(backend: Backend) -> Compiler:
    """The process's compiler for a back end."""
    return Compiler(backend)


def _is_ours(folder: Path) -> bool:
    """Whether nobody but this user can put code into a folder."""
    if not hasattr(os, "getuid"):
        return True
    state = folder.stat()
    return state.st_uid == os.getuid() and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _read(key: str) -> bytes | None:
    """The code of a kernel, or None when there is no sound file of it."""
    try:
        folder = cache_folder()
        raw = (folder / key).read_bytes() if _is_ours(folder) else b""
    except (OSError, RuntimeError):  # the latter for users without a home
        return None
    digest, code = raw[:_DIGEST_BYTES], raw[_DIGEST_BYTES:]
    return code if hashlib.sha256(code).digest() == digest else None


def _write(key: str, code: bytes) -> None:
    """Keeps the code of a kernel; a folder that cannot be written is no error."""
    try:
        folder = cache_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder)
    except (OSError, RuntimeError):
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(code).digest() + code)
        os.replace(name, folder / key)
    except OSError:
        os.unlink(name)
