"""Pools and instances, and how they are called, read, limited and stopped."""

from __future__ import annotations

from dataclasses import fields
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional

from ._errors import UsageError, check
from ._library import ffi, runtime
from ._limits import (
    FOREVER,
    PoolConfig,
    PoolStats,
    Reset,
    ResourceLimits,
    Usage,
    counted,
    nanoseconds,
    structure,
)
from ._module import GlobalType, TableType
from ._values import (
    FuncRef,
    FuncType,
    Type,
    Value,
    functype_of,
    one_value,
    results_of,
    set_values,
    value_of,
    values_of,
)
from ._wasi import Wasi

if TYPE_CHECKING:
    from ._linker import Linked

#: What a call returns, which the function's type says: nothing, a value, or a tuple of several.
Results = Any

_NOT_GROWN = (1 << 64) - 1


class Func:
    """An exported function of all instances of a linked module. Made by `Linked.func`."""

    def __init__(self, pointer: Any) -> None:
        self._pointer = ffi.gc(pointer, runtime.wasmaot_func_delete)
        #: Its type.
        self.type: FuncType = functype_of(runtime.wasmaot_func_type(self._pointer))

    def call(self, instance: Instance, *args: Value) -> Results:
        """Calls it in an instance."""
        return instance._call(self.type, runtime.wasmaot_func_call, (self._pointer, instance._pointer), args)


class Exports:
    """What an instance exports, from outside and in host functions."""

    _linked: Linked
    _prefix: str

    def _place(self) -> Any:
        raise NotImplementedError

    def _do(self, name: str, *args: Any) -> None:
        check(getattr(runtime, f"wasmaot_{self._prefix}_{name}")(self._place(), *args))

    def _call(self, kind: FuncType, call: Any, first: tuple[Any, ...], args: tuple[Value, ...]) -> Results:
        given = ffi.new("wasmaot_value_t[]", len(args))
        set_values(given, kind.params, args, "argument(s)")
        count = len(kind.results)
        results = ffi.new("wasmaot_value_t[]", count)
        check(call(*first, given, len(args), results, count))
        return results_of(values_of(results, count))

    def call(self, name: str, *args: Value) -> Results:
        """Calls an exported function."""
        kind = self._linked.func(name).type
        call = getattr(runtime, f"wasmaot_{self._prefix}_call")
        return self._call(kind, call, (self._place(), name.encode()), args)

    def call_ref(self, func: FuncRef, kind: FuncType, *args: Value) -> Results:
        """Calls a function of a table or the like, which is of this type."""
        call = getattr(runtime, f"wasmaot_{self._prefix}_call_ref")
        return self._call(kind, call, (self._place(), one_value(Type.FUNCREF, func)), args)

    @property
    def memory_size(self) -> int:
        """Bytes of the memory that is exported as "memory", or else of the first one."""
        return int(getattr(runtime, f"wasmaot_{self._prefix}_memory_size")(self._place()))

    def read(self, address: int, length: int) -> bytes:
        """Copies out of that memory."""
        into = ffi.new("char[]", length)
        self._do("read", address, into, length)
        return bytes(ffi.buffer(into, length))

    def write(self, address: int, data: bytes) -> None:
        """Copies into that memory."""
        self._do("write", address, ffi.from_buffer(data), len(data))

    def view(self, address: int, length: int, *, name: str = "memory", writable: bool = False) -> memoryview:
        """Gives direct access to bytes of an exported memory. It is used while the instance exists only."""
        out = ffi.new("void **")
        self._do("memory_data", name.encode(), address, length, writable, out)
        view = memoryview(ffi.buffer(out[0], length))
        return view if writable else view.toreadonly()

    def grow(self, pages: int, *, name: str = "memory") -> Optional[int]:
        """Adds pages to an exported memory. Returns their number before, or `None` if there is no room."""
        out = ffi.new("uint64_t *")
        self._do("memory_grow", name.encode(), pages, out)
        return None if out[0] == _NOT_GROWN else int(out[0])

    def get_global(self, name: str) -> Value:
        """Returns the value of an exported global."""
        out = ffi.new("wasmaot_value_t *")
        self._do("global_get", name.encode(), out)
        return value_of(out)

    def set_global(self, name: str, value: Value) -> None:
        """Sets an exported global."""
        kind = self._linked._export(name, GlobalType).type
        self._do("global_set", name.encode(), one_value(kind, value))

    def table_size(self, name: str) -> int:
        """Returns the number of elements of an exported table."""
        out = ffi.new("uint64_t *")
        self._do("table_size", name.encode(), out)
        return int(out[0])

    def get_element(self, name: str, index: int) -> Value:
        """Returns an element of an exported table."""
        out = ffi.new("wasmaot_value_t *")
        self._do("table_get", name.encode(), index, out)
        return value_of(out)

    def set_element(self, name: str, index: int, value: Value) -> None:
        """Sets an element of an exported table."""
        kind = self._linked._export(name, TableType).element
        self._do("table_set", name.encode(), index, one_value(kind, value))

    def grow_table(self, name: str, count: int, init: Value) -> Optional[int]:
        """Adds elements to an exported table. Returns their number before, or `None` if there is no room."""
        kind = self._linked._export(name, TableType).element
        out = ffi.new("uint64_t *")
        self._do("table_grow", name.encode(), count, one_value(kind, init), out)
        return None if out[0] == _NOT_GROWN else int(out[0])


