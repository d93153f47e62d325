"""Checkpoints: never half written, never of another run, and never anything but what was written."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from neurobin.errors import FormatError, UsageError
from neurobin.methods import Method, Recipe, load_method
from neurobin.recipes.optimizers import BopAndAdam
from neurobin.train import Dataset, train_on
from neurobin.train.checkpoint import Identity, State, load

CORRUPTIONS = 700


@pytest.fixture
def file(few: Dataset, noisy: Method, tmp_path: Path) -> Path:
    """The checkpoint of `noisy` after its only epoch."""
    train_on(noisy, few, epochs=1, checkpoint=tmp_path / "run.pt", progress=False)
    return tmp_path / "run.pt"


def identity(file: Path) -> Identity:
    return Identity(**torch.load(file, weights_only=True)["identity"])


def bits(part: object) -> object:
    """Part of a state, comparable with `==` bit by bit."""
    if isinstance(part, torch.Tensor):
        return str(part.dtype), tuple(part.shape), part.numpy().tobytes()
    if isinstance(part, dict):
        return {key: bits(value) for key, value in part.items()}
    return [bits(value) for value in part] if isinstance(part, list) else part


def test_interruption_while_writing_keeps_the_last_checkpoint(
    few: Dataset, noisy: Method, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "run.pt"
    writes = 0

    def interrupted(source: str, target: Path) -> None:
        nonlocal writes
        writes += 1
        if writes == 3:
            raise KeyboardInterrupt
        Path(source).rename(target)

    monkeypatch.setattr("neurobin.files.os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_on(noisy, few, checkpoint=file, progress=False)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["run.pt"]
    assert torch.load(file, weights_only=True)["epoch"] == 2


def test_a_checkpoint_of_another_run_is_refused(few: Dataset, noisy: Method, file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(UsageError, match="another run: seed 0 instead of 1"):
        train_on(noisy, few, seed=1, epochs=1, checkpoint=file, progress=False)
    with pytest.raises(UsageError, match="epochs 1 instead of 2"):
        train_on(noisy, few, epochs=2, checkpoint=file, progress=False)
    wider = replace(noisy, recipe=replace(noisy.recipe, lr=1.0))
    with pytest.raises(UsageError, match="recipe"):
        train_on(wider, few, epochs=1, checkpoint=file, progress=False)
    other = replace(noisy, build=load_method("bnn").build)
    with pytest.raises(UsageError, match="another run: network"):
        train_on(other, few, epochs=1, checkpoint=file, progress=False)
    assert file.read_bytes() == before


def test_a_recipe_with_an_address_has_no_identity(few: Dataset, noisy: Method) -> None:
    def adam(module: torch.nn.Module, recipe: Recipe) -> tuple[torch.optim.Optimizer, ...]:
        return (torch.optim.Adam(module.parameters(), lr=recipe.lr),)

    for optimizer in (adam, lambda module, recipe: adam(module, recipe)):
        recipe = replace(noisy.recipe, optimizer=optimizer)
        with pytest.raises(UsageError, match=r"^noisy: .* an address in memory, .*\(try: a frozen dataclass"):
            train_on(replace(noisy, recipe=recipe), few, epochs=1, progress=False)
    Identity("a", "b", 0, 1, repr(replace(noisy.recipe, optimizer=BopAndAdam(gamma=0.5))), "")


def test_a_flipped_bit_in_a_weight_is_seen(file: Path) -> None:
    kept, known = torch.load(file, weights_only=True), identity(file)
    whole = bytearray(file.read_bytes())
    whole[whole.index(kept["module"]["dense.weight"].numpy().tobytes()) + 123] ^= 1
    file.write_bytes(whole)
    unseen = torch.load(file, weights_only=True)["module"]["dense.weight"]  # torch itself does not complain
    assert (unseen != kept["module"]["dense.weight"]).sum() == 1
    with pytest.raises(FormatError, match=r"run\.pt: not a whole checkpoint: its part .*/data/\d+ is not what was written"):
        load(file, known)


def test_a_part_marked_as_a_folder_is_seen(file: Path) -> None:
    """torch would take it for empty, and give tensors of whatever the memory held."""
    whole, known = file.read_bytes(), identity(file)
    place, entries = whole.index(b"PK\x01\x02"), 0
    while place >= 0:
        marked = bytearray(whole)
        marked[place + 38] |= 0x10  # the external attributes of an entry in the central directory
        file.write_bytes(marked)
        with pytest.raises(FormatError, match="is not what was written"):
            load(file, known)
        place, entries = whole.find(b"PK\x01\x02", place + 1), entries + 1
    assert entries > 20


def flip(raw: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 3))):
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)


def flip_in_directory(raw: bytearray, rng: random.Random) -> None:
    raw[rng.randrange(raw.index(b"PK\x01\x02"), len(raw))] ^= 1 << rng.randrange(8)


def flip_in_pickle(raw: bytearray, rng: random.Random) -> None:
    raw[rng.randrange(2500)] ^= 1 << rng.randrange(8)


def overwrite(raw: bytearray, rng: random.Random) -> None:
    start, length = rng.randrange(len(raw)), rng.choice((1, 4, 64, 512))
    raw[start : start + length] = rng.randbytes(length)


def cut_out(raw: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(raw))
    del raw[start : start + rng.choice((1, 2, 64, 4096))]


def put_in(raw: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(raw))
    raw[start:start] = rng.randbytes(rng.choice((1, 8, 100)))


def truncate(raw: bytearray, rng: random.Random) -> None:
    del raw[rng.randrange(len(raw)) :]


DAMAGES = (flip, flip_in_directory, flip_in_pickle, overwrite, cut_out, put_in, truncate)


def damaged_or_read(file: Path, known: Identity) -> FormatError | State:
    try:
        return load(file, known)
    except FormatError as error:
        return error


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_random_damage_is_refused_or_harmless(file: Path, damage: Callable[[bytearray, random.Random], None]) -> None:
    """Times of day, paddings and the like carry nothing: whatever is still read must be what was written."""
    whole, known, rng = file.read_bytes(), identity(file), random.Random(damage.__name__)
    written, refused, rounds = bits(vars(load(file, known))), 0, CORRUPTIONS // len(DAMAGES)
    for _ in range(rounds):
        raw = bytearray(whole)
        damage(raw, rng)
        file.write_bytes(raw)
        read = damaged_or_read(file, known)
        if isinstance(read, FormatError):
            assert (read.where, read.hint) == (str(file), "remove it, or take another file name")
            assert read.what.startswith("not a whole checkpoint: ")
            refused += 1
        else:
            assert bits(vars(read)) == written
    assert refused > rounds / 3


def test_what_is_no_checkpoint_is_refused(file: Path) -> None:
    whole, known = file.read_bytes(), identity(file)
    buffers = {name: io.BytesIO() for name in ("list", "pickle", "old")}
    torch.save([1, 2], buffers["list"])
    torch.save({"anything": Path("a")}, buffers["pickle"])
    torch.save({"schema": "a"}, buffers["old"], _use_new_zipfile_serialization=False)
    for content, message in (
        (b"", "not a whole checkpoint"),
        (b"hello", "not a whole checkpoint: File is not a zip file"),
        (whole[: len(whole) // 2], "not a whole checkpoint"),
        (buffers["pickle"].getvalue(), "not a whole checkpoint: it holds more than tensors and plain values"),
        (buffers["old"].getvalue(), "not a whole checkpoint"),
        (buffers["list"].getvalue(), "expected schema neurobin.checkpoint/2, got 'list'"),
    ):
        file.write_bytes(content)
        with pytest.raises(FormatError, match=message) as caught:
            load(file, known)
        assert (caught.value.where, caught.value.hint) == (str(file), "remove it, or take another file name")
    file.unlink()
    file.mkdir()
    with pytest.raises(FormatError, match="not a whole checkpoint: cannot be read: Is a directory"):
        load(file, known)


def adam(kept: dict, **changes: object) -> list[dict]:
    """The only optimizer's state dict, changed."""
    return [kept["optimizers"][0] | changes]


