"""What has no meaning in a graph is named, all of it at once, by operator and node."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn
from torch.export import Dim, export

from neurobin.errors import FormatError, UnsupportedError, UsageError
from neurobin.frontend.torch_export import from_exported
from tests.frontend.torch_export.cases import Does

pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # torch's own, of its own types
IMAGE = torch.zeros(1, 4, 6, 6)
BY_CHANNEL = torch.tensor([-0.5, -0.25, 0.25, 0.5])[:, None, None]
F = nn.functional


PROBLEMS = [
    (lambda x: torch.sin(x) + 1, r"node 'sin' \(aten.sin.default\): no meaning for operator aten.sin.default"),
    (lambda x: torch.fft.fft(x).real, "aten.fft_fft.default"),
    (lambda x: F.gelu(x), "aten.gelu.default"),
    (lambda x: x.to(torch.bfloat16) * 2, "numbers of type bfloat16"),
    (lambda x: torch.rand_like(x) + x, "aten.rand_like.default"),
    (lambda x: F.dropout(x, 0.5, True), "aten.(native_)?dropout|aten.rand|aten.bernoulli"),
    (lambda x: F.adaptive_avg_pool2d(x, 4), r"a map of \[6, 6\] in windows of several sizes, \[4, 4\] of them"),
    (lambda x: F.avg_pool2d(x, 2, padding=1, count_include_pad=False), "count_include_pad=0"),
    (lambda x: F.conv_transpose2d(x, torch.ones(4, 2, 3, 3)), "a transposed convolution|conv_transpose2d"),
    (
        lambda x: F.conv2d(x, torch.ones(2, 4, 3, 3) * x.mean((2, 3), keepdim=True)),
        "computed from the image, where a constant is expected",
    ),
    (lambda x: x // 0.3, "by other numbers than powers of two"),
    (lambda x: torch.div(x, 2, rounding_mode="trunc"), "rounding_mode 'trunc'"),
    (lambda x: x**3, "a power other than the second"),
    (lambda x: torch.round(x, decimals=1), "aten.round.decimals"),
    (lambda x: x[:, 1], "picks one entry of several"),
    (lambda x: x[:, :, 1:3], "expected a range of channels"),
    (lambda x: x.view(1, 2, 2, 6, 6) * 2, "a view of 5 axes"),
    (lambda x: x.view(1, 4, 3, 2, 6).transpose(2, 3).reshape(1, 4, 6, 6), "no shuffle of channels"),
    (lambda x: torch.where(x > 0.5, x, 0.0), "Where of several computed tensors"),
    (lambda x: torch.where(-x > BY_CHANNEL, -x, BY_CHANNEL), "Where of several computed tensors"),
    (lambda x: (x * 300).to(torch.int32), "casts .* that may wrap|no clip bounds"),
    (lambda x: torch.softmax(x, 1) * 2, "a softmax that something reads"),
    (lambda x: torch.where(x > 0.5, 1.0, torch.where(x > 0.25, -1.0, 0.0)), "rise and fall"),
    (lambda x: F.max_pool2d(x, 2, return_indices=True)[1].float(), "result 1, which no graph has"),
]


class All(nn.Module):
    """Several functions side by side, so that one program shows many problems."""

    def __init__(self, *functions) -> None:
        super().__init__()
        self.functions = functions

    def forward(self, x):
        return torch.cat([function(x).float().reshape(1, -1) for function in self.functions], 1)


@pytest.mark.parametrize("part", [PROBLEMS[:8], PROBLEMS[8:16], PROBLEMS[16:]], ids=["first", "second", "third"])
def test_all_that_has_no_meaning_is_named_at_once(part):
    with pytest.raises(UnsupportedError) as caught:
        from_exported(export(All(*(function for function, _ in part)).eval(), (IMAGE,)))
    said = str(caught.value)
    assert [reason for _, reason in part if not re.search(reason, said)] == []
    assert said.count("node '") == len(part), "one problem each"
    assert caught.value.exit_code == 3


def test_a_constant_is_no_network():
    with pytest.raises(UnsupportedError, match=r"a constant .* where a computed tensor is expected"):
        from_exported(export(Does(lambda x: torch.zeros(1, 4)).eval(), (IMAGE,)))


def test_what_is_left_out_at_the_end_must_rank_the_channels():
    with pytest.raises(UnsupportedError, match="along axis 2, which is not the channels'"):
        from_exported(export(Does(lambda x: torch.softmax(x + 1, 2)).eval(), (IMAGE,)))


def test_training_mode_is_refused():
    with pytest.raises(
        UnsupportedError, match=r"writes '0.num_batches_tracked'.*training mode.*module.eval\(\)|'0.running_mean'"
    ):
        from_exported(export(nn.Sequential(nn.BatchNorm2d(4)).train(), (IMAGE,)))
    with pytest.raises(UnsupportedError, match=r"aten\._native_batch_norm_legit"):
        from_exported(export(nn.Sequential(nn.BatchNorm2d(4, track_running_stats=False)).eval(), (IMAGE,)))


class Counts(nn.Module):
    """Something that is kept from one run to the next."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.register_buffer("kept", torch.ones(1))
        self.weight = nn.Parameter(torch.tensor([[0.5, -2.0], [3.0, 0.25]]))

    def forward(self, x):
        if self.how == "image":
            self.kept.copy_(x.mean().reshape(1))
        if self.how == "count":
            self.kept.add_(1)
            x = x * self.kept
        if self.how == "clip":
            with torch.no_grad():
                self.weight.clamp_(-1, 1)
        return F.linear(x, self.weight)