class Started:
    """What the library keeps for an instance."""

    def __init__(self, linked: Linked, data: Any) -> None:
        self.linked = linked
        self.data = data


class Interrupt:
    """Stops an instance, from any thread."""

    def __init__(self, pointer: Any) -> None:
        self._pointer = ffi.gc(pointer, runtime.wasmaot_interrupt_delete)

    def kill(self) -> None:
        """Stops what the instance runs and all that it would run later, by a trap. Does not wait."""
        runtime.wasmaot_interrupt_kill(self._pointer)


class Instance(Exports):
    """An instance of a linked module. One thread uses it at a time, any thread. `with` finishes it.

    Made by `Pool.start`. In a host function it is in use, and reached by the `Caller`.
    """

    _prefix = "instance"

    def __init__(self, pointer: Any, linked: Linked, data: Any, kept: tuple[Any, ...]) -> None:
        self._running: Any = pointer
        self._linked = linked
        self._kept = kept
        #: The host's own, as it was started with.
        self.data = data
        self._usage: Optional[Usage] = None

    @property
    def _pointer(self) -> Any:
        if self._running is None:
            raise UsageError("the instance is finished")
        return self._running

    def _place(self) -> Any:
        return self._pointer

    def __enter__(self) -> Instance:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.finish()

    def __del__(self) -> None:
        # It cannot be in use: a call of it would refer to it.
        if getattr(self, "_running", None) is not None:
            self.finish()

    def _used(self, ask: str) -> Usage:
        used = ffi.new("wasmaot_usage_t *")
        self._do(ask, used)
        return Usage(
            used.memory,
            counted(used.operators),
            counted(used.fuel),
            used.host_calls,
            used.bytes_read,
            used.bytes_written,
            Reset(used.reset),
        )

    def finish(self) -> Usage:
        """Ends it, gives its slot back, and returns what it used."""
        if self._usage is None:
            self._usage = self._used("finish")
            self._running = None
        return self._usage

    @property
    def usage(self) -> Usage:
        """What it used, or has used so far."""
        return self._usage or self._used("usage")

    @property
    def operators(self) -> Optional[int]:
        """The instructions that it has executed so far, if its code counts them."""
        return counted(runtime.wasmaot_instance_operators(self._pointer))

    def set_fuel(self, fuel: int) -> None:
        """Sets the remaining fuel."""
        self._do("set_fuel", fuel)

    def set_deadline(self, seconds: Optional[float]) -> None:
        """Stops what it runs this long from now; `None`: never."""
        self._do("set_deadline", nanoseconds(seconds))

    def set_cpu_time(self, seconds: Optional[float]) -> None:
        """Stops what it runs once it has used this much CPU time from now on; `None`: never."""
        self._do("set_cpu_time", FOREVER if seconds is None else nanoseconds(seconds))

    def interrupt(self) -> Interrupt:
        """Gives a handle by which any thread can stop it."""
        out = ffi.new("wasmaot_interrupt_t **")
        self._do("interrupt", out)
        return Interrupt(out[0])

    def set_stdin(self, data: bytes) -> None:
        """Gives it a standard input of its own, if its context has one in memory."""
        self._do("set_stdin", ffi.from_buffer(data), len(data))

    def _captured(self, stream: int) -> bytes:
        length = ffi.new("size_t *")
        start = runtime.wasmaot_instance_captured(self._pointer, stream, length)
        return bytes(ffi.buffer(start, length[0])) if start else b""

    @property
    def stdout(self) -> bytes:
        """What it has written to standard output, if that is collected."""
        return self._captured(1)

    @property
    def stderr(self) -> bytes:
        """What it has written to standard error, if that is collected."""
        return self._captured(2)

    @property
    def stdout_overflowed(self) -> bool:
        """Whether `stdout` is incomplete: it tried to write more than the limit of its context."""
        return bool(runtime.wasmaot_instance_capture_overflowed(self._pointer, 1))

    @property
    def stderr_overflowed(self) -> bool:
        """Whether `stderr` is incomplete: it tried to write more than the limit of its context."""
        return bool(runtime.wasmaot_instance_capture_overflowed(self._pointer, 2))


