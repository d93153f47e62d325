"""Executes a model as the standard says: the meaning that a `Graph` made from it is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from neurobin.errors import FormatError, UnsupportedError
from neurobin.frontend.limits import DEFAULT, Limits, Spent
from neurobin.frontend.onnx.kinds import stated
from neurobin.frontend.onnx.model import Call, Model, cut
from neurobin.frontend.onnx.operators import Frame, Operator, table
from neurobin.frontend.onnx.signature import signature
from neurobin.ir.container import short

CALL = 2**13  # elements in the time of one call, however small its tensors, and of what follows from it
# What numpy raises where shapes and numbers do not fit and no operator here has looked. Anything else is a fault of ours.
_REFUSALS = (ValueError, TypeError, IndexError, ArithmeticError)


def evaluate(model: Model, inputs: Mapping[str, np.ndarray], limits: Limits = DEFAULT) -> dict[str, np.ndarray]:
    """Every tensor of the model by name, its inputs and constants included, that is still needed: the outputs.

    Raises FormatError for inputs that do not fit and for calls that cannot be, UnsupportedError for unknown operators.
    """
    values = dict(model.constants) | _checked(model, inputs)
    last = {name: index for index, call in enumerate(model.calls) for name in call.inputs}
    kept, spent = set(model.outputs), Spent(held=sum(array.nbytes for array in values.values()))
    for index, call in enumerate(model.calls):
        made = execute(call, values, limits, spent)
        values |= made
        for name in {name for name in (*call.inputs, *made) if last.get(name, -1) <= index} - kept:
            spent.held -= values.pop(name).nbytes if name in values else 0
    return {name: values[name] for name in model.outputs}


def _checked(model: Model, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inputs as arrays of the types and shapes the model states; sizes stated by symbol may be any, but the same."""
    found: dict[str, np.ndarray] = {}
    symbols: dict[str, int] = {}
    for port in model.ports:
        where = f"input {short(port.name)}"
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


def execute(
    call: Call, values: Mapping[str, np.ndarray], limits: Limits = DEFAULT, spent: Spent | None = None
) -> dict[str, np.ndarray]:
    """The tensors one call makes, by name; `spent` grows by them. Raises FormatError or UnsupportedError naming the call."""
    operands = [values[name] if name else None for name in call.inputs]
    results = execute_on(call, operands, limits, spent)
    made = {name: array for name, array in zip(call.outputs, results, strict=False) if name}
    if spent is not None:
        spent.held += sum(array.nbytes for array in made.values())
    return made


def execute_on(
    call: Call, operands: Sequence[np.ndarray | None], limits: Limits = DEFAULT, spent: Spent | None = None
) -> tuple[np.ndarray, ...]:
    """The results of one call for arrays in the order of its inputs. Raises FormatError or UnsupportedError naming it.

    Numbers overflow, and are NaN, as IEEE 754 has it, and nobody is warned: that is what the operators are defined to do.
    """
    operator = operator_of(call)
    check_types(call, [None if operand is None else operand.dtype for operand in operands])
    frame = Frame(call, limits, spent or Spent())
    frame.work(CALL + sum(operand.size for operand in operands if operand is not None))
    try:
        with np.errstate(all="ignore"):
            result = operator(frame, *operands)
    except _REFUSALS as error:
        shapes = ", ".join(str(list(operand.shape)) for operand in operands if operand is not None)
        raise call.refuse(f"cannot be computed for shapes {shapes}: {error}") from None
    except MemoryError:
        raise call.refuse("needs more memory than there is") from None
    results = result if isinstance(result, tuple) else (result,)
    if len(results) < len(call.outputs):
        raise UnsupportedError(f"makes {len(results)} of the {len(call.outputs)} tensors asked for", where=call.where)
    _check_results(call, [result.dtype for result in results])
    return results


def operator_of(call: Call) -> Operator:
    """What the call's operator computes. Raises UnsupportedError for one that is not known, here or in the model's opset."""
    operator = table().get((call.domain, call.op))
    if operator is None or signature(call.domain, call.op, call.version) is None:
        of = f" of {cut(call.domain, 40)}" if call.domain else f" in opset {call.version}" if operator else ""
        raise UnsupportedError(f"no meaning for operator {cut(call.op, 40)}{of}", where=call.where)
    return operator


def check_types(call: Call, kinds: Sequence[np.dtype | None]) -> None:
    """Raises FormatError unless every operand's type is allowed in its place, and those that must be are of one type.

    None stands for an operand that is left out, or whose type is not known.
    """
    known = signature(call.domain, call.op, call.version)
    if known is None or not known.types:
        return
    kin: dict[str, np.dtype] = {}
    for index, kind in enumerate(kinds):
        if kind is None:
            continue
        place = min(index, len(known.types) - 1)
        if stated(kind) not in known.types[place]:
            raise call.refuse(f"input {index} is {kind.name}, which {call.op} does not take")
        if kin.setdefault(known.kin[place], kind) != kind:
            raise call.refuse(f"input {index} is {kind.name}, beside one of {kin[known.kin[place]].name}")


def _check_results(call: Call, kinds: Sequence[np.dtype]) -> None:
    """Raises FormatError for a result of a type that the operator does not make in the model's opset."""
    known = signature(call.domain, call.op, call.version)
    for kind, allowed in zip(kinds, known.results if known else (), strict=False):
        if stated(kind) not in allowed:
            raise call.refuse(f"makes {kind.name}, which {call.op} of opset {call.version} does not")
