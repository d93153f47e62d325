"""Every peer computes the exact sums, or what its 8-bit outputs make of them; one that cannot run says how to install it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from benchmarks import bireal18
from benchmarks.claim import Options, hold
from benchmarks.contender import Contender, Peer, check, enter
from benchmarks.environments import ENVIRONMENTS, main
from benchmarks.machine_info import machine_info
from benchmarks.peers import PEERS
from benchmarks.peers.larq import Larq
from benchmarks.peers.onnxruntime_fp32 import OnnxRuntimeFp32
from benchmarks.peers.torch_fp32 import TorchFp32
from benchmarks.peers.torch_int8 import TorchInt8
from benchmarks.report import race_table, who
from benchmarks.requantise import Requantisation, requantisation
from benchmarks.workloads import ConvSpec, GemmSpec, conv_sums, gemm_sums
from neurobin.errors import MismatchError, UnsupportedError, UsageError

SLOW = (Larq,)  # TensorFlow takes three seconds to import
ALL = [pytest.param(kind, marks=pytest.mark.slow if issubclass(kind, SLOW) else (), id=kind.name) for kind in PEERS]


@pytest.fixture(params=ALL, scope="module")
def peer(request: pytest.FixtureRequest) -> Iterator[Peer]:
    made: Peer = request.param()
    if reason := made.missing():
        pytest.skip(f"{made.name}: {reason}")
    threads = torch.get_num_threads()
    yield made
    made.close()
    torch.set_num_threads(threads)


def prepared(peer: Peer, spec: ConvSpec | GemmSpec, operands: tuple[np.ndarray, np.ndarray]) -> Contender:
    try:
        return peer.conv(spec, *operands) if isinstance(spec, ConvSpec) else peer.gemm(spec, *operands)
    except UnsupportedError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("spec", [ConvSpec(32, 5), ConvSpec(160, 4, batch=2)], ids=lambda spec: spec.name)
def test_convolution(peer: Peer, spec: ConvSpec) -> None:
    operands = spec.operands(seed=3)
    contender = prepared(peer, spec, operands)
    check(contender, conv_sums(*operands))
    assert contender.output().dtype == np.int32
    assert "1 thread" in contender.description


@pytest.mark.parametrize("spec", [GemmSpec(7, 33, 64), GemmSpec(20, 16, 1500)], ids=lambda spec: spec.name)
def test_matrix_product(peer: Peer, spec: GemmSpec) -> None:
    operands = spec.operands(seed=4)
    contender = prepared(peer, spec, operands)
    check(contender, gemm_sums(*operands))
    assert contender.output().shape == (spec.m, spec.n)


def test_networks_of_two_libraries_agree() -> None:
    """On the same parameters; a sign that rounding turns over would show as a difference of 0.01 and more."""
    peers = TorchFp32(), OnnxRuntimeFp32()
    if reason := peers[1].missing():
        pytest.skip(reason)
    parameters, image = bireal18.random_parameters(seed=1), bireal18.random_image(seed=2)
    first, second = (peer.network(parameters, image).output() for peer in peers)
    assert first.shape == (bireal18.CLASSES,)
    assert np.abs(first).max() > 1
    np.testing.assert_allclose(first, second, atol=1e-4)


def test_exact_sums_by_definition() -> None:
    x, w = ConvSpec(3, 4).operands(seed=5)
    sums = conv_sums(x, w)
    for row, column, filter_ in np.ndindex(4, 4, 3):
        inside = [(i, j) for i in range(3) for j in range(3) if 0 <= row + i - 1 < 4 and 0 <= column + j - 1 < 4]
        terms = [int(x[0, row + i - 1, column + j - 1, c]) * int(w[filter_, i, j, c]) for i, j in inside for c in range(3)]
        assert sums[0, row, column, filter_] == sum(terms)


def test_requantisation_rounds_ties_to_even_and_clips() -> None:
    sums = np.array([-600, -6, -2, 0, 2, 6, 10, 600], np.int32)
    assert Requantisation(4.0)(sums).tolist() == [0, 126, 128, 128, 128, 130, 130, 255]
    assert requantisation(64).scale == 1


def test_threads_are_kept_whatever_others_set() -> None:
    threads = torch.get_num_threads()
    spec = GemmSpec(2, 2, 4)
    contender = TorchFp32(threads=2).gemm(spec, *spec.operands())
    torch.set_num_threads(1)
    contender.run()
    assert torch.get_num_threads() == 2
    assert "2 threads" in contender.description
    torch.set_num_threads(threads)


def test_the_quantized_engine_is_left_as_it_was() -> None:
    before = torch.backends.quantized.engine
    spec = GemmSpec(2, 2, 4)
    TorchInt8().gemm(spec, *spec.operands())
    assert torch.backends.quantized.engine == before


def test_absent_peers_are_named_with_their_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    for environment in ENVIRONMENTS.values():
        monkeypatch.setenv(environment.variable, "/nowhere/bin/python")
    monkeypatch.setattr("benchmarks.peers._onnx_session.find_spec", lambda name: None)
    spec = GemmSpec(2, 2, 4)
    entries = enter([kind() for kind in PEERS], lambda peer: peer.gemm(spec, *spec.operands()))
    assert {*entries.contenders, *entries.absent} == {kind.name for kind in PEERS}
    assert entries.absent["onnxruntime fp32"] == "not installed; pip install onnx onnxruntime"
    assert "NEUROBIN_LARQ_PYTHON names /nowhere/bin/python, which does not exist" in entries.absent["larq tuned"]
    assert entries.absent["bnn-lab"].endswith("run python -m benchmarks.environments bnnlab")


def test_workloads_that_a_peer_lacks_are_named() -> None:
    entries = enter([TorchInt8()], lambda peer: peer.network({}, np.zeros((1, 224, 224, 3), np.float32)))
    assert entries.absent == {"torch int8": "does not run whole networks"}


def test_a_wrong_sum_is_refused() -> None:
    sums = np.zeros((2, 3), np.int32)
    wrong = Contender("broken", "", lambda: None, lambda: sums + np.eye(2, 3, dtype=np.int32))
    with pytest.raises(MismatchError, match="broken: 2 of 6 integers differ from the exact sums"):
        check(wrong, sums)
    with pytest.raises(MismatchError, match=r"shape \(2, 3\), expected \(3, 2\)"):
        check(wrong, sums.T)


def test_table_names_everyone() -> None:
    spec = GemmSpec(8, 8, 64)
    race = hold(spec.name, [TorchFp32(), TorchInt8()], lambda peer: peer.gemm(spec, *spec.operands()), None, spec.macs,
                Options(2, 1e-4))  # fmt: skip
    assert race_table(race).startswith("**gemm 8x8x64**\n")
    assert all(race_table(race).count(name) == who(race.descriptions).count(f"- {name}:") == 1 for name in race.timings)


def test_machine_info_is_json() -> None:
    info = json.loads(json.dumps(machine_info(threads=1)))
    assert info["cpu"]
    assert info["packages"]["torch"] == torch.__version__
    assert set(info["environments"]) == set(ENVIRONMENTS)


def test_unknown_environments_are_refused() -> None:
    with pytest.raises(UsageError, match=r"no environment 'lrq' \(try: larq or bnnlab\)"):
        main(["lrq"])
