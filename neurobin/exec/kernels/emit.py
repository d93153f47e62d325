"""A small writer of LLVM functions: values with operators, loops as `with` blocks, pointers counted in bytes.

A kernel is one function `void kernel(ptr args, i64 images, i64 thread, i64 threads)`, or a helper it calls. `args` points
to 64-bit slots; what a kernel needs beside its shape-free code (addresses, strides, counts) is read from there, so that
layers of one structure share their machine code. Variables are stack slots, which LLVM turns into registers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

I64, PTR = "i64", "ptr"
_VECTOR = re.compile(r"<(\d+) x (\w+)>")


def vector(lanes: int, element: str) -> str:
    """The type of `lanes` elements."""
    return f"<{lanes} x {element}>"


def element_bits(kind: str) -> int:
    """Bits of an integer type, or of one element of a vector type."""
    match = _VECTOR.fullmatch(kind)
    return int((match[2] if match else kind)[1:])


def retyped(kind: str, bits: int) -> str:
    """The type with elements of another width."""
    match = _VECTOR.fullmatch(kind)
    return f"<{match[1]} x i{bits}>" if match else f"i{bits}"


@dataclass(frozen=True)
class Value:
    """A number of one function: its name in the text, its type, and the operators that write the next instruction."""

    out: Function
    text: str
    kind: str

    def _binary(self, op: str, other: Value | int) -> Value:
        right = other if isinstance(other, Value) else self.out.constant(other, self.kind)
        return self.out.emit(f"{op} {self.kind} {self.text}, {right.text}", self.kind)

    def __add__(self, other: Value | int) -> Value:
        return self._binary("add", other)

    def __sub__(self, other: Value | int) -> Value:
        return self._binary("sub", other)

    def __mul__(self, other: Value | int) -> Value:
        return self._binary("mul", other)

    def __and__(self, other: Value | int) -> Value:
        return self._binary("and", other)

    def __or__(self, other: Value | int) -> Value:
        return self._binary("or", other)

    def __xor__(self, other: Value | int) -> Value:
        return self._binary("xor", other)

    def __lshift__(self, other: Value | int) -> Value:
        return self._binary("shl", other)

    def __rshift__(self, other: Value | int) -> Value:
        """Arithmetic: floor(x / 2^n)."""
        return self._binary("ashr", other)

    def __floordiv__(self, other: Value | int) -> Value:
        """Of numbers that are not negative."""
        return self._binary("udiv", other)

    def __mod__(self, other: Value | int) -> Value:
        """Of numbers that are not negative."""
        return self._binary("urem", other)

    def logical_shift(self, other: Value | int) -> Value:
        """The bits moved down, zeros from above."""
        return self._binary("lshr", other)

    def compare(self, rule: str, other: Value | int) -> Value:
        """`rule` is one of LLVM's: eq, ne, slt, sle, sgt, sge, ult, ..."""
        right = other if isinstance(other, Value) else self.out.constant(other, self.kind)
        return self.out.emit(f"icmp {rule} {self.kind} {self.text}, {right.text}", retyped(self.kind, 1))

    def minimum(self, other: Value | int) -> Value:
        right = other if isinstance(other, Value) else self.out.constant(other, self.kind)
        return self.out.intrinsic(f"llvm.smin.{mangle(self.kind)}", self.kind, self, right)

    def maximum(self, other: Value | int) -> Value:
        right = other if isinstance(other, Value) else self.out.constant(other, self.kind)
        return self.out.intrinsic(f"llvm.smax.{mangle(self.kind)}", self.kind, self, right)

    def choose(self, yes: Value, no: Value) -> Value:
        """Element-wise `yes` where this condition holds, else `no`."""
        return self.out.emit(f"select {self.kind} {self.text}, {yes.kind} {yes.text}, {no.kind} {no.text}", yes.kind)

    def resized(self, bits: int, *, signed: bool = True) -> Value:
        """The same number in elements of `bits` bits: extended with or without sign, or cut."""
        have = element_bits(self.kind)
        if have == bits:
            return self
        op = "trunc" if bits < have else "sext" if signed else "zext"
        kind = retyped(self.kind, bits)
        return self.out.emit(f"{op} {self.kind} {self.text} to {kind}", kind)

    def cast(self, kind: str) -> Value:
        """The same bits as another type."""
        return self.out.emit(f"bitcast {self.kind} {self.text} to {kind}", kind)

    def hidden(self, letter: str = "r") -> Value:
        """The same number in the same register (its kind by assembly's letter), of which LLVM knows nothing any more."""
        text = f'call {self.kind} asm sideeffect "", "={letter},0"({self.kind} {self.text})'
        return self.out.emit(text, self.kind)

    def splat(self, lanes: int) -> Value:
        """This number in every lane."""
        kind = vector(lanes, self.kind)
        first = self.out.emit(f"insertelement {kind} poison, {self.kind} {self.text}, i64 0", kind)
        return self.out.emit(f"shufflevector {kind} {first.text}, {kind} poison, <{lanes} x i32> zeroinitializer", kind)

    def shuffled(self, order: Sequence[int], other: Value | None = None) -> Value:
        """Elements in another order; indices from the lane count on are `other`'s."""
        match = _VECTOR.fullmatch(self.kind)
        assert match is not None
        second = other.text if other is not None else "poison"
        indices = ", ".join(f"i32 {k}" for k in order)
        text = f"shufflevector {self.kind} {self.text}, {self.kind} {second}, <{len(order)} x i32> <{indices}>"
        return self.out.emit(text, vector(len(order), match[2]))

    # Pointers

    def at(self, offset: Value | int) -> Value:
        """The pointer `offset` bytes further on."""
        text = offset.text if isinstance(offset, Value) else str(offset)
        return self.out.emit(f"getelementptr i8, ptr {self.text}, i64 {text}", PTR)

    def load(self, kind: str, align: int = 1) -> Value:
        return self.out.emit(f"load {kind}, ptr {self.text}, align {align}", kind)

    def store(self, value: Value, align: int = 1) -> None:
        self.out.line(f"store {value.kind} {value.text}, ptr {self.text}, align {align}")


