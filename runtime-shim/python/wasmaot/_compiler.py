"""The compiler: WebAssembly to artifacts."""

from __future__ import annotations

from typing import Optional, Sequence, Union

from ._library import compiler, ffi, text

_OPT = {"none": 1, "speed": 2, "full": 3}


class CompileError(Exception):
    """A module that does not compile."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        #: A `wasmaot_compile_status_t` of the header: 2 malformed or invalid, 3 unsupported, 4 beyond a
        #: limit.
        self.status = status


def compile(
    module: Union[bytes, str],
    *,
    opt: str = "speed",
    meter: bool = False,
    target_cpu: Optional[str] = None,
    disabled: Sequence[str] = (),
    native_relaxed_simd: bool = False,
    jobs: int = 0,
    max_memory: int = 0,
    timeout: float = 0,
    max_function_size: int = 0,
) -> bytes:
    """Compiles a module in binary or text format, and returns the artifact.

    `opt` is "none", "speed" or "full". With `meter` the code counts the instructions it executes, for fuel and usage records. `target_cpu` is
    the minimum CPU ("x86-64", "x86-64-v2", "x86-64-v3", "native"). `disabled` names features that modules may not use. `jobs` is a
    number of threads, `max_memory` a limit in bytes, `timeout` one in seconds; 0 sets none. `max_function_size` limits the values,
    operands and branch targets of a function's intermediate code; 0 is 1,048,576. Other threads of Python go on meanwhile.
    """
    library = compiler()
    if opt not in _OPT:
        raise ValueError(f"`opt` is {opt!r}; it must be one of {', '.join(_OPT)}")
    source = module.encode() if isinstance(module, str) else module
    options = ffi.new("wasmaot_compile_options_t *")
    kept = [ffi.new("char[]", ",".join(disabled).encode())]
    options.opt = _OPT[opt]
    options.disabled = kept[0]
    if target_cpu is not None:
        kept.append(ffi.new("char[]", target_cpu.encode()))
        options.target_cpu = kept[-1]
    options.meter, options.native_relaxed_simd = meter, native_relaxed_simd
    options.jobs, options.max_memory, options.timeout = jobs, max_memory, round(timeout * 1e9)
    options.max_function_size = max_function_size
    compilation = library.wasmaot_compile(source, len(source), options)
    try:
        status = int(library.wasmaot_compilation_status(compilation))
        if status:
            raise CompileError(status, text(library.wasmaot_compilation_message(compilation)))
        length = ffi.new("size_t *")
        artifact = library.wasmaot_compilation_artifact(compilation, length)
        return bytes(ffi.buffer(artifact, length[0]))
    finally:
        library.wasmaot_compilation_delete(compilation)
