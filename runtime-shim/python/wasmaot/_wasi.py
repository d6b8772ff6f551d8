"""What instances get of WASI."""

from __future__ import annotations

import os
from typing import Mapping, Optional, Sequence, Union

from ._errors import check
from ._library import ffi, runtime

Path = Union[str, "os.PathLike[str]"]


class Wasi:
    """What instances get of WASI: nothing that is not given here. One context serves any number of instances.

    `stdin` is what they read from standard input. `capture` is how many bytes of each of their outputs are collected, for
    `Instance.stdout` and `stderr`. Beyond that, the program learns that no space is left, and the host by
    `Instance.stdout_overflowed` and `stderr_overflowed`.
    """

    def __init__(
        self,
        args: Sequence[str] = (),
        env: Mapping[str, str] = {},
        stdin: Optional[bytes] = None,
        capture: Optional[int] = None,
        inherit_stdio: bool = False,
    ) -> None:
        self._pointer = ffi.gc(runtime.wasmaot_wasi_new(), runtime.wasmaot_wasi_delete)
        for arg in args:
            check(runtime.wasmaot_wasi_arg(self._pointer, os.fsencode(arg)))
        for name, value in env.items():
            check(runtime.wasmaot_wasi_env(self._pointer, os.fsencode(name), os.fsencode(value)))
        if inherit_stdio:
            check(runtime.wasmaot_wasi_inherit_stdio(self._pointer))
        if stdin is not None:
            check(runtime.wasmaot_wasi_stdin_bytes(self._pointer, stdin, len(stdin)))
        if capture is not None:
            for stream in (1, 2):
                check(runtime.wasmaot_wasi_capture(self._pointer, stream, capture))

    def inherit_env(self) -> None:
        """Gives all variables of this process's environment."""
        check(runtime.wasmaot_wasi_inherit_env(self._pointer))

    def stream(self, number: int, fd: int) -> None:
        """Gives a duplicate of a descriptor as standard stream 0, 1 or 2."""
        check(runtime.wasmaot_wasi_stream(self._pointer, number, fd))

    def preopen(self, host_path: Path, guest_path: str, *, read_only: bool = False) -> None:
        """Gives a directory and all beneath it under a name."""
        give = runtime.wasmaot_wasi_preopen_read_only if read_only else runtime.wasmaot_wasi_preopen
        check(give(self._pointer, os.fsencode(host_path), guest_path.encode()))

    def listener(self, fd: int) -> None:
        """Gives a duplicate of a listening socket."""
        check(runtime.wasmaot_wasi_listener(self._pointer, fd))

    def listen(self, address: str) -> int:
        """Listens at a TCP address such as "127.0.0.1:0", gives the socket, and returns its port."""
        port = ffi.new("uint16_t *")
        check(runtime.wasmaot_wasi_listen(self._pointer, address.encode(), port))
        return int(port[0])

    def max_descriptors(self, count: int) -> None:
        """Limits the descriptors that an instance may have open."""
        check(runtime.wasmaot_wasi_max_descriptors(self._pointer, count))

    def max_transfer(self, count: int) -> None:
        """Limits the bytes that one call transfers."""
        check(runtime.wasmaot_wasi_max_transfer(self._pointer, count))
