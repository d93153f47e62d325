"""ATen's sums of products with weights, and its normalisation by stored statistics."""

from __future__ import annotations

import numpy as np

from neurobin.frontend.torch_export.elements import Rule
from neurobin.frontend.torch_export.operands import Arguments
from neurobin.frontend.torch_export.translation import Names, Translation, type_of


def _conv(t: Translation, a: Arguments) -> str:
    """[N, C, spatial ...] with [M, C/groups, kernel ...]; padding is one number per axis, or a rule by name."""
    a.require(not a.get("transposed"), "a transposed convolution")
    axes = len(t.shape(a["weight"])) - 2
    dilations = a.pair("dilation", axes)
    if isinstance(a["padding"], str):
        begins, ends = _by_rule(a["padding"], t.shape(a["weight"])[2:], dilations)
    else:
        begins = ends = a.pair("padding", axes)
    bias = [] if a["bias"] is None else [t.constant(t.known(a["bias"]))]
    weight = t.weight(a["weight"], 0)
    return t.call(
        "Conv", t.tensor(a["input"]), weight, *bias,
        strides=a.pair("stride", axes), pads=(*begins, *ends), dilations=dilations, group=int(a["groups"]),
    )  # fmt: skip


def _by_rule(rule: str, kernel: tuple[int, ...], dilations: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(padding at the beginnings, at the ends): as many results as elements, an odd cell of padding at the end; or none."""
    total = [d * (k - 1) if rule == "same" else 0 for k, d in zip(kernel, dilations, strict=True)]
    return tuple(pad // 2 for pad in total), tuple(pad - pad // 2 for pad in total)


def _product(t: Translation, x: str, rank: int, weight: str, bias: list[str], by_row: bool, *factors: float) -> str:
    """factors[1] x W + factors[0] bias, with a filter in each row of W or in each column."""
    if rank == 2:
        beta, alpha = factors or (1.0, 1.0)
        return t.call("Gemm", x, weight, *bias, alpha=alpha, beta=beta, transA=0, transB=int(by_row))
    product = t.call("MatMul", x, t.call("Transpose", weight, perm=(1, 0)) if by_row else weight)
    return t.call("Add", product, *bias) if bias else product


def _linear(t: Translation, a: Arguments) -> str:
    bias = [] if a["bias"] is None else [t.constant(t.known(a["bias"]))]
    weight = t.weight(a["weight"], 0)
    return _product(t, t.tensor(a["input"]), len(t.shape(a["input"])), weight, bias, True)


def _matmul(t: Translation, a: Arguments) -> str:
    other = a.get("mat2") or a["other"]
    weight = t.weight(other, len(t.shape(other)) - 1)
    return _product(t, t.tensor(a["self"]), len(t.shape(a["self"])), weight, [], False)


def _addmm(t: Translation, a: Arguments) -> str:
    bias, weight = [t.constant(t.known(a["self"]))], t.weight(a["mat2"], 1)
    return _product(t, t.tensor(a["mat1"]), 2, weight, bias, False, float(a["beta"]), float(a["alpha"]))


def _batch_norm(t: Translation, a: Arguments) -> Names:
    """By running statistics; what is not learned is 1 and 0. Two empty tensors behind the result are left out."""
    channels, kind = t.shape(a["input"])[1], type_of(t.result)[0]
    gamma, beta = (
        np.full(channels, stand_in, kind) if a[name] is None else t.known(a[name])
        for name, stand_in in (("weight", 1), ("bias", 0))
    )
    constants = [t.constant(values) for values in (gamma, beta, t.known(a["running_mean"]), t.known(a["running_var"]))]
    result = t.call("BatchNormalization", t.tensor(a["input"]), *constants, epsilon=float(a["eps"]), momentum=0.9)
    return result, "", ""


RULES: dict[str, Rule] = {
    "aten.conv2d.default": _conv,
    "aten.conv2d.padding": _conv,
    "aten.convolution.default": _conv,
    "aten.linear.default": _linear,
    "aten.matmul.default": _matmul,
    "aten.mm.default": _matmul,
    "aten.addmm.default": _addmm,
    "aten._native_batch_norm_legit_no_training.default": _batch_norm,
}
