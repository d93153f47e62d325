"""Weights of a known architecture from a file of tensors: what `torch.save(net.state_dict(), ...)` or safetensors wrote.

The file names no layers and brings no code; which network the tensors belong to is said by whoever has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor, nn

from neurobin.errors import FormatError, NeurobinError, UnsupportedError
from neurobin.files import open_regular
from neurobin.frontend.limits import DEFAULT, Limits
from neurobin.ir.text import shown
from neurobin.nn.torch_file import first_line, read_torch_file

NAMED = 5  # at most so many names are said one by one
_WRAPPERS = ("state_dict", "model", "model_state_dict")  # under these, training scripts keep it beside other things
_REAL = {torch.float16, torch.bfloat16, torch.float32, torch.float64}
_PARALLEL = "module."  # what torch's data parallel wrapper puts before every name


def load_weights(module: nn.Module, path: Path, limits: Limits = DEFAULT) -> None:
    """Copy the tensors of a file into `module`, each by its name.

    Raises FormatError for what is no file of tensors, for names and shapes that are not the module's (all at once), for NaN,
    infinity and negative variances; then nothing was copied. UnsupportedError for a pickle outside torch's archive.
    """
    found = _read(path, limits)
    wanted = module.state_dict()
    if found and all(name.startswith(_PARALLEL) for name in found):
        found = {name.removeprefix(_PARALLEL): tensor for name, tensor in found.items()}
    problems = [*_names(wanted, found), *_values(wanted, found)]
    if problems:
        what = f"not the weights of this network: {'; '.join(problems)}"
        raise FormatError(what, where=shown(str(path)), hint="are they of another architecture or stem?")
    module.load_state_dict(found)


def _read(path: Path, limits: Limits) -> Mapping[str, Tensor]:
    """The tensors of a file by name, recognised by its content."""
    where = shown(str(path))
    try:
        with open_regular(path) as file:
            limits.check("file_bytes", file.seek(0, 2), "the size of the file in bytes")
            file.seek(0)
            kept = _tensors(file)
    except NeurobinError as error:
        raise type(error)(error.what, where=where, hint=error.hint) from None
    except SafetensorError as error:
        raise FormatError(f"not a whole safetensors file: {first_line(error)}", where=where) from None
    except Exception as error:  # zipfile, the unpickler and torch's storages raise whatever a wrong byte leads them to
        raise FormatError(f"not a file of tensors: {first_line(error)}", where=where) from None
    for name, tensor in kept.items():
        limits.check_tensor(tensor.shape, np.dtype(np.float64), f"{where}: {shown(name)}")
    return kept


def _tensors(file: BinaryIO) -> Mapping[str, Tensor]:
    """Raises UnsupportedError for a pickle, and whatever the libraries raise."""
    head = file.read(9)
    file.seek(0)
    if head[8:] == b"{":
        return load_safetensors(file.read())
    if head[:1] == b"\x80":
        hint = "write it anew: torch.save(net.state_dict(), ...) makes an archive of tensors"
        raise UnsupportedError("is a Python pickle, which may run code", hint=hint)
    return _state_dict(file)


def _state_dict(file: BinaryIO) -> dict[str, Tensor]:
    """The state dict in a torch archive. Raises FormatError when there is none."""
    kept = read_torch_file(file)
    if isinstance(kept, dict):
        kept = next((kept[name] for name in _WRAPPERS if isinstance(kept.get(name), dict)), kept)
    if not isinstance(kept, dict) or not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in kept.items()):
        raise FormatError("expected tensors by name, as torch.save(net.state_dict(), ...) writes them")
    if any(tensor.layout != torch.strided or tensor.is_quantized for tensor in kept.values()):
        raise FormatError("a tensor is sparse or quantized")
    return kept


def _names(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[str]:
    missing, unknown = [n for n in wanted if n not in found], [n for n in found if n not in wanted]
    wrong = [
        f"{shown(name)} is {list(found[name].shape)} instead of {list(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in found and found[name].shape != tensor.shape
    ]
    lists = (("missing", missing), ("unknown", [shown(name) for name in unknown]), ("of another shape", wrong))
    return [f"{len(names)} {what} ({', '.join(islice(names, NAMED))}{', ...' * (len(names) > NAMED)})"
            for what, names in lists if names]  # fmt: skip


def _values(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[str]:
    """What no weight is; names that are not the network's are told already."""
    problems = []
    for name in wanted.keys() & found.keys():
        tensor = found[name]
        if (tensor.dtype in _REAL) != (wanted[name].dtype in _REAL) or tensor.is_complex():
            problems.append(f"{shown(name)} is of type {tensor.dtype}")
        elif not bool(torch.isfinite(tensor).all()):
            problems.append(f"{shown(name)} holds NaN or infinity")
        elif name.endswith("running_var") and bool((tensor < 0).any()):
            problems.append(f"{shown(name)} holds negative variances")
    return sorted(problems)[:NAMED]
