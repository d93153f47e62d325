from __future__ import annotations

import pytest

from reports.page import render
from tests.reports.reader import Page, read
from tests.reports.sample import comparison


@pytest.fixture(scope="session")
def html() -> str:
    return render(comparison(8, 3))


@pytest.fixture(scope="session")
def page(html: str) -> Page:
    return read(html)
