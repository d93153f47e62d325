"""Few images and a small noisy network."""

from __future__ import annotations

from dataclasses import replace

import pytest

from neurobin.methods import Method, Recipe, load_method
from neurobin.recipes.techniques.clip_latent import ClipLatent
from neurobin.recipes.techniques.positive_gamma import PositiveGamma
from neurobin.train import Dataset, load_dataset
from tests.train.scene import Noisy


@pytest.fixture(scope="session")
def few() -> Dataset:
    """129 images: with batches of 64, two steps an epoch; the lone last image is left out."""
    digits = load_dataset("digits")
    return replace(digits, x_train=digits.x_train[:129], y_train=digits.y_train[:129])


@pytest.fixture
def noisy() -> Method:
    recipe = Recipe(epochs=4, batch=64, lr=1e-2, techniques=(ClipLatent(0.25), PositiveGamma(0.5)))
    return replace(load_method("bnn"), name="noisy", build=Noisy, recipe=recipe)
