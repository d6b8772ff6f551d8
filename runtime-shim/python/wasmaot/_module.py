"""Modules, and what they import and export."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Callable, Optional, Union

from ._compiler import compile
from ._errors import check
from ._library import ffi, runtime
from ._values import FuncType, Type, functype_of


@dataclass(frozen=True)
class MemoryType:
    """The type of a memory, its sizes in pages of `page_size` bytes."""

    min: int
    max: Optional[int]
    page_size: int = 65536
    is_64: bool = False
    is_shared: bool = False


@dataclass(frozen=True)
class TableType:
    """The type of a table, its sizes in elements."""

    min: int
    max: Optional[int]
    element: Type
    is_64: bool = False


@dataclass(frozen=True)
class GlobalType:
    """The type of a global."""

    type: Type
    is_mutable: bool


@dataclass(frozen=True)
class TagType:
    """The type of a tag of exceptions."""

    values: tuple[Type, ...]


#: The type of an import or export.
ExternType = Union[FuncType, MemoryType, TableType, GlobalType, TagType]


@dataclass(frozen=True)
class Import:
    """What a module asks for."""

    module: str
    name: str
    type: ExternType


@dataclass(frozen=True)
class Export:
    """What a module offers."""

    name: str
    type: ExternType


_NO_MAX = (1 << 64) - 1

#: Bytes of a key.
KEY_BYTES = 32


def _max(limits: Any) -> Optional[int]:
    return None if limits.max == _NO_MAX else int(limits.max)


def _extern(given: Any) -> ExternType:
    kind, of = given.kind, given.of
    if kind == runtime.WASMAOT_EXTERN_FUNC:
        return functype_of(of.func)
    if kind == runtime.WASMAOT_EXTERN_TABLE:
        table = of.table
        return TableType(table.elements.min, _max(table.elements), Type(table.type), table.is_64)
    if kind == runtime.WASMAOT_EXTERN_MEMORY:
        memory = of.memory
        pages = memory.pages
        return MemoryType(pages.min, _max(pages), memory.page_size, memory.is_64, memory.is_shared)
    if kind == runtime.WASMAOT_EXTERN_GLOBAL:
        return GlobalType(Type(getattr(of, "global").type), getattr(of, "global").is_mutable)
    return TagType(functype_of(of.func).params)


def _name(start: Any, length: int) -> str:
    return bytes(ffi.buffer(start, length)).decode()


class Module:
    """An artifact that has been checked and mapped. Any number of threads may use it.

    `open` and `from_bytes` prove that its native code obeys the sandbox, regardless of who made it. `open_trusted` and its like do not: the artifact
    is to come from wasmaot's compiler. What `Module` itself is given, it compiles.
    """

    def __init__(self, wasm: Union[bytes, str], **options: Any) -> None:
        """Compiles and loads a module in binary or text format. The options are those of `compile`."""
        self._take(runtime.wasmaot_module_from_bytes_trusted, compile(wasm, **options))

    def _take(self, load: Any, *source: Any) -> None:
        if load in (runtime.wasmaot_module_from_bytes, runtime.wasmaot_module_from_bytes_trusted):
            source = (source[0], len(source[0]))
        self._set(lambda out: load(*source, out))

    def _set(self, load: Callable[[Any], Any]) -> None:
        out = ffi.new("wasmaot_module_t **")
        check(load(out))
        self._pointer = ffi.gc(out[0], runtime.wasmaot_module_delete)

    @classmethod
    def _loaded(cls, load: Any, source: Any) -> Module:
        module = cls.__new__(cls)
        module._take(load, source)
        return module

    @classmethod
    def _opened(cls, load: Callable[[Any], Any]) -> Module:
        module = cls.__new__(cls)
        module._set(load)
        return module

    @classmethod
    def open(cls, path: Union[str, os.PathLike[str]]) -> Module:
        """Opens a private copy of an artifact, which later changes of the file do not reach, if its code is proven."""
        return cls._loaded(runtime.wasmaot_module_open, os.fsencode(path) + b"\0")

    @classmethod
    def from_bytes(cls, artifact: bytes) -> Module:
        """Opens a private copy of an artifact that is in memory, if its code is proven."""
        return cls._loaded(runtime.wasmaot_module_from_bytes, artifact)

    @property
    def is_proven(self) -> bool:
        """Whether its code was proven when it was opened."""
        return bool(runtime.wasmaot_module_is_proven(self._pointer))

    @property
    def signer(self) -> Optional[bytes]:
        """The Ed25519 public key, of those of its `Loader`, that has signed it: 32 bytes."""
        key = ffi.new("uint8_t[]", KEY_BYTES)
        return bytes(ffi.buffer(key)) if runtime.wasmaot_module_signer(self._pointer, key) else None

    @classmethod
    def open_trusted(cls, path: Union[str, os.PathLike[str]]) -> Module:
        """Opens an artifact. The file must not change while the module exists."""
        return cls._loaded(runtime.wasmaot_module_open_trusted, os.fsencode(path) + b"\0")

    @classmethod
    def open_sealed_trusted(cls, path: Union[str, os.PathLike[str]]) -> Module:
        """Opens a private copy of an artifact, which later changes of the file do not reach."""
        return cls._loaded(runtime.wasmaot_module_open_sealed_trusted, os.fsencode(path) + b"\0")

    @classmethod
    def from_bytes_trusted(cls, artifact: bytes) -> Module:
        """Opens a private copy of an artifact that is in memory."""
        return cls._loaded(runtime.wasmaot_module_from_bytes_trusted, artifact)

    @property
    def imports(self) -> list[Import]:
        """What the module asks for, in its order."""
        count = ffi.new("size_t *")
        found = runtime.wasmaot_module_imports(self._pointer, count)
        return [
            Import(
                _name(found[i].module, found[i].module_length),
                _name(found[i].name, found[i].name_length),
                _extern(found[i].type),
            )
            for i in range(count[0])
        ]

    @property
    def exports(self) -> list[Export]:
        """What the module offers, in its order."""
        count = ffi.new("size_t *")
        found = runtime.wasmaot_module_exports(self._pointer, count)
        return [
            Export(_name(found[i].name, found[i].name_length), _extern(found[i].type)) for i in range(count[0])
        ]
