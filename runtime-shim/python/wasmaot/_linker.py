"""Host functions and linking."""

from __future__ import annotations

from typing import Any, Callable, Optional, Sequence, TypeVar

from ._errors import UsageError, check, error_of
from ._instance import Exports, Func, Started
from ._library import ffi, runtime
from ._limits import ModuleLimits, structure
from ._memory import SharedMemory
from ._module import Module
from ._values import FuncType, Type, results_from, set_values, values_of

_Kind = TypeVar("_Kind")


class Caller(Exports):
    """The instance that called a host function. It is used until that returns."""

    _prefix = "caller"

    def __init__(self, pointer: Any) -> None:
        self._pointer: Any = pointer
        started: Started = ffi.from_handle(runtime.wasmaot_caller_data(pointer))
        self._linked = started.linked
        #: What the instance was started with.
        self.data = started.data

    def _place(self) -> Any:
        if self._pointer is None:
            raise UsageError("the host function has returned")
        return self._pointer

    def check_interrupt(self) -> None:
        """Raises if the instance is to be stopped. For host functions that wait or compute for long."""
        self._do("check_interrupt")


#: A host function: of its caller and its arguments. It returns nothing, a value, or a tuple of several.
HostFunction = Callable[..., Any]


class _Host:
    """A host function, as the library calls it."""

    def __init__(self, kind: FuncType, function: HostFunction) -> None:
        self.kind = kind
        self.function = function
        self.callback = ffi.callback("wasmaot_function_t", self.call)

    def call(self, _: Any, pointer: Any, args: Any, results: Any) -> Any:
        caller = Caller(pointer)
        try:
            given = values_of(args, len(self.kind.params))
            returned = results_from(self.function(caller, *given), len(self.kind.results))
            set_values(results, self.kind.results, returned, "result(s)")
            return ffi.NULL
        except BaseException as exception:
            return error_of(exception)
        finally:
            caller._pointer = None


class Linker:
    """Definitions that modules are linked with. One thread changes it at a time."""

    def __init__(self) -> None:
        self._pointer = ffi.gc(runtime.wasmaot_linker_new(), runtime.wasmaot_linker_delete)
        self._hosts: list[_Host] = []

    def func(
        self,
        module: str,
        name: str,
        params: Sequence[Type],
        results: Sequence[Type],
        function: HostFunction,
    ) -> None:
        """Defines a host function, which is called with a `Caller` and its arguments.

        What it raises ends the program that called it, and is raised again where that was called.
        """
        kind = FuncType(tuple(params), tuple(results))
        host = _Host(kind, function)
        numbers = [ffi.new("wasmaot_type_t[]", [int(one) for one in types]) for types in (kind.params, kind.results)]
        given = ffi.new("wasmaot_functype_t *")
        given.params, given.params_count = numbers[0], len(kind.params)
        given.results, given.results_count = numbers[1], len(kind.results)
        check(
            runtime.wasmaot_linker_func(
                self._pointer, module.encode(), name.encode(), given, host.callback, ffi.NULL, ffi.NULL
            )
        )
        self._hosts.append(host)

    def shared_memory(self, module: str, name: str, memory: SharedMemory) -> None:
        """Defines a shared memory, which all instances that import it use together."""
        check(runtime.wasmaot_linker_sharedmemory(self._pointer, module.encode(), name.encode(), memory._pointer))

    def wasi(self) -> None:
        """Defines the functions of WASI preview 1."""
        check(runtime.wasmaot_linker_wasi(self._pointer))

    def set_module_limits(self, limits: Optional[ModuleLimits] = None, **fields: int) -> None:
        """Sets what modules may ask for that are linked from now on. The arguments are the fields of `ModuleLimits`."""
        limits = limits or ModuleLimits(**fields)
        check(
            runtime.wasmaot_linker_set_module_limits(
                self._pointer, structure("wasmaot_module_limits_t", limits)
            )
        )

    def link(self, module: Module) -> Linked:
        """Resolves the imports of a module. Later definitions do not reach what was linked."""
        out = ffi.new("wasmaot_linked_t **")
        check(runtime.wasmaot_linker_link(self._pointer, module._pointer, out))
        return Linked(out[0], module, tuple(self._hosts))


class Linked:
    """A module with its imports resolved. Any number of threads may use it. Made by `Linker.link`."""

    def __init__(self, pointer: Any, module: Module, hosts: tuple[_Host, ...]) -> None:
        self._pointer = ffi.gc(pointer, runtime.wasmaot_linked_delete)
        self._hosts = hosts
        self._funcs: dict[str, Func] = {}
        self._exports = {export.name: export.type for export in module.exports}
        #: The module.
        self.module = module

    def _export(self, name: str, kind: type[_Kind]) -> _Kind:
        found = self._exports.get(name)
        if not isinstance(found, kind):
            raise UsageError(f"no export `{name}` of this kind")
        return found

    def func(self, name: str) -> Func:
        """Looks up an exported function."""
        func = self._funcs.get(name)
        if func is None:
            out = ffi.new("wasmaot_func_t **")
            check(runtime.wasmaot_linked_func(self._pointer, name.encode(), out))
            func = self._funcs[name] = Func(out[0])
        return func

    def freeze_hot_set(self) -> None:
        """Stores the pages that are hot now for pools with `HotSets.FROZEN`, see the header."""
        check(runtime.wasmaot_linked_freeze_hot_set(self._pointer))
