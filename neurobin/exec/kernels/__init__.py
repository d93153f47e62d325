"""Micro-kernels behind the packed ops. Ops call these functions and nothing below them."""

from neurobin.exec.kernels.integer import int_matmul
from neurobin.exec.kernels.popcount import popdot

__all__ = ["int_matmul", "popdot"]
