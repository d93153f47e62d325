"""Several quantizers of one tensor, which together are one: (x >= t) - (x < -t), where(x > t, 1, where(x < -t, -1, 0)).

A sum of them, or a choice between them, is a step of a chain whose operands are `branches`: chains of their own from where
they part. It becomes thresholds as any other step does, where it is sure to be monotone. Else each part of a sum is written
by itself, and they are added.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

import numpy as np

from neurobin.errors import UnsupportedError
from neurobin.frontend.onnx.convert.conversion import Conversion, real, tidy
from neurobin.frontend.onnx.convert.staircase import Function, steps_of
from neurobin.frontend.onnx.convert.values import Chain, Fixed, Flow, Step
from neurobin.frontend.onnx.domains import STANDARD
from neurobin.frontend.onnx.model import Call
from neurobin.ops.add import Add
from neurobin.ops.affine import Affine

SUMS = {"Add", "Sub", "Sum"}
DEEPEST = 8  # forks within branches of forks
MOST = 2**12  # steps in all branches together


def forked(c: Conversion, call: Call) -> Chain | None:
    """The chain that a sum of quantizers of one flow is, or a choice; None for any other call, and in whole numbers."""
    if c.integers or call.domain != STANDARD or call.op not in SUMS | {"Where"}:
        return None
    parts = [c.values[name] for name in call.inputs]
    chains = [part for part in parts if isinstance(part, Chain)]
    constants = tuple(part.values if isinstance(part, Fixed) else None for part in parts)
    if len(chains) < 2 or len(chains) < sum(constant is None for constant in constants):
        return None
    flow = chains[0].flow
    if any(chain.flow != flow or flow.kind.kind != "f" for chain in chains):
        return None
    columns = zip(*(chain.steps for chain in chains), strict=False)
    begin = len(list(takewhile(lambda steps: all(step is steps[0] for step in steps), columns)))
    branches = tuple(chain.steps[begin:] for chain in chains)
    if not all(any(step.rounds for step in branch) for branch in branches):
        return None
    inner = [step for branch in branches for step in branch]
    if max(step.depth for step in inner) >= DEEPEST or sum(step.size for step in inner) > MOST:
        return None
    step = _merged(Step(call, 0, constants, branches))
    c.limits.check("chain", len(step.branches), "the number of quantizers in one sum", call.where)
    return Chain(flow, (*chains[0].steps[:begin], step))


def _merged(step: Step) -> Step:
    """A sum whose first part is a sum: one of all parts, from the left, as it is computed."""
    first = step.branches[0]
    sums = ("Add", "Sum")
    if step.call.op not in sums or len(first) != 1 or first[0].call.op not in sums or not first[0].branches:
        return step
    branches = (*first[0].branches, *step.branches[1:])
    return replace(step, call=replace(step.call, op="Sum"), operands=(None,) * len(branches), branches=branches)


def flat(steps: Sequence[Step]) -> Iterator[Step]:
    """All steps, those in branches too."""
    for step in steps:
        yield step
        for branch in step.branches:
            yield from flat(branch)


def agree(step: Step, whole: Function, branches: Sequence[Function], channels: int, kind: np.dtype) -> bool:
    """True when the step, of monotone functions for its branches, is sure to be monotone in every channel.

    A sum is where all parts rise or all fall. A choice is where the condition changes once, and there as the parts do.
    """
    if kind.kind != "f":
        return False
    everyone = np.arange(channels)
    if step.call.op != "Where":
        rises = [_rise(branch, kind, everyone) for branch in branches]
        return _one_way([rise * (-1 if step.call.op == "Sub" and index else 1) for index, rise in enumerate(rises)])
    if step.operands[0] is not None:
        return False
    places, _ = steps_of(branches[0], channels, kind)
    if any(len(places_of_one) > 1 for places_of_one in places):
        return False
    changes = np.array([len(places_of_one) for places_of_one in places], bool)
    at = np.array([places_of_one[0] if len(places_of_one) else 0.0 for places_of_one in places], kind)
    jump = _sign(whole(at, everyone), whole(np.nextafter(at, kind.type(-np.inf)), everyone)) * changes
    return _one_way([jump, *(_rise(branch, kind, everyone) for branch in branches[1:])])


def _rise(function: Function, kind: np.dtype, everyone: np.ndarray) -> np.ndarray:
    """+1 for each channel where a monotone function rises, -1 where it falls, 0 where it is constant."""
    largest = np.finfo(kind).max
    low, high = (function(np.full(len(everyone), end, kind), everyone) for end in (-largest, largest))
    return _sign(high, low)


def _sign(after: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Of after - before, which may overflow; NaN where both are the same infinity."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.sign(after - before)


def _one_way(rises: Sequence[np.ndarray]) -> bool:
    """True where in no channel one rises and another falls. What is NaN does neither, and agrees with nothing."""
    table = np.array(rises)
    return bool((table.min(0) * table.max(0) >= 0).all())


def joined(c: Conversion, flow: Flow, before: Sequence[Step], step: Step) -> Flow:
    """Every branch written by itself, and their sum. Raises UnsupportedError for sums of whole numbers, which may wrap."""
    parts = [c.realise(c, Chain(flow, (*before, *branch))) for branch in step.branches]
    if any(part.kind.kind != "f" for part in parts):
        raise UnsupportedError(f"{step.call.op} of {parts[0].kind.name}, which may wrap", where=step.call.where)
    c.builder.prefix = tidy(step.call.name)
    result = parts[0]
    for part in parts[1:]:
        less = step.call.op == "Sub"
        result = c.add(Add(), result, (c.add(Affine(scale=real(np.array(-1.0))), part) if less else part).name)
    return result
