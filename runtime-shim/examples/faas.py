"""A host that serves every request, a line of its input, from a fresh instance.

    wasmaot compile runtime-shim/examples/faas.wat -o faas.so
    packaging/wheel.sh target/wheel && pip install target/wheel/wasmaot-*.whl
    printf '27\\nx\\n0\\n97\\n' | python3 runtime-shim/examples/faas.py faas.so
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import wasmaot


@dataclass
class Request:
    """What host functions know of the request."""

    peak: int = 0


def peak(caller: wasmaot.Caller, value: int) -> None:
    caller.data.peak = value


def answer(instance: wasmaot.Instance, line: str) -> str:
    """Writes the request into the guest, lets it work, and reads its answer."""
    request = line.encode()
    instance.write(0, request)
    address, length = instance.call("handle", len(request))
    return instance.read(address, length).decode()


def main() -> None:
    linker = wasmaot.Linker()
    linker.func("faas", "peak", [wasmaot.I64], [], peak)
    linked = linker.link(wasmaot.Module.open(sys.argv[1]))
    pool = wasmaot.Pool(slots=16, stack=256 << 10, memory=1 << 20)
    for line in sys.stdin.read().splitlines():
        request = Request()
        with pool.start(linked, data=request, deadline=1.0) as instance:
            try:
                print(f"{line}: {answer(instance, line)}, peak {request.peak}")
            except wasmaot.Trap as trap:
                print(f"{line}: {str(trap).splitlines()[0]} in {trap.frames[0].name}")
        print(f"  used {instance.usage.memory} bytes of memory")


if __name__ == "__main__":
    main()
