"""Chip files: complete, in the right units, and refused with every fault at once."""

from __future__ import annotations

import pytest

from hwmodels.sourced import Sourced
from hwmodels.target import constants, load_target
from hwmodels.truenorth import TrueNorthTarget
from hwmodels.truenorth.chip import scaled_to
from neurobin.errors import FormatError
from tests.hwmodels.truenorth.nets import chip_data


@pytest.mark.parametrize("name", ["truenorth", "truenorth_1v0"])
def test_every_constant_has_unit_range_and_source(name: str) -> None:
    found = constants(load_target(name).chip)
    assert {"structure.axons", "timing.tick", "energy.static_power", "energy.event_exponent"} <= set(found)
    assert all("(20" in constant.source for constant in found.values())  # the year of a publication
    fitted = {path for path, constant in found.items() if constant.status == "fitted"}
    assert fitted == {f"energy.{k}" for k in ("static_power", "event_energy", "static_exponent", "event_exponent")}


def test_all_faults_of_a_chip_file_are_named_at_once() -> None:
    data = chip_data()
    del data["energy"]["event_energy"]
    data["energy"]["static_power"]["unit"] = "mW"
    data["structure"]["axons"] |= {"value": 255.5, "low": 255.5, "high": 255.5}
    data["static_accounting"] = "per wafer"
    data["timing"]["clock"] = 1
    with pytest.raises(FormatError) as error:
        TrueNorthTarget.from_data(data, "broken.toml")
    text = str(error.value)
    assert text.startswith("broken.toml: ")
    for part in (
        "energy.event_energy: Field required",
        "energy.static_power: expected a value in W, got 'mW'",
        "structure.axons: expected a whole number",
        "static_accounting",
        "timing.clock",
    ):
        assert part in text, part


def test_scaling_takes_in_the_range_of_the_exponent() -> None:
    def constant(value: float, unit: str, low: float | None = None, high: float | None = None) -> Sourced:
        return Sourced(value=value, unit=unit, source="test", low=low or value, high=high or value)

    energy, exponent = constant(2.0, "J", 1.0, 3.0), constant(2.0, "1", 1.0, 3.0)
    doubled = scaled_to(energy, exponent, constant(1.0, "V"), constant(2.0, "V"))
    assert (doubled.low, doubled.value, doubled.high) == (2.0, 8.0, 24.0)
    halved = scaled_to(energy, exponent, constant(1.0, "V"), constant(0.5, "V"))
    assert (halved.low, halved.value, halved.high) == (0.125, 0.5, 1.5)
    assert scaled_to(energy, exponent, constant(1.0, "V"), constant(1.0, "V")) == energy
