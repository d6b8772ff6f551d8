"""A host in Python: `faulthandler_host.py LIBRARY GUEST CASE`. Prints "all is well", unless its case is to crash."""

import ctypes
import faulthandler
import resource
import sys

LIBRARY, GUEST, CASE = sys.argv[1:]
UNREACHABLE = 1

resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
library = ctypes.CDLL(LIBRARY)


def declare(name, result, *arguments):
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
    return function


pointer = ctypes.c_void_p
module_open = declare("wasmaot_module_open_trusted", pointer, ctypes.c_char_p, pointer)
linker_new = declare("wasmaot_linker_new", pointer)
link = declare("wasmaot_linker_link", pointer, pointer, pointer, pointer)
pool_new = declare("wasmaot_pool_new", pointer, pointer, pointer)
pool_start = declare("wasmaot_pool_start", pointer, pointer, pointer, pointer, pointer)
call = declare(
    "wasmaot_instance_call", pointer, pointer, ctypes.c_char_p, pointer, ctypes.c_size_t, pointer, ctypes.c_size_t
)
finish = declare("wasmaot_instance_finish", pointer, pointer, pointer)
trap = declare("wasmaot_error_trap", ctypes.c_int, pointer)
prepare = declare("wasmaot_prepare_thread", pointer)


def made(function, *arguments):
    out = pointer()
    assert function(*arguments, ctypes.byref(out)) is None
    return out


def opened():
    return made(module_open, GUEST.encode())


def traps():
    instance = made(pool_start, pool, linked, None)
    error = call(instance, b"trap", None, 0, None, 0)
    assert error is not None and trap(error) == UNREACHABLE
    assert finish(instance, None) is None


if CASE in ("before", "crash, before"):
    faulthandler.enable()
linked = made(link, linker_new(), opened())
pool = made(pool_new, None)
if CASE.startswith(("after", "crash, after")):
    faulthandler.enable()
if CASE in ("after, prepared", "crash, after"):
    assert prepare() is None
elif CASE == "after, opened":
    opened()
for _ in range(3):
    traps()
if CASE.startswith("crash"):
    ctypes.string_at(8)
print("all is well")
