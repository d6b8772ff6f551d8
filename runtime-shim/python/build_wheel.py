"""Builds a wheel of the package with the libraries that it stands on:

    build_wheel.py LIB INCLUDE... OUTPUT

LIB is a folder with `libwasmaot.so` and, unless the wheel is to do without the compiler, `libwasmaot-compiler.so`. The INCLUDEs are folders with
their headers. The wheel is written to the folder OUTPUT, and its path printed. The same input gives the same bytes; `SOURCE_DATE_EPOCH` is the
date of the files.

Needs cffi, which turns the headers into declarations. The wheel needs cffi, too, but no C compiler.
"""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import re
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import cffi

HERE = Path(__file__).parent
LIBRARIES = ["libwasmaot.so", "libwasmaot-compiler.so"]
HEADERS = ["wasmaot.h", "wasmaot-compiler.h"]


def declarations(header: str) -> str:
    """Returns a header without comments, lines of the preprocessor and functions that it defines itself."""
    bare = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    bare = re.sub(r"^#.*\n", "", bare, flags=re.MULTILINE)
    bare = re.sub(r"^static inline .*?^}\n", "", bare, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r'^extern "C" {\n|^}\n', "", bare, flags=re.MULTILINE)


def declarations_module(includes: list[Path]) -> str:
    """Returns the Python source by which cffi knows the libraries' declarations."""
    ffi = cffi.FFI()
    for name in HEADERS:
        found = [include / name for include in includes if (include / name).exists()]
        if not found:
            sys.exit(f"{name} is in none of {', '.join(map(str, includes))}")
        ffi.cdef(declarations(found[0].read_text()))
    ffi.set_source("wasmaot._declarations", None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "_declarations.py"
        ffi.emit_python_code(str(path))
        return path.read_text()


def version() -> str:
    """Returns the version that the package states."""
    text = (HERE / "wasmaot/_library.py").read_text()
    return re.findall(r'^VERSION = "(.*)"$', text, flags=re.MULTILINE)[0]


def platform_tag(libraries: list[Path]) -> str:
    """Returns the tag of systems whose C library is new enough for the libraries."""
    needed = set()
    for library in libraries:
        needed.update(re.findall(rb"GLIBC_(\d+)\.(\d+)", library.read_bytes()))
    major, minor = max((int(major), int(minor)) for major, minor in needed)
    return f"manylinux_{major}_{minor}_{platform.machine()}"


def metadata() -> str:
    """Returns what package indices show."""
    return "\n".join(
        [
            "Metadata-Version: 2.1",
            "Name: wasmaot",
            f"Version: {version()}",
            "Summary: Runs WebAssembly modules compiled ahead of time, each request in an instance of its own",
            "Home-page: https://github.com/wasmaot/wasmaot",
            "License: Apache-2.0 WITH LLVM-exception",
            "Requires-Python: >=3.9",
            "Requires-Dist: cffi>=1.15",
            "Description-Content-Type: text/markdown",
            "",
            (HERE / "README.md").read_text(),
        ]
    )


def write(wheel: Path, files: dict[str, bytes], info: str) -> None:
    """Writes the files and the record of them."""
    record = []
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record.append(f"{name},sha256={digest},{len(data)}")
    record.append(f"{info}/RECORD,,")
    date = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", "315532800")))[:6]
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in [*files.items(), (f"{info}/RECORD", ("\n".join(record) + "\n").encode())]:
            entry = zipfile.ZipInfo(name, date)
            entry.external_attr = (0o100755 if name.endswith(".so") else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)


def build(lib: Path, includes: list[Path], output: Path) -> Path:
    """Builds the wheel, and returns its path."""
    libraries = [lib / name for name in LIBRARIES if (lib / name).exists()]
    info = f"wasmaot-{version()}.dist-info"
    tag = f"py3-none-{platform_tag(libraries)}"
    package = sorted(path for path in (HERE / "wasmaot").iterdir() if path.suffix in (".py", ".typed"))
    files = {f"wasmaot/{path.name}": path.read_bytes() for path in package}
    files["wasmaot/_declarations.py"] = declarations_module(includes).encode()
    files.update({f"wasmaot/lib/{path.name}": path.read_bytes() for path in libraries})
    files[f"{info}/METADATA"] = metadata().encode()
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: wasmaot\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    files[f"{info}/LICENSE"] = (HERE / "../../LICENSE").read_bytes()
    output.mkdir(parents=True, exist_ok=True)
    wheel = output / f"wasmaot-{version()}-{tag}.whl"
    write(wheel, files, info)
    return wheel


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    _, lib, *includes, output = sys.argv
    print(build(Path(lib), [Path(include) for include in includes], Path(output)))
