"""Limits and what was used, under the names that they have in Rust."""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields
from typing import Any, Optional

from ._library import ffi


class Reset(enum.IntEnum):
    """How the memory of a slot is reset."""

    #: The slot was emptied.
    NONE = 0
    #: By copying the pages that the module usually writes; no system call.
    COPY = 1
    #: By asking the kernel which pages were written, and copying those.
    SCAN = 2
    #: By dropping all pages.
    DROP = 3


class HotSets(enum.IntEnum):
    """Which requests of a module share what is learned about the pages that it writes, see the header."""

    SHARED = 1
    PER_TENANT = 2
    FROZEN = 3


class HostSignals(enum.IntEnum):
    """What the program does with the signal masks and alternate signal stacks of threads, see the header."""

    UNCHANGED = 0
    CHECKED = 1


class Modules(enum.IntEnum):
    """Which modules a pool has instances of, see the header."""

    UNIFORM = 0
    PROVEN = 1
    MIXED = 2
    SIGNED = 3
    PROVEN_AND_SIGNED = 4


@dataclass(frozen=True)
class ModuleLimits:
    """Limits on what one module asks for. A limit of 0 is the default."""

    memories: int = 0
    tables: int = 0
    total_elements: int = 0
    globals: int = 0
    functions: int = 0
    types: int = 0
    tags: int = 0
    segments: int = 0
    written_pages: int = 0
    mappings: int = 0


@dataclass(frozen=True)
class ResourceLimits:
    """Limits of an instance. What is not given is as the pool has it."""

    #: Bytes that each of its memories may have.
    memory: int = 0
    #: Elements that each of its tables may have.
    table: int = 0
    #: Bytes of addresses that it may reserve; in a pool those of its configuration hold.
    addresses: int = 0
    #: Fuel that it may use, if its code counts (`meter`).
    fuel: int = 0
    #: Seconds from now until it is stopped.
    deadline: float = 0
    #: Seconds of CPU time that it may use.
    cpu_time: float = 0
    #: Calls of instances that a thread may have begun at a time, by host functions of each other.
    nesting: int = 0
    #: Exceptions that it keeps because its code can still reach them.
    exceptions: int = 0
    #: Growth beyond a limit traps, instead of giving the program -1.
    trap: bool = False


@dataclass(frozen=True)
class PoolConfig:
    """What a pool is to offer. A field of 0 has its default, see the header."""

    slots: int = 0
    stack: int = 0
    memory: int = 0
    table: int = 0
    reset: Reset = Reset.NONE
    hot_sets: Optional[HotSets] = None
    nesting: int = 0
    host_signals: HostSignals = HostSignals.UNCHANGED
    addresses: int = 0
    total_addresses: int = 0
    exceptions: int = 0
    modules: Modules = Modules.UNIFORM


@dataclass(frozen=True)
class PoolStats:
    """Gauges and event counters of a pool at one moment, see the header."""

    slots: int
    in_use: int
    free: int
    started: int
    exhausted: int
    made: int
    copied: int
    scanned: int
    dropped: int
    failed: int
    removed: int
    moved: int


@dataclass(frozen=True)
class Usage:
    """What a finished instance used."""

    #: Bytes of all its memories in the end, which is their peak.
    memory: int
    #: WebAssembly instructions that it executed, if its code counts them.
    operators: Optional[int]
    #: Fuel that it used, if its code counts instructions.
    fuel: Optional[int]
    #: Its calls of host functions, those of WASI included.
    host_calls: int
    #: Bytes that functions of WASI read.
    bytes_read: int
    #: Bytes that functions of WASI wrote.
    bytes_written: int
    #: How its slot was reset.
    reset: Reset


NOT_COUNTED = (1 << 64) - 1
FOREVER = (1 << 64) - 1


def nanoseconds(seconds: Optional[float]) -> int:
    """A time for the library; that of `None` never comes."""
    return FOREVER if seconds is None else min(round(seconds * 1e9), FOREVER - 1)


def counted(number: int) -> Optional[int]:
    """A number, or `None` where nothing counts."""
    return None if number == NOT_COUNTED else number


def structure(name: str, values: Any) -> Any:
    """Makes a structure of the library's of a dataclass whose fields have the same names."""
    made = ffi.new(f"{name} *")
    for field in fields(values):
        value = getattr(values, field.name)
        if isinstance(value, float) or field.name in ("deadline", "cpu_time"):
            value = nanoseconds(value)
        setattr(made, field.name, int(value or 0))
    return made
