"""Tests of the reference, the packed engine and what is measured of them; on tiles in software where that is asked for."""

from tests.exec import soft_tiles

if soft_tiles.installed():
    soft_tiles.install()