class Pool:
    """Slots for instances. Any number of threads may use it. The arguments are the fields of `PoolConfig`."""

    def __init__(self, config: Optional[PoolConfig] = None, **fields: Any) -> None:
        config = config or PoolConfig(**fields)
        out = ffi.new("wasmaot_pool_t **")
        check(runtime.wasmaot_pool_new(structure("wasmaot_pool_config_t", config), out))
        self._pointer = ffi.gc(out[0], runtime.wasmaot_pool_delete)

    def prepare(self, linked: Linked, slots: int, *, tenant: int = 0) -> None:
        """Makes slots ready for a module and a tenant, so that their first starts are as fast as later ones."""
        check(runtime.wasmaot_pool_prepare(self._pointer, linked._pointer, tenant, slots))

    def start(
        self,
        linked: Linked,
        *,
        data: Any = None,
        wasi: Optional[Wasi] = None,
        tenant: int = 0,
        limits: Optional[ResourceLimits] = None,
        **limit: Any,
    ) -> Instance:
        """Gives a fresh instance, its start function run.

        `data` is the host's own, for host functions. `tenant` is a number of the host's choice for whose request it is. Further arguments are the
        fields of `ResourceLimits`: `start(linked, fuel=1_000_000, deadline=0.1)`.
        """
        handle = ffi.new_handle(Started(linked, data))
        start = ffi.new("wasmaot_start_t *")
        start.data, start.tenant = handle, tenant
        start.wasi = wasi._pointer if wasi else ffi.NULL
        start.limits = structure("wasmaot_resource_limits_t", limits or ResourceLimits(**limit))[0]
        out = ffi.new("wasmaot_instance_t **")
        check(runtime.wasmaot_pool_start(self._pointer, linked._pointer, start, out))
        return Instance(out[0], linked, data, (handle, wasi, self))

    @property
    def stats(self) -> PoolStats:
        """Gauges and event counters at this moment."""
        stats = ffi.new("wasmaot_pool_stats_t *")
        check(runtime.wasmaot_pool_stats(self._pointer, stats))
        return PoolStats(**{field.name: getattr(stats, field.name) for field in fields(PoolStats)})


