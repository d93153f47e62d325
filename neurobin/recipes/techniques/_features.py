"""What layers of a network give in one step, for techniques that compare or bound it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import cast

from torch import Tensor, nn

from neurobin.errors import UsageError
from neurobin.recipes.techniques.technique import Context


class Recorder:
    """Keeps outputs (or first inputs) of layers by name until it is closed, so that no hook outlives a step."""

    def __init__(self, layers: Iterable[tuple[str, nn.Module]], *, inputs: bool = False) -> None:
        self.seen: dict[str, Tensor] = {}
        self._inputs = inputs
        self._handles = [layer.register_forward_hook(partial(self._keep, name)) for name, layer in layers]

    def _keep(self, name: str, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self.seen[name] = inputs[0] if self._inputs else output

    def close(self) -> None:
        for handle in self._handles:
            handle.remove()


def record(context: Context, key: str, layers: Iterable[tuple[str, nn.Module]], *, inputs: bool = False) -> None:
    """Start recording under `key`, in place of what an earlier step may have left."""
    if key in context.store:
        cast(Recorder, context.store[key]).close()
    context.store[key] = Recorder(layers, inputs=inputs)


def recorded(context: Context, key: str) -> dict[str, Tensor]:
    """What was recorded under `key` since; ends the recording."""
    recorder = cast(Recorder, context.store[key])
    recorder.close()
    return recorder.seen


def layers_named(module: nn.Module, names: Iterable[str]) -> list[tuple[str, nn.Module]]:
    """The layers of these names. Raises UsageError naming those that the network lacks."""
    layers = dict(module.named_modules())
    missing = [name for name in names if name not in layers]
    if missing:
        parts = ", ".join(name for name, _ in module.named_children())
        raise UsageError(f"the network has no layer {', '.join(map(repr, missing))}", hint=f"its parts are {parts}")
    return [(name, layers[name]) for name in names]
