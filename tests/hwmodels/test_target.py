"""Every chip: found by its file name, complete, sourced, and all faults of a bad file at once."""

from __future__ import annotations

import os
import re
import tomllib

import numpy as np
import pytest

from hwmodels.target import CHIPS, chip_names, constants, families, load_target
from neurobin.errors import DoesNotFitError, FormatError, UsageError
from neurobin.exec import reference
from neurobin.exec.activity import measure
from neurobin.ir import BINARY
from tests.networks import binary_convnet, images, residual_convnet

NETWORKS = {
    "plain": binary_convnet(),
    "spikes": binary_convnet(1, dtype=BINARY),
    "ones": binary_convnet(2, channels=12, pad_value=1),
    "residual": residual_convnet(),
}


@pytest.mark.parametrize("chip", chip_names())
def test_every_constant_has_a_source_and_a_range(chip):
    target = load_target(chip)
    assert target.name == chip
    found = constants(target.chip)
    assert found
    for path, constant in found.items():
        assert len(constant.source) > 10, path
        assert constant.low <= constant.value <= constant.high


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("chip", chip_names())
def test_mapped_execution_gives_the_reference_integers(chip, network):
    graph = NETWORKS[network]
    target = load_target(chip)
    x = images(graph, 12)
    issues = target.check(graph)
    if issues:
        with pytest.raises(DoesNotFitError) as caught:
            target.map(graph)
        assert caught.value.reasons == [str(issue) for issue in issues]
        assert caught.value.exit_code == 4
        return
    mapping = target.map(graph)
    assert np.array_equal(target.execute(mapping, x), reference.run(graph, x))
    activity = measure(graph, x)
    report = target.estimate(mapping, activity)
    trace = target.simulate(mapping, activity)
    assert report.latency_low_s <= report.latency_s <= report.latency_high_s
    assert trace.latency_s >= report.latency_low_s * (1 - 1e-12)
    assert mapping.resources[0].used <= mapping.resources[0].capacity
    for span in mapping.spans:
        assert 0 <= span.first <= span.last < len(mapping.steps)
    nodes = {node.name for node in graph.nodes} | set(mapping.steps)
    assert {row.node for row in report.rows if not row.node.startswith("(")} <= nodes
    for resource in range(len(trace.resources)):
        chosen = trace.resource == resource
        order = np.argsort(trace.start[chosen], kind="stable")
        assert (trace.stop[chosen][order][:-1] <= trace.start[chosen][order][1:]).all()  # events of a resource never overlap


def test_at_least_one_chip_of_every_family():
    assert {load_target(name).chip.family for name in chip_names()} == set(families())


def test_unknown_chips_get_the_nearest_name():
    with pytest.raises(UsageError, match="try: 'truenorth'"):
        load_target("truenorht")


def test_overrides_show_in_the_source():
    changed = load_target("stm32l4r5", {"supply": 3.0})
    supply = constants(changed.chip)["supply"]
    assert (supply.value, supply.low, supply.high, supply.status) == (3.0, 3.0, 3.0, "assumed")
    assert "command line" in supply.source
    with pytest.raises(UsageError, match="no constant 'suply'"):
        load_target("stm32l4r5", {"suply": 3.0})


