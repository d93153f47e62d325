"""ATen's pools, reductions and softmax."""

from __future__ import annotations

from math import prod

import numpy as np

from neurobin.frontend.torch_export.elements import Rule
from neurobin.frontend.torch_export.operands import Arguments
from neurobin.frontend.torch_export.translation import Names, Translation, type_of


def _window(a: Arguments) -> dict[str, tuple[int, ...] | int]:
    """The attributes of a window over two axes. Windows follow each other without a gap where no stride is given."""
    kernel, pads = a.pair("kernel_size"), a.pair("padding")
    strides = a.pair("stride") if a["stride"] else kernel
    return {"kernel_shape": kernel, "strides": strides, "pads": (*pads, *pads), "ceil_mode": int(a["ceil_mode"])}


def _max_pool(t: Translation, a: Arguments) -> Names:
    """The functional form has the places of the largest values as its second result, which is left out."""
    result = t.call("MaxPool", t.tensor(a["self"]), **_window(a), dilations=a.pair("dilation"))
    return (result, "") if isinstance(t.node.meta["val"], tuple | list) else result


def _average_pool(t: Translation, a: Arguments) -> str:
    """The mean of each window, or its sum over a number of one's own."""
    counted, divisor = int(a["count_include_pad"]), a["divisor_override"]
    window = _window(a)
    if divisor is None:
        return t.call("AveragePool", t.tensor(a["self"]), **window, count_include_pad=counted)
    mean = t.call("AveragePool", t.tensor(a["self"]), **window, count_include_pad=1)
    return t.call("Mul", mean, t.operand(prod(a.pair("kernel_size")) / divisor))


def _adaptive(op: str) -> Rule:
    """Windows of one size that follow each other, where the result's sizes divide the map's."""

    def rule(t: Translation, a: Arguments) -> Names:
        sizes, wanted = t.shape(a["self"])[-2:], t.result.shape[-2:]
        even = all(size % int(want) == 0 for size, want in zip(sizes, wanted, strict=True))
        a.require(even, f"a map of {list(sizes)} in windows of several sizes, {[int(want) for want in wanted]} of them")
        kernel = tuple(size // int(want) for size, want in zip(sizes, wanted, strict=True))
        result = t.call(op, t.tensor(a["self"]), kernel_shape=kernel, strides=kernel)
        return (result, "") if isinstance(t.node.meta["val"], tuple | list) else result

    return rule


def _axes(t: Translation, a: Arguments) -> tuple[int, ...]:
    """The axes that are reduced, from 0 on; all where none is named."""
    rank, stated = len(t.shape(a["self"])), a.get("dim")
    named = [stated] if isinstance(stated, int) else list(stated or range(rank))
    return tuple(int(axis) % rank for axis in named)


def _mean(t: Translation, a: Arguments) -> str:
    """Over height and width, and as a sum over the channels; the numbers are cast before."""
    x, axes, keeps = t.operand(a["self"], t.result.dtype), _axes(t, a), int(bool(a.get("keepdim")))
    shape = t.shape(a["self"])
    if 1 not in axes or len(shape) != 4:
        return t.call("ReduceMean", x, axes=axes, keepdims=keeps)
    others = tuple(axis for axis in axes if axis != 1)
    x = t.call("ReduceMean", x, axes=others, keepdims=1) if others else x
    total = t.call("ReduceSum", x, t.whole(1), keepdims=1)
    mean = t.call("Div", total, t.operand(float(shape[1])))
    return mean if keeps else t.call("Reshape", mean, t.whole(*(int(size) for size in t.result.shape)))


def _sum(t: Translation, a: Arguments) -> str:
    keeps = int(bool(a.get("keepdim")))
    return t.call("ReduceSum", t.operand(a["self"], t.result.dtype), t.whole(*_axes(t, a)), keepdims=keeps)


def _largest(t: Translation, a: Arguments) -> str:
    """The largest of each map."""
    shape = t.shape(a["self"])
    a.require(len(shape) == 4 and sorted(_axes(t, a)) == [2, 3], "the largest of something else than each map")
    pooled = t.call("GlobalMaxPool", t.tensor(a["self"]))
    return pooled if a["keepdim"] else t.call("Reshape", pooled, t.whole(*shape[:2]))


def _softmax(op: str) -> Rule:
    return lambda t, a: t.call(op, t.operand(a["self"]), axis=int(a["dim"]))


def _arg_max(t: Translation, a: Arguments) -> str:
    a.require(a["dim"] is not None, "the place of the largest of all")
    return t.call("ArgMax", t.tensor(a["self"]), axis=int(a["dim"]), keepdims=int(a["keepdim"]), select_last_index=0)


def _channel_shuffle(t: Translation, a: Arguments) -> str:
    """[groups, C / groups] channels, read the other way round."""
    channels, groups = t.shape(a["self"])[1], int(a["groups"])
    order = np.arange(channels).reshape(groups, channels // groups).T.reshape(-1)
    type_of(t.result)
    return t.call("Gather", t.tensor(a["self"]), t.constant(order), axis=1)


RULES: dict[str, Rule] = {
    "aten.max_pool2d.default": _max_pool,
    "aten.max_pool2d_with_indices.default": _max_pool,
    "aten.avg_pool2d.default": _average_pool,
    "aten.adaptive_avg_pool2d.default": _adaptive("AveragePool"),
    "aten._adaptive_avg_pool2d.default": _adaptive("AveragePool"),
    "aten.adaptive_max_pool2d.default": _adaptive("MaxPool"),
    "aten.mean.dim": _mean,
    "aten.sum.dim_IntList": _sum,
    "aten.amax.default": _largest,
    "aten.softmax.int": _softmax("Softmax"),
    "aten._softmax.default": _softmax("Softmax"),
    "aten.log_softmax.int": _softmax("LogSoftmax"),
    "aten._log_softmax.default": _softmax("LogSoftmax"),
    "aten.argmax.default": _arg_max,
    "aten.channel_shuffle.default": _channel_shuffle,
}
