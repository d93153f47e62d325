"""Microcontrollers: packed kernels on one core, a RAM arena with lifetimes, cycles and energy per class of instructions."""

from hwmodels.mcu.target import McuTarget

TARGET = McuTarget
__all__ = ["TARGET", "McuTarget"]
