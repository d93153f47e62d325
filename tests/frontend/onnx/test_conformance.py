"""No test case of the onnx package gives a wrong value, and all of the core set pass but for element types named here."""

from __future__ import annotations

import pytest

pytest.importorskip("onnx", reason="needs the onnx package: pip install 'neurobin[onnx]'")

from tests.frontend.onnx.conformance import CORE, KINDS, Case, cases, outcome, table

# Reasons for which a case of the core set may be unsupported: types no binary network uses, and what is random.
EXCUSED = ("element type ", "is no tensor", "drops at random", "a constant given as")
WHOLE = ("INT4", "UINT4", "INT2", "UINT2")  # types of such networks, of which no case may be left


@pytest.fixture(scope="module")
def found() -> list[tuple[Case, str]]:
    return [(case, outcome(case)) for case in cases()]


def test_no_case_gives_a_wrong_value_or_crashes(found):
    assert {case.kind for case, _ in found} == set(KINDS)
    assert len(found) > 1500  # or onnx has moved its cases, and nothing was tested


def test_every_case_of_the_core_set_passes(found):
    missing = [(case.name, lacks) for case, lacks in found if lacks and case.operators <= CORE]
    assert [case for case in missing if not case[1].startswith(EXCUSED) or case[1].endswith(WHOLE)] == []
    assert len(missing) < 90


def test_every_core_operator_has_cases_that_pass(found):
    passed = {name for case, lacks in found if not lacks for name in case.operators}
    assert CORE - passed == set()
    assert table(iter(found))["Conv"].unsupported.total() == 0
