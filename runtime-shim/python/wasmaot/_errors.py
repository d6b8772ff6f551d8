"""Errors of the library as exceptions: one class for each kind."""

from __future__ import annotations

import enum
import threading
from dataclasses import dataclass
from typing import Any, Optional

from ._library import ffi, runtime, text


class TrapCode(enum.IntEnum):
    """Why a program trapped."""

    UNREACHABLE = 1
    MEMORY_OUT_OF_BOUNDS = 2
    TABLE_OUT_OF_BOUNDS = 3
    UNDEFINED_ELEMENT = 4
    UNINITIALIZED_ELEMENT = 5
    INDIRECT_CALL_TYPE_MISMATCH = 6
    INTEGER_OVERFLOW = 7
    INTEGER_DIVIDE_BY_ZERO = 8
    INVALID_CONVERSION_TO_INTEGER = 9
    STACK_OVERFLOW = 10
    ARTIFACT_CHANGED = 11
    DEADLINE_EXCEEDED = 12
    KILLED = 13
    MEMORY_LIMIT = 14
    TABLE_LIMIT = 15
    NULL_REFERENCE = 16
    NULL_FUNCTION_REFERENCE = 17
    UNALIGNED_ATOMIC = 18
    EXPECTED_SHARED_MEMORY = 19
    NULL_EXCEPTION = 20
    EXCEPTION_LIMIT = 21
    OUT_OF_FUEL = 22
    OUT_OF_MEMORY = 23
    CPU_TIME_EXCEEDED = 24


@dataclass(frozen=True)
class Frame:
    """A function that was running when a program trapped."""

    #: Its index in the Wasm module.
    func_index: int
    #: Where in the Wasm file the operator is that trapped or called, if that is known.
    wasm_offset: Optional[int]
    #: Its name, if the artifact has one.
    name: Optional[str]
    #: The file of its source, if the module has debug information.
    file: Optional[str] = None
    #: The line in that file, counted from 1.
    line: Optional[int] = None


class Error(Exception):
    """What the library reports. Each kind of failure is a class of its own."""


class UsageError(Error):
    """Wrong use of the package: no such export, values that do not fit, a bad configuration, an instance in use."""


class OpenError(Error):
    """The file cannot be opened as a module."""


class LinkError(Error):
    """An import is missing or of another type, or a name is defined twice."""


class ExhaustedError(Error):
    """All slots of the pool are in use."""


class LimitError(Error):
    """The module asks for more than a limit allows, of the linker or the pool."""


class SystemFailure(Error):
    """The kernel refused addresses, mappings, a descriptor or a directory."""


class Trap(Error):
    """The program trapped. A host function that raises it makes its caller trap."""

    def __init__(self, code: TrapCode, message: str = "", frames: tuple[Frame, ...] = ()) -> None:
        super().__init__(message or f"wasm trap: {code.name.lower().replace('_', ' ')}")
        #: Why.
        self.code = code
        #: The functions that were running, innermost first.
        self.frames = frames


class Exit(Error):
    """The program ended itself. A host function that raises it ends its caller."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message or f"the program exited with status {status}")
        #: The status.
        self.status = status


class HostError(Error):
    """A host function failed. (What a host function in Python raised is raised again as it was.)"""


class AccessError(Error):
    """Bytes that are not in the instance's memory, or an element that is not in a table."""


class InternalError(Error):
    """A mistake in the runtime."""


class WasmException(Error):
    """The program threw an exception that nothing caught."""


_KINDS: dict[int, type[Error]] = {
    1: UsageError,
    2: OpenError,
    3: LinkError,
    4: ExhaustedError,
    5: LimitError,
    6: SystemFailure,
    9: HostError,
    10: AccessError,
    11: InternalError,
    12: WasmException,
    13: UsageError,
}
_TRAP, _EXIT = 7, 8
_NO_OFFSET = 0xFFFF_FFFF


def _frames(error: Any) -> tuple[Frame, ...]:
    count = ffi.new("size_t *")
    frames = runtime.wasmaot_error_frames(error, count)
    return tuple(
        Frame(
            frame.func_index,
            None if frame.wasm_offset == _NO_OFFSET else frame.wasm_offset,
            text(frame.name) if frame.name else None,
            text(frame.file) if frame.file else None,
            frame.line or None,
        )
        for frame in (frames[index] for index in range(count[0]))
    )


#: What host functions of the calling thread have raised last.
_raised = threading.local()


def _message(exception: BaseException) -> str:
    return f"{type(exception).__name__}: {exception}".replace("\0", "\\0")


def _taken(message: str) -> Optional[BaseException]:
    """What a host function raised that the library reports with this message."""
    exception: Optional[BaseException] = getattr(_raised, "exception", None)
    if exception is None or _message(exception) != message:
        return None
    _raised.exception = None
    return exception


def _exception_of(error: Any) -> BaseException:
    kind = int(runtime.wasmaot_error_kind(error))
    message = text(runtime.wasmaot_error_message(error))
    if kind == _TRAP:
        return Trap(TrapCode(runtime.wasmaot_error_trap(error)), message, _frames(error))
    if kind == _EXIT:
        return Exit(runtime.wasmaot_error_exit_status(error), message)
    return _taken(message) or _KINDS.get(kind, InternalError)(message)


def check(error: Any) -> None:
    """Raises an error of the library's, if there is one, which is deleted."""
    if error:
        try:
            raise _exception_of(error)
        finally:
            runtime.wasmaot_error_delete(error)


def error_of(exception: BaseException) -> Any:
    """Makes an error for the library of what a host function raised, which `check` raises again."""
    if isinstance(exception, Exit):
        return runtime.wasmaot_error_new_exit(exception.status)
    if isinstance(exception, Trap):
        return runtime.wasmaot_error_new_trap(int(exception.code))
    _raised.exception = exception
    return runtime.wasmaot_error_new(_message(exception).encode(errors="replace"))
