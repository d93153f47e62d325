"""The packed engine's kernels: numpy ones behind `packed` of ops, and requests to the compiler behind `native`."""

from neurobin.exec.kernels.geometry import Frame
from neurobin.exec.kernels.integer import int_matmul
from neurobin.exec.kernels.lanes import Lane, Lanes
from neurobin.exec.kernels.linear import Linear
from neurobin.exec.kernels.native import ChannelTotal, Elementwise, LargestChannel, Moves
from neurobin.exec.kernels.pool import Pool
from neurobin.exec.kernels.popcount import popdot

__all__ = ["ChannelTotal", "Elementwise", "Frame", "Lane", "Lanes", "LargestChannel", "Linear", "Moves", "Pool",
           "int_matmul", "popdot"]  # fmt: skip
