"""What integer deployment changes in gates and in factors of positions, measured against the real graph."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from neurobin.exec import packed, reference
from neurobin.exec.deviation import deviation
from neurobin.frontend.torch import from_torch
from neurobin.ir import FLOAT64, Constant, Graph, TensorType
from neurobin.ir.dtype import i, u
from neurobin.nn.activations.sign import SignActivation
from neurobin.nn.layers.gated_conv import GatedConv2d
from neurobin.nn.layers.input_norm import InputNorm
from neurobin.nn.layers.planes_conv import PlanesConv2d
from neurobin.nn.layers.rank_one_conv import RankOneConv2d
from neurobin.nn.layers.residual_planes import ResidualPlanes
from neurobin.nn.layers.shifted_planes import ShiftedPlanes
from neurobin.nn.weights.shifted_bases import ShiftedBases
from neurobin.ops.lookup import Lookup
from neurobin.passes import lower
from tests.passes.trained import Trained

IMAGE = TensorType((6, 6, 16), u(4))


def lowered(*layers: nn.Module) -> tuple[Graph, Graph, np.ndarray]:
    """(real graph, integer graph, images) of an input norm, a real batch norm and `layers`."""
    module = nn.Sequential(InputNorm(8), nn.BatchNorm2d(16), *layers)
    x = np.random.default_rng(0).integers(0, 16, (64, 6, 6, 16))
    maps = torch.from_numpy(x.transpose(0, 3, 1, 2)).float()
    module.train()(maps)
    graph = from_torch(module.eval(), IMAGE)
    return graph, lower(graph, x[:48]), x


def relative_errors(real: Graph, integers: Graph, x: np.ndarray) -> np.ndarray:
    """Errors of the outputs, of the largest output; images that calibration did not see included."""
    actual = packed.run(integers, x)
    assert np.array_equal(actual, reference.run(integers, x))
    expected = reference.run(real, x)
    scaled = actual * integers.meta["scales"][integers.output]
    return np.abs(scaled - expected) / np.abs(expected).max()


def test_a_table_is_within_half_an_entry_of_the_sigmoid_and_the_rounding_of_its_input() -> None:
    b = Trained(0, TensorType((40,), i(12)))
    x = b.op("affine", "image", scale=Constant(FLOAT64, [0.003]))
    graph = b.graph(b.op("sigmoid", x))
    values = np.random.default_rng(0).integers(-2000, 2000, (50, 40))
    deployed = lower(graph, values)
    (node,) = (node for node in deployed.nodes if isinstance(node.op, Lookup))
    assert deployed.types[node.inputs[0]].dtype == i(8)
    assert deployed.types[node.name].dtype == u(8)
    scaled = reference.run(deployed, values) * deployed.meta["scales"][deployed.output]
    step = 0.003 * np.abs(values).max() / 127
    assert np.abs(scaled - reference.run(graph, values)).max() <= 0.5 / 255 + 0.25 * step / 2 + 1e-6


def rank_one() -> RankOneConv2d:
    layer = RankOneConv2d(16, 8, 3, padding=1)
    layer(torch.zeros(1, 16, 6, 6))
    nn.init.uniform_(layer.beta, 0.5, 1.5)
    nn.init.uniform_(layer.gamma, -0.5, 1.5)
    return layer


@pytest.mark.parametrize(
    ("make", "most", "mean"),
    [
        (lambda: [GatedConv2d(16, 8, 3, padding=1)], 0.02, 1e-3),
        (lambda: [SignActivation(16), rank_one()], 1e-4, 2e-5),
        (lambda: [PlanesConv2d(16, 8, 3, padding=1, planes=ShiftedPlanes, weights=ShiftedBases(2))], 1e-3, 1e-4),
    ],
    ids=["gate", "rank one", "shifted"],
)
def test_integers_stay_near_the_real_graph(make: Callable[[], list[nn.Module]], most: float, mean: float) -> None:
    """The gate passes three roundings to 8 bits: the mean over the map, the inner layer, and the table's input."""
    torch.manual_seed(1)
    errors = relative_errors(*lowered(*make()))
    assert errors.max() <= most
    assert errors.mean() <= mean


def test_few_residuals_change_their_sign() -> None:
    """A residual within a rounding step of 0 may turn; it moves the outputs whose windows read it, and no others move."""
    torch.manual_seed(3)
    real, integers, x = lowered(PlanesConv2d(16, 8, 3, padding=1, planes=ResidualPlanes))
    errors = relative_errors(real, integers, x)
    assert (errors > 1e-3).mean() <= 0.02
    assert errors.max() <= 0.1
    planes = [flips for flips in deviation(real, integers, x) if flips.flipped]
    assert sum(flips.flipped for flips in planes) <= 1e-3 * x.size
    assert all(flips.farthest <= 1e-3 * flips.spread for flips in planes)


def test_factors_of_positions_before_a_quantizer_move_no_code() -> None:
    """Sums times factors are exact and the thresholds are folded exactly; only the factors themselves are rounded."""
    torch.manual_seed(2)
    real, integers, x = lowered(SignActivation(16), rank_one(), nn.BatchNorm2d(8), SignActivation(8))
    assert [node.op.name for node in integers.nodes][-2:] == ["position_scale", "multi_threshold"]
    assert np.array_equal(reference.run(integers, x), reference.run(real, x))
