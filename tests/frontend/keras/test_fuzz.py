"""Random networks that `fuzz` recorded: their graphs say what Keras did."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurobin.frontend.images import Images
from neurobin.frontend.keras.convert import to_graph
from neurobin.frontend.keras.reader import model_of
from neurobin.frontend.limits import DEFAULT
from tests.frontend.keras.judge import PIXEL, verdict

GRAIN = 64  # as `generate` has it, which needs TensorFlow


def recorded() -> list[tuple[Any, dict[str, dict[str, np.ndarray]], np.ndarray, np.ndarray, bool]]:
    """(description, weights, images, what Keras made of them, whether in short binary fractions) of each network."""
    with np.load(Path(__file__).parent / "recorded.npz") as file:
        said = json.loads(file["said"].tobytes())
        rest = {name: file[name] for name in ("weights", "images", "outputs")}

    def take(name: str, shape: tuple[int, ...]) -> np.ndarray:
        count = int(np.prod(shape))
        taken, rest[name] = rest[name][:count], rest[name][count:]
        return taken.reshape(shape)

    found = []
    for config, shapes, sizes, classes, exact in said:
        weights: dict[str, dict[str, np.ndarray]] = {}
        for path, role, shape in shapes:
            weights.setdefault(path, {})[role] = take("weights", shape).astype(np.float32) / GRAIN
        found.append((config, weights, take("images", sizes), take("outputs", (sizes[0], classes)), exact))
    assert not any(map(len, rest.values()))
    return found


@pytest.mark.parametrize("part", range(4))
def test_graphs_say_what_keras_did(part):
    outcomes: Counter[str] = Counter()
    for number, (config, weights, images, wanted, exact) in enumerate(recorded()):
        if number % 4 == part:
            model = model_of(config, "2.15.0", DEFAULT)
            known = {call.layer.path: weights.get(call.layer.path, {}) for call in model.calls}
            outcomes[verdict(to_graph(model, known, Images(scale=PIXEL)), images, wanted, exact)] += 1
    assert set(outcomes) == {"equal", "close"}, outcomes
    assert min(outcomes.values()) >= 5
