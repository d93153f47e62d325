"""torch modules -> Graph, by symbolic tracing (torch.fx).

A module with a method `emit(builder, *inputs) -> str` writes its own nodes; plain torch modules and functions stand in the
two tables at the end. Maps become channels-last, and the batch axis disappears. Everything that has no entry is reported
at once, by name.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import fx, nn

from neurobin.errors import GraphError, UnsupportedError
from neurobin.ir import FLOAT64, Builder, Constant, Graph, TensorType
from neurobin.ops.abs import Abs
from neurobin.ops.add import Add
from neurobin.ops.affine import Affine
from neurobin.ops.avg_pool2d import AvgPool2d
from neurobin.ops.batch_norm import BatchNorm
from neurobin.ops.channel_shuffle import ChannelShuffle
from neurobin.ops.clip import Clip
from neurobin.ops.concat import Concat
from neurobin.ops.conv2d import Conv2d
from neurobin.ops.dense import Dense
from neurobin.ops.flatten import Flatten
from neurobin.ops.max_pool2d import MaxPool2d
from neurobin.ops.multiply import Multiply
from neurobin.ops.prelu import Prelu
from neurobin.ops.relu import Relu
from neurobin.ops.sigmoid import Sigmoid

INPUT = "image"
ELSEWHERE = "use the layers of neurobin.nn, or neurobin.frontend.torch_export.from_exported for what else torch.export takes"


def from_torch(module: nn.Module, image: TensorType) -> Graph:
    """The graph of `module` in evaluation mode for raw images of type `image` (H, W, C codes of a data set).

    Raises UnsupportedError listing every module, function and attribute that has no meaning here, or what tracing says of a
    module whose forward asks for numbers. `torch_export` takes many more functions, and quantizers of other libraries.
    """
    if hasattr(module, "emit") or type(module) in MODULES:
        module = nn.Sequential(module)  # tracing looks inside the root, so a lone layer gets a root of its own
    traced = _traced(module.eval())
    modules = dict(module.named_modules())
    builder = Builder({INPUT: image})
    values: dict[fx.Node, str] = {}
    problems: list[str] = []
    output = ""
    for node in traced.nodes:
        if node.op == "placeholder":
            values[node] = INPUT
        elif node.op == "output":
            output = values.get(node.args[0], "")
        elif all(source in values for source in node.all_input_nodes):
            try:
                values[node] = _emit(builder, node, modules, values)
            except (UnsupportedError, GraphError) as error:
                problems.append(f"{node.name}: {error}")
    if problems:
        raise UnsupportedError("; ".join(problems), where=type(module).__name__, hint=ELSEWHERE)
    return builder.graph(output)


def _traced(module: nn.Module) -> fx.Graph:
    try:
        return _Tracer().trace(module)
    except (fx.proxy.TraceError, TypeError) as error:  # of proxies that stand where numbers are needed
        raise UnsupportedError(f"cannot be traced: {error}", where=type(module).__name__, hint=ELSEWHERE) from None


class _Tracer(fx.Tracer):
    """Stops at modules that emit themselves and at torch's own modules."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return hasattr(m, "emit") or type(m) in MODULES or super().is_leaf_module(m, module_qualified_name)


def _emit(b: Builder, node: fx.Node, modules: dict[str, nn.Module], values: dict[fx.Node, str]) -> str:
    """Write one traced node. Raises UnsupportedError when nothing knows it."""
    b.prefix = node.name
    if node.op == "call_module":
        module = modules[str(node.target)]
        sources = [values[source] for source in node.args if isinstance(source, fx.Node)]
        emit: Callable[..., str] | None = getattr(module, "emit", None)
        if emit is not None:
            return emit(b, *sources)
        if type(module) not in MODULES:
            raise UnsupportedError(f"no meaning for module {type(module).__name__}")
        return MODULES[type(module)](b, module, *sources)
    target = getattr(torch.Tensor, str(node.target), None) if node.op == "call_method" else node.target
    if target not in FUNCTIONS:
        raise UnsupportedError(f"no meaning for {node.op} {getattr(node.target, '__name__', node.target)}")
    arguments = [_resolve(argument, values) for argument in node.args]
    keywords = {key: _resolve(argument, values) for key, argument in node.kwargs.items()}
    return FUNCTIONS[target](b, *arguments, **keywords)


def _resolve(argument: Any, values: dict[fx.Node, str]) -> Any:
    if isinstance(argument, fx.Node):
        return values[argument]
    return [_resolve(part, values) for part in argument] if isinstance(argument, list | tuple) else argument


def parameter(tensor: torch.Tensor) -> Constant:
    """A torch tensor as a float64 constant."""
    return Constant(FLOAT64, tensor.detach().cpu().double().numpy())


def filters(weight: torch.Tensor) -> Constant:
    """Convolution weights [O, C/g, KH, KW] as [O, KH, KW, C/g]."""
    return Constant(FLOAT64, weight.detach().cpu().double().numpy().transpose(0, 2, 3, 1))


def _pair(value: Any) -> tuple[int, int]:
    return (int(value), int(value)) if isinstance(value, int) else (int(value[0]), int(value[1]))


