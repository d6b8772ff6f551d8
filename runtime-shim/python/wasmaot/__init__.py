"""Runs WebAssembly modules that wasmaot compiled ahead of time, each request in an instance of its own.

    module = Module(wasm)                       # or Module.open("app.so")
    linked = Linker().link(module)
    pool = Pool(slots=100)
    with pool.start(linked, fuel=1_000_000, deadline=0.1) as instance:
        print(instance.call("handle", 7))
    print(instance.usage)

Host functions are Python functions (`Linker.func`), WASI is `Linker.wasi` and a `Wasi` for each start. While a guest runs, other threads of Python
do. Traps are exceptions (`Trap`), and what a host function raises is raised again where the guest was called.

The runtime shares the process's signals, see wasmaot.h. A program that calls `faulthandler.enable()` does so before it opens a module, or calls
`prepare_thread` afterwards.
"""

from ._compiler import CompileError, compile
from ._errors import (
    AccessError,
    Error,
    ExhaustedError,
    Exit,
    Frame,
    HostError,
    InternalError,
    LimitError,
    LinkError,
    OpenError,
    SystemFailure,
    Trap,
    TrapCode,
    UsageError,
    WasmException,
    check as _check,
)
from ._instance import Func, Instance, Interrupt, Pool
from ._library import VERSION as __version__
from ._library import runtime as _runtime
from ._limits import (
    HostSignals,
    Modules,
    HotSets,
    ModuleLimits,
    PoolConfig,
    PoolStats,
    Reset,
    ResourceLimits,
    Usage,
)
from ._linker import Caller, Linked, Linker
from ._loader import Loader
from ._memory import SharedMemory
from ._module import Export, GlobalType, Import, MemoryType, Module, TableType, TagType
from ._values import EXNREF, EXTERNREF, F32, F64, FUNCREF, I32, I64, V128, ExnRef, FuncRef, FuncType, Type, Value
from ._wasi import Wasi

__all__ = [
    "AccessError",
    "Caller",
    "CompileError",
    "EXNREF",
    "EXTERNREF",
    "Error",
    "ExnRef",
    "ExhaustedError",
    "Exit",
    "Export",
    "F32",
    "F64",
    "FUNCREF",
    "Frame",
    "Func",
    "FuncRef",
    "FuncType",
    "GlobalType",
    "HostError",
    "HostSignals",
    "Modules",
    "HotSets",
    "I32",
    "I64",
    "Import",
    "Instance",
    "InternalError",
    "Interrupt",
    "LimitError",
    "LinkError",
    "Linked",
    "Linker",
    "Loader",
    "MemoryType",
    "Module",
    "ModuleLimits",
    "OpenError",
    "Pool",
    "PoolConfig",
    "PoolStats",
    "Reset",
    "ResourceLimits",
    "SharedMemory",
    "SystemFailure",
    "TableType",
    "TagType",
    "Trap",
    "TrapCode",
    "Type",
    "Usage",
    "UsageError",
    "V128",
    "Value",
    "Wasi",
    "WasmException",
    "__version__",
    "compile",
    "prepare_thread",
]


def prepare_thread() -> None:
    """Prepares the calling thread for calling instances, and checks the process's signal handlers, see wasmaot.h."""
    _check(_runtime.wasmaot_prepare_thread())
