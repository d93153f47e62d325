"""Layers that torch does not have; everything else in a network is a plain torch module."""
