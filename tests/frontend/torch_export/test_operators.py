"""Every operator of the tables says what torch says."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from torch import nn

from neurobin.frontend.onnx.signature import _standard
from neurobin.frontend.torch_export import RULES
from neurobin.ir import TERNARY
from neurobin.ops.multi_threshold import MultiThreshold
from neurobin.ops.sign import Sign
from tests.frontend.torch_export.cases import (
    CASES,
    CLOSE,
    Case,
    Does,
    exported,
    graph_of,
    pixels,
    program_of,
    run,
    signed,
    torch_says,
    used,
)

# torch's own: of its own types, and of what an even kernel costs it
pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning", "ignore:Using padding='same':UserWarning")
EXACT = {"levels", "rounding", "straight_through", "fake_quantize", "views", "core_views", "picks", "shuffle", "products"}
LEFT_OUT = {
    "Softmax": lambda scores: torch.softmax(torch.from_numpy(scores), 1).numpy(),
    "LogSoftmax": lambda scores: torch.log_softmax(torch.from_numpy(scores), 1).numpy(),
    "ArgMax": lambda scores: scores.argmax(1),
    "": lambda scores: scores,
}


@pytest.mark.parametrize("name", CASES)
def test_a_graph_says_what_torch_says(name):
    case = CASES[name]
    graph = graph_of(program_of(name))
    images = pixels(case.shape, 6)
    found = LEFT_OUT[graph.meta["left_out"]](run(graph, images))
    wanted = torch_says(case.module, images)
    assert found.shape == wanted.shape
    assert len(np.unique(wanted)) > 1, "tests little"
    if name in EXACT:
        assert np.array_equal(found, wanted)
    else:
        assert np.abs(found - wanted).max() <= CLOSE * np.abs(wanted).max()


def test_every_operator_of_the_tables_is_used_by_a_case():
    assert set(RULES) == set().union(*(used(program_of(name)) for name in CASES)) & set(RULES)


def test_nodes_are_named_after_the_modules_they_stand_in():
    names = [node.name for node in graph_of(program_of("core")).nodes]
    assert "0.convolution.conv2d" in names
    assert "6.addmm.dense" in names


@pytest.mark.parametrize("batch", [1, 3])
def test_any_batch_will_do(batch):
    module = CASES["conv"].module.eval()
    graph = graph_of(torch.export.export(module, (torch.zeros(batch, 4, 6, 6),)))
    images = pixels((4, 6, 6), 3)
    assert np.abs(run(graph, images) - torch_says(module, images)).max() <= CLOSE


# -- quantizers


def quantizers(graph):
    """The types that thresholds make."""
    return [str(graph.types[node.name].dtype) for node in graph.nodes if isinstance(node.op, Sign | MultiThreshold)]


TERNARIES = {
    "difference": lambda y: (y > 0.25).float() - (y < -0.25).float(),
    "sum": lambda y: (torch.where(y >= 0.25, 1.0, -1.0) + torch.where(y > -0.25, 1.0, -1.0)) / 2,
    "choice": lambda y: torch.where(y > 0.25, 1.0, torch.where(y < -0.25, -1.0, 0.0)),
    "falling choice": lambda y: torch.where(y > 0.25, -1.0, torch.where(y < -0.25, 1.0, 0.0)),
    "three signs": lambda y: (y.sign() + (y - 0.5).sign() + (y + 0.5).sign()) / 3,
}


@pytest.mark.parametrize("how", TERNARIES)
def test_several_comparisons_are_one_quantizer(how):
    case = Case(Does(lambda x: TERNARIES[how](signed(x))))
    graph, images = graph_of(exported(case)), pixels(case.shape, 8)
    assert len(quantizers(graph)) == 1
    if how != "three signs":
        assert quantizers(graph) == [str(TERNARY)]
    found, wanted = run(graph, images), torch_says(case.module, images)
    assert np.abs(found - wanted).max() <= (1e-6 if how == "three signs" else 0)


def test_quantizers_that_rise_and_fall_are_added():
    case = Case(Does(lambda x: (signed(x) > -0.5).float() - (signed(x) > 0.25).float()))
    graph, images = graph_of(exported(case)), pixels(case.shape, 8)
    assert len(quantizers(graph)) == 2
    assert np.array_equal(run(graph, images), torch_says(case.module, images))


class Quantized(nn.Module):
    """A layer with weights quantized by a function, over binary activations."""

    def __init__(self, quantize, inputs: int = 4) -> None:
        super().__init__()
        self.conv, self.quantize = nn.Conv2d(inputs, 6, 3), quantize

    def forward(self, x):
        x = torch.where(2 * x >= 1, 1.0, -1.0)
        return nn.functional.conv2d(x, self.quantize(self.conv.weight), self.conv.bias)


def dorefa(w, levels):
    squashed = torch.tanh(w) / (2 * torch.tanh(w).abs().max()) + 0.5
    return 2 * torch.round(squashed * levels) / levels - 1


WEIGHTS = {
    "bipolar": lambda w: torch.where(w >= 0, 0.3, -0.3),
    "bipolar2": lambda w: dorefa(w, 3),
    "ternary": lambda w: 0.07 * (w.abs() > 0.3) * w.sign(),
    "i4": lambda w: torch.clamp(torch.round(w / 0.11), -8, 7) * 0.11,
    "u3": lambda w: torch.round(w.abs().clamp(max=0.7) * 10) / 10,
    "i3": lambda w: w + ((w / w.abs().amax((1, 2, 3), True) * 3).round() / 3 * w.abs().amax((1, 2, 3), True) - w).detach(),
    "f64": lambda w: torch.tanh(w),
}


@pytest.mark.parametrize("dtype", WEIGHTS)
def test_weights_of_quantizers_are_whole_numbers(dtype):
    case = Case(Quantized(WEIGHTS[dtype]))
    module = case.module.eval()
    torch.manual_seed(0)
    nn.init.normal_(module.conv.weight)
    graph = graph_of(torch.export.export(module, (torch.zeros(1, *case.shape),)))
    assert [str(node.op.weight.dtype) for node in graph.nodes if node.op.name == "conv2d"] == [dtype]
    images = pixels(case.shape, 8)
    assert np.abs(run(graph, images) - torch_says(module, images)).max() <= 1e-5


def test_the_onnx_package_is_not_needed(monkeypatch):
    _standard.cache_clear()
    monkeypatch.setitem(sys.modules, "onnx", None)  # importing it is an error now
    graph = graph_of(exported(CASES["conv"]))
    assert graph.meta["source"] == "torch"
