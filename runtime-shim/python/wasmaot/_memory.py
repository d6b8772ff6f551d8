"""Memories that instances of several stores use at a time."""

from __future__ import annotations

from typing import Any, Optional

from ._errors import check
from ._library import ffi, runtime
from ._module import MemoryType


#: `WASMAOT_NO_MAX` and `WASMAOT_NOT_GROWN` of the header.
_NONE = (1 << 64) - 1


class SharedMemory:
    """A memory of zeros that is shared, for modules that import one (`Linker.shared_memory`).

    Instances and threads use it at the same time: reads and writes are plain copies. It lives as long as anything uses it.
    """

    def __init__(self, type: MemoryType) -> None:
        given = ffi.new("wasmaot_memorytype_t *")
        given.pages.min = type.min
        given.pages.max = _NONE if type.max is None else type.max
        given.page_size, given.is_64, given.is_shared = type.page_size, type.is_64, type.is_shared
        out = ffi.new("wasmaot_sharedmemory_t **")
        check(runtime.wasmaot_sharedmemory_new(given, out))
        self._pointer: Any = ffi.gc(out[0], runtime.wasmaot_sharedmemory_delete)
        #: Its type.
        self.type = type

    @property
    def size(self) -> int:
        """Its bytes now."""
        return int(runtime.wasmaot_sharedmemory_size(self._pointer))

    def grow(self, pages: int) -> Optional[int]:
        """Adds pages. Returns their number before, or `None` if there is no room."""
        out = ffi.new("uint64_t *")
        check(runtime.wasmaot_sharedmemory_grow(self._pointer, pages, out))
        return None if out[0] == _NONE else int(out[0])

    def read(self, address: int, length: int) -> bytes:
        """Copies out of the memory."""
        into = ffi.new("char[]", length)
        check(runtime.wasmaot_sharedmemory_read(self._pointer, address, into, length))
        return bytes(ffi.buffer(into, length))

    def write(self, address: int, data: bytes) -> None:
        """Copies into the memory."""
        check(runtime.wasmaot_sharedmemory_write(self._pointer, address, ffi.from_buffer(data), len(data)))
