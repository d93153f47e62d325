"""What is packed comes out as it went in, and everything but the first pair is packed."""

from __future__ import annotations

from reports.packs import pack, unpack
from tests.reports.reader import Page
from tests.reports.sample import comparison


def test_packing_is_lossless_and_stable() -> None:
    for content in ("", "a" * 100_000, "größe\u202e</script>\x00"):
        assert unpack(pack(content)) == content
        assert pack(content) == pack(content)
    assert len(pack("a" * 100_000)) < 500


def test_every_pair_but_the_first_is_packed_once(page: Page) -> None:
    pairs = {f"p{k}" for k in range(len(comparison(8, 3).results))}
    assert set(page.packed) == pairs - {"p0"} | {f"m{k}" for k in range(8)}
    for key, parts in page.packed.items():
        places = [part["at"] for part in parts]
        assert len(places) == len(set(places))
        assert all(place == f"panels-{place.removeprefix('panels-')}" for place in places) or key.startswith("m")
    ids = {given["id"] for _, given in page.tags if "id" in given}
    assert {part["at"] for part in page.parts()} <= ids
