"""What student and teacher have at layers that both call by the same names, step by step."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from neurobin.recipes.techniques._features import layers_named, record, recorded
from neurobin.recipes.techniques._teacher import teacher_of
from neurobin.recipes.techniques.technique import Batch, Context


def watch(context: Context, teacher: str, at: tuple[str, ...]) -> None:
    """Before the first step. Raises UsageError when one of the networks lacks a layer."""
    layers_named(context.module, at)
    teacher_of(context, teacher).watch(at)


def begin(context: Context, key: str, at: tuple[str, ...]) -> None:
    """Before a forward pass of the student: record it under `key`."""
    record(context, key, layers_named(context.module, at))


def pairs(
    context: Context, key: str, teacher: str, at: tuple[str, ...], batch: Batch
) -> Iterator[tuple[str, Tensor, Tensor]]:
    """After it: (layer, the student's map, the teacher's map) of the same images, as real numbers of 32 bits."""
    student = recorded(context, key)
    given = teacher_of(context, teacher).features(batch.images)
    for name in at:
        yield name, student[name].float(), given[name].float()
