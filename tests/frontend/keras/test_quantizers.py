"""What Larq's quantizers do at ties, with activations and with weights, computed here in another way."""

from __future__ import annotations

import numpy as np
import pytest

from neurobin.exec import reference

pytest.importorskip("h5py", reason="needs the h5py package: pip install h5py")

from tests.frontend.keras.build import conv, functional, image
from tests.frontend.keras.single import GRID, F, elements, graph


@pytest.mark.parametrize(
    "name", ["ste_sign", "approx_sign", "swish_sign", {"class_name": "SteSign", "config": {"name": "a"}}]
)
def test_the_sign_of_zero_is_plus_one(name):
    assert np.array_equal(elements("Activation", GRID, activation=name), np.where(GRID >= 0, 1, -1))


def test_heaviside_is_one_above_zero_only():
    assert np.array_equal(elements("Activation", GRID, activation="ste_heaviside"), GRID > 0)


def test_a_value_at_the_ternary_threshold_is_not_zero():
    function = {"class_name": "SteTern", "config": {"threshold_value": 0.25}}
    wanted = np.where(np.abs(GRID) >= 0.25, np.sign(GRID), 0)
    assert np.array_equal(elements("Activation", GRID, activation=function), wanted)


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
def test_dorefa_rounds_halves_to_even(bits):
    steps = 2**bits - 1
    function = {"class_name": "DoReFaQuantizer", "config": {"k_bit": bits}}
    wanted = np.rint(np.clip(GRID, 0, 1) * steps) / steps
    assert np.abs(elements("Activation", GRID, activation=function) - wanted).max() < 1e-7


def kernel_of(quantizer: object, kernel: np.ndarray) -> np.ndarray:
    """A quantized kernel [1, 1, C, O], read off the network's answers to unit vectors."""
    channels, filters = kernel.shape[2:]
    made = graph(
        functional(image(1, 1, channels), conv("x", "image", filters, 1, kernel_quantizer=quantizer)),
        {"x": {"kernel": kernel}},
    )
    return reference.run(made, np.eye(channels, dtype=int)[:, None, None, :])[:, 0, 0, :]


def test_weight_quantizers():
    w = np.random.default_rng(0).normal(0, 0.5, (1, 1, 40, 6)).astype(F)
    w[..., 0, :] = 0
    w[..., 1, :] = [0.25, -0.25, 0.05, -0.05, 1.5, -1.5]
    flat, signs = w[0, 0], np.where(w[0, 0] < 0, -1, 1)
    assert np.array_equal(kernel_of("SteSign", w), signs)
    assert np.abs(kernel_of("magnitude_aware_sign", w) - np.abs(flat).mean(0) * signs).max() < 1e-7
    clipped = np.abs(np.clip(flat, -1, 1)).mean(0)
    assert np.abs(kernel_of("xnor_weight_scale", w) - clipped * signs).max() < 1e-7
    assert np.abs(kernel_of("magnitude_aware_sign_unclipped", w) - np.abs(flat).mean() * signs).max() < 1e-7
    assert np.array_equal(kernel_of("SteHeaviside", w), flat > 0)
    ternary = {"class_name": "SteTern", "config": {"threshold_value": 0.25, "ternary_weight_networks": False}}
    assert np.array_equal(kernel_of(ternary, w), np.where(np.abs(flat) >= F(0.25), np.sign(flat), 0))
    assert np.array_equal(kernel_of("ste_tern", w), np.where(np.abs(flat) >= F(0.05), np.sign(flat), 0))
    ternary["config"]["ternary_weight_networks"] = True
    limit = 0.7 * np.abs(flat).mean()
    assert np.array_equal(kernel_of(ternary, w), np.where(np.abs(flat) > limit, np.sign(flat), 0))
    for bits in (1, 2, 5):
        steps, limited = 2**bits - 1, np.tanh(flat)
        dorefa = {"class_name": "DoReFa", "config": {"k_bit": bits, "mode": "weights"}}
        wanted = 2 * np.rint((limited / (2 * np.abs(limited).max()) + F(0.5)) * F(steps)) / steps - 1
        assert np.abs(kernel_of(dorefa, w) - wanted).max() < 1e-6
    assert np.abs(kernel_of({"class_name": "NoOp", "config": {"precision": 1}}, w) - flat).max() < 1e-7
    assert np.abs(kernel_of(None, w) - flat).max() < 1e-7


def test_an_all_zero_kernel_has_no_divisor():
    dorefa = {"class_name": "DoReFa", "config": {"k_bit": 3, "mode": "weights"}}
    assert np.abs(kernel_of(dorefa, np.zeros((1, 1, 2, 2))) - 1 / 7).max() < 1e-12  # round(3.5) = 4, halves to even
