"""Types and values: WebAssembly's, and what they are in Python."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Sequence, Union

from ._errors import UsageError
from ._library import ffi


class Type(enum.IntEnum):
    """The type of a value."""

    #: An `int`, signed or unsigned; results are signed.
    I32 = 1
    #: An `int`, as I32.
    I64 = 2
    #: A `float`.
    F32 = 3
    #: A `float`.
    F64 = 4
    #: 16 `bytes`, as they lie in memory.
    V128 = 5
    #: A `FuncRef`, or `None` for null.
    FUNCREF = 6
    #: An `int` below 2**32 - 1 by which the host knows something of its own, or `None` for null.
    EXTERNREF = 7
    #: An `ExnRef`, or `None` for null.
    EXNREF = 8


I32, I64, F32, F64, V128 = Type.I32, Type.I64, Type.F32, Type.F64, Type.V128
FUNCREF, EXTERNREF, EXNREF = Type.FUNCREF, Type.EXTERNREF, Type.EXNREF


@dataclass(frozen=True)
class FuncRef:
    """A function of an instance, which no other instance takes."""

    instance: int
    index: int


@dataclass(frozen=True)
class ExnRef:
    """An exception that an instance has caught, which no other instance takes. It does not keep the exception."""

    instance: int
    index: int


#: A value.
Value = Union[int, float, bytes, FuncRef, ExnRef, None]

_NULL_EXTERNREF = 0xFFFF_FFFF


@dataclass(frozen=True)
class FuncType:
    """The type of a function."""

    params: tuple[Type, ...]
    results: tuple[Type, ...]

    def __str__(self) -> str:
        def names(types: tuple[Type, ...]) -> str:
            return ", ".join(type.name.lower() for type in types)

        return f"({names(self.params)}) -> ({names(self.results)})"


def functype_of(given: Any) -> FuncType:
    """Reads a type of the library's."""
    params = tuple(Type(given.params[index]) for index in range(given.params_count))
    results = tuple(Type(given.results[index]) for index in range(given.results_count))
    return FuncType(params, results)


def _integer(value: Value, bits: int) -> int:
    if not isinstance(value, int):
        raise TypeError(f"expected an int for i{bits}, found {type(value).__name__}")
    if not -(1 << (bits - 1)) <= value < 1 << bits:
        raise OverflowError(f"{value} does not fit i{bits}")
    return (value + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1))


def _set(into: Any, kind: Type, value: Value) -> None:
    into.type = int(kind)
    of = into.of
    if kind is Type.I32:
        of.i32 = _integer(value, 32)
    elif kind is Type.I64:
        of.i64 = _integer(value, 64)
    elif kind is Type.F32 or kind is Type.F64:
        if not isinstance(value, (int, float)):
            raise TypeError(f"expected a float, found {type(value).__name__}")
        if kind is Type.F32:
            of.f32 = value
        else:
            of.f64 = value
    elif kind is Type.V128:
        if not isinstance(value, bytes) or len(value) != 16:
            raise TypeError("expected 16 bytes for v128")
        ffi.memmove(of.v128, value, 16)
    elif kind is Type.FUNCREF:
        if not (value is None or isinstance(value, FuncRef)):
            raise TypeError(f"expected a FuncRef or None, found {type(value).__name__}")
        of.funcref.instance = value.instance if value else 0
        of.funcref.index = value.index if value else 0
    elif kind is Type.EXTERNREF:
        if not (value is None or isinstance(value, int)):
            raise TypeError(f"expected an int or None, found {type(value).__name__}")
        if value is not None and not 0 <= value < _NULL_EXTERNREF:
            raise OverflowError(f"{value} is no number of an external reference")
        of.externref = _NULL_EXTERNREF if value is None else value
    else:
        if not (value is None or isinstance(value, ExnRef)):
            raise TypeError(f"expected an ExnRef or None, found {type(value).__name__}")
        of.exnref.instance = value.instance if value else 0
        of.exnref.index = value.index if value else 0


def value_of(given: Any) -> Value:
    """Reads a value of the library's."""
    kind, of = given.type, given.of
    if kind == Type.I32:
        return int(of.i32)
    if kind == Type.I64:
        return int(of.i64)
    if kind == Type.F32:
        return float(of.f32)
    if kind == Type.F64:
        return float(of.f64)
    if kind == Type.V128:
        return bytes(ffi.buffer(of.v128))
    if kind == Type.FUNCREF:
        reference = of.funcref
        return FuncRef(reference.instance, reference.index) if reference.instance else None
    if kind == Type.EXNREF:
        exception = of.exnref
        return ExnRef(exception.instance, exception.index) if exception.instance else None
    return None if of.externref == _NULL_EXTERNREF else int(of.externref)


def one_value(kind: Type, value: Value) -> Any:
    """Makes a value for the library."""
    made = ffi.new("wasmaot_value_t *")
    _set(made, kind, value)
    return made


def set_values(into: Any, kinds: Sequence[Type], values: Sequence[Value], what: str) -> None:
    """Writes values for the library."""
    if len(values) != len(kinds):
        raise UsageError(f"expected {len(kinds)} {what}, found {len(values)}")
    for index, (kind, value) in enumerate(zip(kinds, values)):
        _set(into[index], kind, value)


def values_of(given: Any, count: int) -> tuple[Value, ...]:
    """Reads values of the library's."""
    return tuple(value_of(given[index]) for index in range(count))


def results_of(values: tuple[Value, ...]) -> Any:
    """What a call gives: nothing, a value, or several."""
    if len(values) == 1:
        return values[0]
    return values or None


def results_from(returned: Any, count: int) -> tuple[Value, ...]:
    """What a host function returned, as the values that it stands for."""
    if count == 0:
        if returned is not None:
            raise TypeError("the function has no results, and returned one")
        return ()
    if count == 1 and not isinstance(returned, tuple):
        return (returned,)
    if not isinstance(returned, tuple):
        raise TypeError(f"the function has {count} results, and returned no tuple")
    return returned


