"""Every hostile file is refused as its table says; damaged ones give a graph or a refusal, nothing else, and soon."""

from __future__ import annotations

import gzip
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("h5py", reason="needs the h5py package: pip install h5py")

from neurobin.errors import FormatError, NeurobinError
from neurobin.frontend.load import load
from tests.frontend.keras.build import small, write
from tests.frontend.keras.hostile_files import FILES
from tests.frontend.keras.hostile_layers import LAYERS

SECONDS = 10
TABLE = FILES | LAYERS


@pytest.mark.parametrize("name", TABLE)
def test_a_hostile_file_is_refused(name, tmp_path):
    case, begin = TABLE[name], time.process_time()
    path = case.make(tmp_path)
    with pytest.raises(NeurobinError) as refused:
        load(path)
    assert case.words in str(refused.value)
    assert refused.value.exit_code == case.code
    assert str(path) in str(refused.value)
    assert len(str(refused.value)) < 2000
    assert "\n" not in str(refused.value)
    assert time.process_time() - begin < SECONDS


def test_what_they_were_made_of_is_no_hostile_file(tmp_path):
    assert load(write(tmp_path / "net.h5", *small())).nodes


@pytest.mark.parametrize("first", [None, "", "as a path"])
def test_nothing_is_imported_from_the_folder_of_a_file(first, tmp_path, monkeypatch):
    """Python looks into the folder it is called in first, unless it is told not to; `python -m` puts it into its path."""
    write(tmp_path / "net.h5", *small())
    for name in ("h5py", "numpy", "json", "neurobin"):
        (tmp_path / f"{name}.py").write_text("open('imported', 'w').close()")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*([] if first is None else [first and str(tmp_path)]), *sys.path])
    assert load(Path("net.h5")).nodes
    assert not (tmp_path / "imported").exists()


@pytest.mark.slow
def test_a_file_that_leads_the_library_in_circles_is_given_up(tmp_path):
    """Three changed bytes of a good file, found by `mutate`: the library never returns from it."""
    path = tmp_path / "endless.h5"
    path.write_bytes(gzip.decompress((Path(__file__).parent / "endless.h5.gz").read_bytes()))
    with pytest.raises(FormatError):
        load(path)
