"""Weights of a known architecture from torch archives and safetensors files: taken exactly, or refused with every reason."""

from __future__ import annotations

import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from neurobin.errors import FormatError, UnsupportedError, UsageError
from neurobin.exec import reference
from neurobin.frontend.limits import DEFAULT
from neurobin.frontend.state_dict import load_weights
from neurobin.nets import published
from neurobin.zoo.untrained import untrained, with_weights


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


def fresh(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return network()


SAVERS = {
    "torch": lambda state, path: torch.save(state, path),
    "wrapped": lambda state, path: torch.save({"epoch": 3, "state_dict": state}, path),
    "parallel": lambda state, path: torch.save({f"module.{name}": tensor for name, tensor in state.items()}, path),
    "safetensors": save_file,
}


@pytest.mark.parametrize("kind", SAVERS)
def test_tensors_arrive_as_they_were_written(kind, tmp_path):
    one, other = fresh(1), fresh(2)
    SAVERS[kind](one.state_dict(), tmp_path / "weights")
    load_weights(other, tmp_path / "weights")
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in one.state_dict().items())


def test_half_precision_is_read(tmp_path):
    one, other = fresh(1).half(), fresh(2)
    save_file(one.state_dict(), tmp_path / "weights")
    load_weights(other, tmp_path / "weights")
    assert torch.equal(one[0].weight.float(), other[0].weight)


def test_an_architecture_with_a_files_weights_is_that_network(tmp_path):
    torch.save(published.build("tfc", seed=7).state_dict(), tmp_path / "tfc.pt")
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28, 1))
    found = with_weights("tfc", tmp_path / "tfc.pt")
    assert "untrained" not in found.meta
    assert np.array_equal(reference.run(found, images), reference.run(untrained("tfc", seed=7), images))
    with pytest.raises(UsageError, match="no architecture 'tcf'"):
        with_weights("tcf", tmp_path / "tfc.pt")


def changed(**tensors: torch.Tensor | None):
    state = {**fresh(1).state_dict(), **{name.replace("_", ".", 1): tensor for name, tensor in tensors.items()}}
    return {name: tensor for name, tensor in state.items() if tensor is not None}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (changed(**{"0_weight": None, "1_bias": None}), r"2 missing \(0.weight, 1.bias\)"),
        (changed(more=torch.zeros(1)), r"1 unknown \(more\)"),
        (changed(**{"0_weight": torch.zeros(2, 4)}), r"0.weight is \[2, 4\] instead of \[2, 3\]"),
        (changed(**{"0_weight": torch.full((2, 3), torch.nan)}), "0.weight holds NaN or infinity"),
        (changed(**{"1_running_var": torch.tensor([1.0, -1.0])}), "running_var holds negative variances"),
        (changed(**{"0_weight": torch.zeros(2, 3, dtype=torch.int32)}), "0.weight is of type torch.int32"),
        (changed(**{"0_weight": torch.zeros(2, 3, dtype=torch.float8_e4m3fn)}), "0.weight is of type torch.float8"),
        (changed(**{"0_weight": torch.zeros(2, 3, dtype=torch.complex64)}), "0.weight is of type torch.complex64"),
        (changed(**{"0_weight": torch.zeros(2, 3).to_sparse()}), "a tensor is sparse"),
        (changed(**{"0_weight": torch.zeros(1).expand(2**20, 2**20)}), "the number of elements in shape"),
        ({name: torch.zeros(1) for name in "abcdefgh"}, r"8 unknown \(a, b, c, d, e, ...\)"),
        ({"state_dict": [1, 2]}, "expected tensors by name"),
        ([torch.zeros(1)], "expected tensors by name"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_copied(state, message, tmp_path):
    torch.save(state, tmp_path / "weights")
    module = fresh(2)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(FormatError, match=message):
        load_weights(module, tmp_path / "weights")
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())


class Runs:
    """What runs code when it is unpickled."""

    def __reduce__(self):
        return (print, ("code from a file",))


def test_no_code_of_a_file_is_run(tmp_path, capsys):
    torch.save({"0.weight": Runs()}, tmp_path / "archive")
    (tmp_path / "pickle").write_bytes(pickle.dumps(Runs()))
    with pytest.raises(FormatError, match="more than tensors and plain values"):
        load_weights(fresh(1), tmp_path / "archive")
    with pytest.raises(UnsupportedError, match="Python pickle"):
        load_weights(fresh(1), tmp_path / "pickle")
    assert "code from a file" not in capsys.readouterr().out


def test_an_archive_that_unpacks_to_more_than_itself_is_refused(tmp_path):
    torch.save(fresh(1).state_dict(), tmp_path / "weights")
    with zipfile.ZipFile(tmp_path / "weights") as old, zipfile.ZipFile(tmp_path / "bomb", "w") as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry), zipfile.ZIP_DEFLATED)
    with pytest.raises(FormatError, match="is compressed"):
        load_weights(fresh(1), tmp_path / "bomb")


def test_limits_folders_and_what_is_not_there(tmp_path):
    torch.save(fresh(1).state_dict(), tmp_path / "weights")
    with pytest.raises(FormatError, match="limit file_bytes is 100 "):
        load_weights(fresh(1), tmp_path / "weights", replace(DEFAULT, file_bytes=100))
    with pytest.raises(FormatError, match="directory"):
        load_weights(fresh(1), tmp_path)
    with pytest.raises(FormatError, match="no such file"):
        load_weights(fresh(1), tmp_path / "other")


@pytest.mark.parametrize("kind", ["torch", "safetensors"])
def test_any_damage_is_told(kind, tmp_path):
    """A changed byte is refused or changes a tensor's value; nothing else is raised. Every byte cut off is noticed."""
    SAVERS[kind](fresh(1).state_dict(), tmp_path / "whole")
    whole, rng = (tmp_path / "whole").read_bytes(), np.random.default_rng(0)
    refused = 0
    for index in range(300):
        data = bytearray(whole)
        if index % 3:
            data[rng.integers(len(data))] = rng.integers(256)
        else:
            del data[rng.integers(len(data)) :]
        (tmp_path / "damaged").write_bytes(data)
        try:
            load_weights(fresh(2), tmp_path / "damaged")
        except (FormatError, UnsupportedError):
            refused += 1
        else:
            assert index % 3 or len(data) == len(whole)
    assert refused >= 100
