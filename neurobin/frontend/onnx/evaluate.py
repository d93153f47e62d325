"""Executes a model as the standard says: the meaning that a `Graph` made from it is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from neurobin.errors import FormatError, UnsupportedError
from neurobin.frontend.limits import DEFAULT, Limits
from neurobin.frontend.onnx.model import Call, Model
from neurobin.frontend.onnx.operators import Frame, table
from neurobin.frontend.onnx.signature import signature

_TYPES = {
    "float32": "float", "float64": "double", "bool": "bool", "float16": "float16",
    **{f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip


def evaluate(model: Model, inputs: Mapping[str, np.ndarray], limits: Limits = DEFAULT) -> dict[str, np.ndarray]:
    """Every tensor of the model by name, its inputs and constants included, that is still needed: the outputs.

    Raises FormatError for inputs that do not fit and for calls that cannot be, UnsupportedError for unknown operators.
    """
    values = dict(model.constants) | _checked(model, inputs)
    last = {name: index for index, call in enumerate(model.calls) for name in call.inputs}
    for index, call in enumerate(model.calls):
        values |= execute(call, values, limits)
        for name in set(call.inputs):
            if last.get(name) == index and name not in model.outputs:
                values.pop(name, None)
    return {name: values[name] for name in model.outputs}


def _checked(model: Model, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inputs as arrays of the types and shapes the model states; sizes stated by symbol may be any, but the same."""
    found: dict[str, np.ndarray] = {}
    symbols: dict[str, int] = {}
    for port in model.ports:
        where = f"input {port.name!r}"
        if port.name not in inputs:
            raise FormatError("is missing", where=where)
        value = np.asarray(inputs[port.name])
        if value.dtype != port.kind:
            raise FormatError(f"has type {value.dtype}, expected {port.kind}", where=where)
        for axis, size in enumerate(port.shape or ()):
            wanted = symbols.setdefault(size, value.shape[axis]) if isinstance(size, str) and axis < value.ndim else size
            if axis >= value.ndim or (wanted is not None and value.shape[axis] != wanted):
                raise FormatError(f"has shape {list(value.shape)}, expected {list(port.shape or ())}", where=where)
        if port.shape is not None and len(port.shape) != value.ndim:
            raise FormatError(f"has shape {list(value.shape)}, expected {list(port.shape)}", where=where)
        found[port.name] = value
    return found


def execute(call: Call, values: Mapping[str, np.ndarray], limits: Limits = DEFAULT) -> dict[str, np.ndarray]:
    """The tensors one call makes, by name. Raises FormatError or UnsupportedError naming it."""
    results = execute_on(call, [values[name] if name else None for name in call.inputs], limits)
    return {name: array for name, array in zip(call.outputs, results, strict=False) if name}


def execute_on(call: Call, operands: Sequence[np.ndarray | None], limits: Limits = DEFAULT) -> tuple[np.ndarray, ...]:
    """The results of one call for arrays in the order of its inputs. Raises FormatError or UnsupportedError naming it."""
    operator = table().get((call.domain, call.op))
    if operator is None:
        of = f" of {call.domain}" if call.domain else ""
        raise UnsupportedError(f"no meaning for operator {call.op}{of}", where=call.where)
    _check_types(call, operands)
    result = operator(Frame(call, limits), *operands)
    results = result if isinstance(result, tuple) else (result,)
    if len(results) < len(call.outputs):
        raise UnsupportedError(f"makes {len(results)} of the {len(call.outputs)} tensors asked for", where=call.where)
    return results


def _check_types(call: Call, operands: Sequence[np.ndarray | None]) -> None:
    """Every operand is of a type the standard allows in its place, and variadic ones are of one type."""
    known = signature(call.domain, call.op, call.version)
    if known is None or not known.types:
        return
    for index, operand in enumerate(operands):
        allowed = known.types[min(index, len(known.types) - 1)]
        if operand is not None and f"tensor({_TYPES.get(operand.dtype.name, '?')})" not in allowed:
            raise call.refuse(f"input {index} is {operand.dtype.name}, which {call.op} does not take")