@pytest.mark.parametrize(
    ("how", "reason"),
    [("image", "writes 'kept' from the image"), ("count", "writes 'kept', which changes what the next run computes")],
)
def test_what_is_written_and_read_again_is_refused(how, reason):
    with pytest.raises(UnsupportedError, match=reason):
        from_exported(export(Counts(how).eval(), (torch.zeros(1, 2),)))


def test_weights_that_are_clipped_in_place_are_those_of_every_run():
    from_exported(export(Counts("clip").eval(), (torch.zeros(1, 2),)))


def test_sizes_must_be_fixed():
    program = export(nn.Conv2d(4, 2, 3).eval(), (torch.zeros(2, 4, 6, 6),), dynamic_shapes=({0: Dim("batch")},))
    with pytest.raises(UnsupportedError, match=r"has shape \['s\d+', '4', '6', '6'\].*without dynamic_shapes"):
        from_exported(program)


def test_numbers_that_are_computed_from_the_image_are_refused():
    with pytest.raises(UnsupportedError, match=r"a number that is not fixed|is no tensor"):
        from_exported(export(Does(lambda x: x * x.mean().item()).eval(), (IMAGE,)))


class Two(nn.Module):
    def forward(self, x, y):
        return x + y


def test_one_input_and_one_output():
    with pytest.raises(UnsupportedError, match="2 inputs and 1 outputs"):
        from_exported(export(Two(), (IMAGE, IMAGE)))
    with pytest.raises(UnsupportedError, match="1 inputs and 2 outputs"):
        from_exported(export(Does(lambda x: (x + 1, x + 2)), (IMAGE,)))


def test_an_input_that_is_written_is_refused():
    with pytest.raises(UnsupportedError, match="writes into its input 'x'"):
        from_exported(export(Does(lambda x: x.add_(1) * 2), (IMAGE,)))


def test_weights_that_are_no_numbers_are_refused():
    module = nn.Conv2d(4, 2, 3)
    with torch.no_grad():
        module.weight[1, 2, 0, 0] = float("nan")
    with pytest.raises(FormatError, match=r"is nan, at \[1, 2, 0, 0\]"):
        from_exported(export(module, (IMAGE,)))


def test_a_module_is_no_program():
    with pytest.raises(UsageError, match=r"expected a torch.export.ExportedProgram, got Linear"):
        from_exported(nn.Linear(3, 2))