WRONG: dict[str, tuple[Callable[[dict], dict], str]] = {
    "a newer schema": (lambda kept: {"schema": "neurobin.checkpoint/9"}, "expected schema .*, got 'neurobin.checkpoint/9'"),
    "no identity": (lambda kept: {"identity": None}, "does not say which run it belongs to: None"),
    "no epoch": (lambda kept: {"epoch": None}, "missing or of the wrong kind: 'epoch'"),
    "half an epoch": (lambda kept: {"epoch": 0.5}, "missing or of the wrong kind: 'epoch'"),
    "too many epochs": (lambda kept: {"epoch": 99}, "expected 0 to 1 epochs, got epoch 99"),
    "fewer than no epochs": (lambda kept: {"epoch": -3}, "expected 0 to 1 epochs, got epoch -3"),
    "a history of another length": (lambda kept: {"history": []}, "got epoch 1 with 0 entries of history"),
    "a history of words": (lambda kept: {"history": [{"loss": "low"}]}, "wrong kind: 'history'"),
    "a module of numbers": (lambda kept: {"module": {"conv.weight": 1}}, "wrong kind: 'module'"),
    "no modules": (lambda kept: {"module": {}}, "does not fit the network: Error"),
    "numbers as optimizers": (lambda kept: {"optimizers": [1]}, "wrong kind: 'optimizers'"),
    "an empty optimizer": (lambda kept: {"optimizers": [{}]}, "wrong kind: 'optimizers'"),
    "numbers as groups": (lambda kept: {"optimizers": adam(kept, param_groups=[1, 2])}, "wrong kind: 'optimizers'"),
    "no optimizers": (lambda kept: {"optimizers": []}, "does not fit the network: zip"),
    "one group": (lambda kept: {"optimizers": adam(kept, param_groups=kept["optimizers"][0]["param_groups"][:1])}, "group"),
    "no rate": (
        lambda kept: {"optimizers": adam(kept, param_groups=[{"params": g["params"]} for g in groups_of(kept)])},
        "does not fit the network: an optimizer's .*lr.* is missing",
    ),
    "a moment of another shape": (
        lambda kept: {"optimizers": adam(kept, state={0: kept["optimizers"][0]["state"][0] | {"exp_avg": torch.zeros(3)}})},
        "does not fit the network: an optimizer's exp_avg has not the shape of its parameter",
    ),
    "a stranger's moment": (
        lambda kept: {"optimizers": adam(kept, state={99: {"exp_avg": torch.zeros(3)}})},
        "does not fit the network: an optimizer's exp_avg has not the shape",
    ),
}


def groups_of(kept: dict) -> list[dict]:
    return kept["optimizers"][0]["param_groups"]


@pytest.mark.parametrize("what", WRONG)
def test_what_no_run_writes_is_refused(few: Dataset, noisy: Method, file: Path, what: str) -> None:
    change, message = WRONG[what]
    kept = torch.load(file, weights_only=True)
    torch.save(kept | change(kept), file)
    with pytest.raises(FormatError, match=message) as caught:
        train_on(noisy, few, epochs=1, checkpoint=file, progress=False)
    assert (caught.value.where, caught.value.hint) == (str(file), "remove it, or take another file name")


def test_a_folder_that_is_not_there(few: Dataset, noisy: Method, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot be written"):
        train_on(noisy, few, epochs=1, checkpoint=tmp_path / "absent" / "run.pt", progress=False)
