"""Architectures, one file each: functions from a `Task` and a method's layers to a torch module."""

from neurobin.nets.task import Task

__all__ = ["Task"]