@dataclass(frozen=True)
class Variable:
    """A place that a loop may change."""

    place: Value
    kind: str

    def get(self) -> Value:
        return self.place.out.emit(f"load {self.kind}, ptr {self.place.text}", self.kind)

    def set(self, value: Value) -> None:
        self.place.out.line(f"store {value.kind} {value.text}, ptr {self.place.text}")


def assign(variables: Sequence[Variable], values: Sequence[Value]) -> None:
    """Sets each variable to its value."""
    for variable, value in zip(variables, values, strict=True):
        variable.set(value)


def mangle(kind: str) -> str:
    """A type as LLVM writes it in the name of an overloaded intrinsic: <16 x i32> is v16i32."""
    match = _VECTOR.fullmatch(kind)
    if match:
        return f"v{match[1]}{match[2]}"
    return "p0" if kind == PTR else kind


Lines = list["str | Lines"]


class Function:
    """One function of a module being written."""

    def __init__(self, module: Module, name: str, parameters: Sequence[tuple[str, str]]) -> None:
        self.module, self.name = module, name
        self.parameters = [Value(self, f"%{label}", kind) for kind, label in parameters]
        self.head: list[str] = []
        self.lines: Lines = []
        self._count = 0

    def line(self, text: str) -> None:
        self.lines.append(f"  {text}")

    def _name(self) -> str:
        self._count += 1
        return f"v{self._count}"

    label = _name

    def mark(self, label: str) -> None:
        """The place that branches to `label` lead to."""
        self.lines.append(f"{label}:")

    def emit(self, text: str, kind: str) -> Value:
        name = f"%{self._name()}"
        self.line(f"{name} = {text}")
        return Value(self, name, kind)

    def constant(self, number: int, kind: str = I64) -> Value:
        match = _VECTOR.fullmatch(kind)
        return Value(self, f"splat ({match[2]} {number})" if match else str(number), kind)

    def intrinsic(self, name: str, result: str, *arguments: Value | str) -> Value:
        """A call of one of LLVM's intrinsics; text arguments are immediates such as "i8 3"."""
        self.module.declare(name, result, [a.kind if isinstance(a, Value) else a.split()[0] for a in arguments])
        shown = ", ".join(f"{a.kind} {a.text}" if isinstance(a, Value) else a for a in arguments)
        if result == "void":
            self.line(f"call void @{name}({shown})")
            return Value(self, "", "void")
        return self.emit(f"call {result} @{name}({shown})", result)

    def call(self, target: Value | str, *arguments: Value) -> None:
        """A call of another function of this module (by name) or through a pointer."""
        shown = ", ".join(f"{a.kind} {a.text}" for a in arguments)
        self.line(f"call void {target.text if isinstance(target, Value) else '@' + target}({shown})")

    def variable(self, first: Value) -> Variable:
        name = f"%{self._name()}"
        self.head.append(f"  {name} = alloca {first.kind}, align 64")
        place = Variable(Value(self, name, PTR), first.kind)
        place.set(first)
        return place

    def here(self) -> Lines:
        """This place in the text, to which `earlier` can come back."""
        place: Lines = []
        self.lines.append(place)
        return place

    @contextmanager
    def earlier(self, lines: Lines) -> Iterator[None]:
        """Instructions go to a `place` made before a loop that is open now."""
        kept, self.lines = self.lines, lines
        yield
        self.lines = kept

    def memory(self, size: Value) -> Value:
        """The address of `size` bytes of this call's own, at a cache line. Not inside of a loop."""
        return self.emit(f"alloca i8, i64 {size.text}, align 64", PTR)

    @contextmanager
    def loop(self, start: Value | int, stop: Value | int, step: Value | int = 1) -> Iterator[Value]:
        """The body runs for start, start + step, ... below `stop`."""
        first = start if isinstance(start, Value) else self.constant(start)
        counter = self.variable(first)
        top, body, end = self._name(), self._name(), self._name()
        self.line(f"br label %{top}")
        self.lines.append(f"{top}:")
        index = counter.get()
        self.line(f"br i1 {index.compare('slt', stop).text}, label %{body}, label %{end}")
        self.lines.append(f"{body}:")
        yield index
        counter.set(index + step)
        self.line(f"br label %{top}")
        self.lines.append(f"{end}:")

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """The body runs where `condition` (i1) holds."""
        body, end = self._name(), self._name()
        self.line(f"br i1 {condition.text}, label %{body}, label %{end}")
        self.lines.append(f"{body}:")
        yield
        self.line(f"br label %{end}")
        self.lines.append(f"{end}:")

    def __str__(self) -> str:
        shown = ", ".join(f"{p.kind} {p.text}" for p in self.parameters)
        linkage = "" if self is self.module.functions[0] else "internal "
        return "\n".join([f"define {linkage}void @{self.name}({shown}) nounwind {{", "entry:", *self.head,
                          "  br label %begin", "begin:", *_flat(self.lines), "  ret void", "}"])  # fmt: skip


def _flat(lines: Lines) -> Iterator[str]:
    for line in lines:
        if isinstance(line, str):
            yield line
        else:
            yield from _flat(line)


class Module:
    """Functions and the intrinsics they call; `str` is the text LLVM reads."""

    def __init__(self) -> None:
        self.functions: list[Function] = []
        self._declared: dict[str, str] = {}

    def function(self, name: str, parameters: Sequence[tuple[str, str]]) -> Function:
        """A new function with (type, name) parameters. All but the first are private to the module."""
        made = Function(self, name, parameters)
        self.functions.append(made)
        return made

    def declare(self, name: str, result: str, kinds: Sequence[str]) -> None:
        self._declared[name] = f"declare {result} @{name}({', '.join(kinds)})"

    def __str__(self) -> str:
        return "\n".join([*sorted(self._declared.values()), *map(str, self.functions)]) + "\n"