def _padding(module: Any) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of a torch module with kernel_size, dilation and padding."""
    if module.padding == "valid":
        return (0, 0, 0, 0)
    if module.padding == "same":
        total = [d * (k - 1) for k, d in zip(_pair(module.kernel_size), _pair(module.dilation), strict=True)]
        return (total[0] // 2, total[1] // 2, total[0] - total[0] // 2, total[1] - total[1] // 2)
    vertical, horizontal = _pair(module.padding)
    return (vertical, horizontal, vertical, horizontal)


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise UnsupportedError(what)


def _conv(b: Builder, m: nn.Conv2d, x: str) -> str:
    _require(m.padding_mode == "zeros", f"padding mode {m.padding_mode!r} (only zeros)")
    op = Conv2d(filters(m.weight), stride=_pair(m.stride), padding=_padding(m), dilation=_pair(m.dilation), groups=m.groups)
    return _bias(b, b.add(op, x), m.bias)


def _linear(b: Builder, m: nn.Linear, x: str) -> str:
    return _bias(b, b.add(Dense(parameter(m.weight)), x), m.bias)


def _bias(b: Builder, x: str, bias: torch.Tensor | None) -> str:
    return x if bias is None else b.add(Affine(bias=parameter(bias)), x)


def _batch_norm(b: Builder, m: nn.BatchNorm2d, x: str) -> str:
    if m.running_mean is None or m.running_var is None:
        raise UnsupportedError("batch norm without running statistics")
    gamma = torch.ones(1) if m.weight is None else m.weight  # one value: not learned, so that counting leaves it out
    beta = torch.zeros(1) if m.bias is None else m.bias
    op = BatchNorm(parameter(gamma), parameter(beta), parameter(m.running_mean), parameter(m.running_var), m.eps)
    return b.add(op, x)


def _max_pool(b: Builder, m: nn.MaxPool2d, x: str) -> str:
    _require(not m.ceil_mode and not m.return_indices, "max pooling with ceil_mode or return_indices")
    stride = _pair(m.kernel_size if m.stride is None else m.stride)
    return b.add(MaxPool2d(_pair(m.kernel_size), stride, _padding(m), _pair(m.dilation)), x)


def _avg_pool(b: Builder, m: nn.AvgPool2d, x: str) -> str:
    padded = any(_pair(m.padding))
    _require(not m.ceil_mode and m.divisor_override is None, "average pooling with ceil_mode or divisor_override")
    _require(m.count_include_pad or not padded, "average pooling that leaves padding out of the mean")
    stride = _pair(m.kernel_size if m.stride is None else m.stride)
    return b.add(AvgPool2d(_pair(m.kernel_size), stride, _padding(m)), x)


def _global(b: Builder, m: Any, x: str) -> str:
    _require(m.output_size in (1, (1, 1)), f"adaptive pooling to {m.output_size} (only to 1)")
    size = b.types[x].shape[:2]
    pool = MaxPool2d if isinstance(m, nn.AdaptiveMaxPool2d) else AvgPool2d
    return b.add(pool(_pair(size), _pair(size)), x)


def _flatten(b: Builder, x: str, start_dim: int = 0, end_dim: int = -1) -> str:
    _require((start_dim, end_dim) == (1, -1), f"flatten from axis {start_dim} to {end_dim} (only 1 to -1)")
    shape = b.types[x].shape
    if len(shape) == 1:
        return x
    return b.add(Flatten(channels_first=shape[0] * shape[1] > 1 and shape[2] > 1), x)


def _cat(b: Builder, parts: list[str], dim: int = 0) -> str:
    _require(dim in (1, -3) or len(b.types[parts[0]].shape) == 1, f"concatenation along axis {dim} (only channels)")
    return b.add(Concat(), *parts)


def _sum(b: Builder, x: Any, y: Any) -> str:
    if isinstance(x, str) and isinstance(y, str):
        return b.add(Add(), x, y)
    tensor, number = (x, y) if isinstance(x, str) else (y, x)
    return b.add(Affine(bias=Constant(FLOAT64, np.array([float(number)]))), tensor)


def _product(b: Builder, x: Any, y: Any) -> str:
    if isinstance(x, str) and isinstance(y, str):
        return b.add(Multiply(), x, y)
    tensor, number = (x, y) if isinstance(x, str) else (y, x)
    return b.add(Affine(scale=Constant(FLOAT64, np.array([float(number)]))), tensor)


def _same(b: Builder, *arguments: Any) -> str:
    return str(arguments[-1])


MODULES: dict[type[nn.Module], Callable[..., str]] = {
    nn.Conv2d: _conv,
    nn.Linear: _linear,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.ReLU: lambda b, m, x: b.add(Relu(), x),
    nn.Sigmoid: lambda b, m, x: b.add(Sigmoid(), x),
    nn.PReLU: lambda b, m, x: b.add(Prelu(parameter(m.weight)), x),
    nn.Hardtanh: lambda b, m, x: b.add(Clip(float(m.min_val), float(m.max_val)), x),
    nn.MaxPool2d: _max_pool,
    nn.AvgPool2d: _avg_pool,
    nn.AdaptiveAvgPool2d: _global,
    nn.AdaptiveMaxPool2d: _global,
    nn.Flatten: lambda b, m, x: _flatten(b, x, m.start_dim, m.end_dim),
    nn.ChannelShuffle: lambda b, m, x: b.add(ChannelShuffle(m.groups), x),
    nn.Identity: _same,
    nn.Dropout: _same,
    nn.Dropout2d: _same,
}

FUNCTIONS: dict[Any, Callable[..., str]] = {
    operator.add: _sum,
    torch.add: _sum,
    operator.mul: _product,
    torch.mul: _product,
    torch.cat: _cat,
    torch.flatten: _flatten,
    torch.Tensor.flatten: _flatten,
    torch.relu: lambda b, x: b.add(Relu(), x),
    nn.functional.relu: lambda b, x, inplace=False: b.add(Relu(), x),
    torch.sigmoid: lambda b, x: b.add(Sigmoid(), x),
    torch.abs: lambda b, x: b.add(Abs(), x),
    torch.Tensor.abs: lambda b, x: b.add(Abs(), x),
}