@pytest.mark.parametrize("chip", ["truenorth", "stm32l4r5", "bismo_8x256x8"])
def test_all_faults_of_a_chip_file_at_once(chip, tmp_path):
    text = (CHIPS / f"{chip}.toml").read_text(encoding="utf-8")
    first, second = list(constants(load_target(chip).chip))[:2]
    data = tomllib.loads(text)

    def entry(path: str) -> dict:
        found = data
        for part in path.split("."):
            found = found[part]
        return found

    unit = entry(second)["unit"]
    assert unit
    lines = text.splitlines()
    key = first.split(".")[-1]
    broken = tmp_path / "broken.toml"
    kept = [line for line in lines if not line.startswith(f"{key} =") and not line.startswith(f"{key}=")]
    broken.write_text("\n".join(kept).replace(f'unit = "{unit}"', 'unit = "furlong"'), encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        load_target(str(broken))
    assert "expected a value in" in str(caught.value)
    assert "furlong" in str(caught.value)


def test_a_chip_is_one_file(tmp_path):
    text = (CHIPS / "stm32l4r5.toml").read_text(encoding="utf-8").replace('name = "stm32l4r5"', 'name = "mine"')
    chip = tmp_path / "mine.toml"
    chip.write_text(text, encoding="utf-8")
    target = load_target(str(chip))
    assert target.name == "mine"
    assert target.map(NETWORKS["plain"]).steps


@pytest.mark.parametrize(
    ("content", "message"),
    [("family = 'abacus'", "family is 'abacus', expected one of"), ("family = ", "is not TOML"), ("", "family is None")],
)
def test_damaged_chip_files(content, message, tmp_path):
    chip = tmp_path / "broken.toml"
    chip.write_text(content, encoding="utf-8")
    with pytest.raises(FormatError, match=message):
        load_target(str(chip))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: "x." * 20_000 + "x = 1\n" + text, "a key of more than 16 parts"),
        (lambda text: "x = {" + "'x' . " * 9_000 + "x = 1}\n" + text, "a key of more than 16 parts"),
        (lambda text: "x = " + "[" * 10_000 + "]" * 10_000 + "\n" + text, "nested too deeply"),
        (lambda text: text.replace("120000000.0", "9" * 5000, 1), "is not TOML"),
        (lambda text: text + "#" * 2**17, "longer than"),
        (lambda text: text.replace("schema_version = 1", "schema_version = 99"), "schema_version: Input should be 1"),
        (
            lambda text: text.replace("value = 120000000.0", 'value = "120000000.0"'),
            "clock.value: Input should be a valid number",
        ),
        (lambda text: text.replace("value = 1.8", "value = true"), "supply.value: Input should be a valid number"),
        (lambda text: text.replace("high = 120000000.0", "high = 1e300"), "expected figures up to 1e+12"),
        (lambda text: text.replace("value = 120000000.0", "value = nan"), "must be finite"),
    ],
)
def test_a_hostile_chip_file_is_refused(tmp_path, change, words):
    path = tmp_path / "mine.toml"
    path.write_text(change((CHIPS / "stm32l4r5.toml").read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(FormatError, match=re.escape(words)) as caught:
        load_target(str(path))
    assert str(path) in str(caught.value)


def test_a_chip_file_that_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    for name in ("pipe", "zero", "folder", "loop", "absent"):
        with pytest.raises(FormatError, match=name):
            load_target(str(tmp_path / f"{name}.toml"))


@pytest.mark.parametrize(
    ("chip", "path", "value", "words"),
    [
        ("truenorth", "structure.axons", 1, "two axons"),
        ("truenorth", "structure.axon_types", 1, "two axons"),
        ("truenorth", "structure.potential_bits", 8, "cannot hold the sum of 256 axons"),
        ("truenorth", "structure.cores_x", 1e9, "from 1 to 65536"),
        ("truenorth", "timing.tick", 0, "expected a positive range"),
        ("truenorth", "energy.reference_voltage", 0, "expected a positive range"),
        ("bismo_8x256x8", "area.bram_depth", 0, "at least 1"),
        ("bismo_8x256x8", "array.accumulator", 1e9, "at most 64 bit"),
    ],
)
def test_a_constant_that_makes_no_chip_is_refused(chip, path, value, words):
    with pytest.raises(FormatError, match=words):
        load_target(chip, {path: value})


def test_axon_types_beyond_those_in_use_change_nothing():
    graph = NETWORKS["plain"]
    target = load_target("truenorth", {"structure.axon_types": 7})
    x = images(graph, 4)
    assert np.array_equal(target.execute(target.map(graph), x), reference.run(graph, x))
