"""The libraries that the package stands on, and their declarations.

`libwasmaot.so` runs artifacts, `libwasmaot-compiler.so` makes them. They are looked for in the package, where a wheel has them; elsewhere
if `WASMAOT_LIBRARY` and `WASMAOT_COMPILER_LIBRARY` name a file; and else where the system has its libraries.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

from ._declarations import ffi

__all__ = ["compiler", "ffi", "runtime", "text", "VERSION"]

#: The version of the package, which the libraries share.
VERSION = "0.1.0"


def _open(name: str, variable: str) -> Any:
    bundled = Path(__file__).with_name("lib") / name
    path = os.environ.get(variable) or (str(bundled) if bundled.exists() else name)
    return ffi.dlopen(path)


def _checked(library: Any, version: Any, name: str) -> Any:
    found = text(version)
    if found.rsplit(".", 1)[0] != VERSION.rsplit(".", 1)[0]:
        raise ImportError(f"{name} is of version {found}, and the package of {VERSION}")
    return library


@functools.lru_cache(maxsize=None)
def compiler() -> Any:
    """Returns the compiler's library, which is loaded when it is first used."""
    library = _open("libwasmaot-compiler.so", "WASMAOT_COMPILER_LIBRARY")
    return _checked(library, library.wasmaot_compiler_version(), "libwasmaot-compiler.so")


def text(string: Any) -> str:
    """Returns a string of the library's."""
    return str(ffi.string(string).decode())


#: The runtime's library.
runtime: Any = _open("libwasmaot.so", "WASMAOT_LIBRARY")
_checked(runtime, runtime.wasmaot_version(), "libwasmaot.so")
