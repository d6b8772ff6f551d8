#!/usr/bin/env python3
"""Compile bombs: small modules that may cost a compiler much, and what they cost one.

    bombs.py write NAME ARGUMENT... > out.wasm
    bombs.py measure [--only WORD] NAME=COMMAND...

`measure` compiles each module of the list below with each command, in which `{in}` and `{out}` stand for
files, and prints a table: seconds of processor time, peak of resident memory in MiB, size of the output.

    bombs.py measure 'wasmtime=wasmtime compile {in} -o {out}' 'wasmaot=wasmaot compile --quiet {in} -o {out}'
"""
import os
import resource
import shlex
import signal
import subprocess
import sys
import tempfile

TIMEOUT = 120
I32 = 0x7F
MAGIC = b"\0asm\1\0\0\0"


def u(n):
    out = b""
    while True:
        low, n = n & 0x7F, n >> 7
        if n == 0:
            return out + bytes([low])
        out += bytes([low | 0x80])


def s(n):
    out = b""
    while True:
        low, n = n & 0x7F, n >> 7
        if (n == 0 and not low & 0x40) or (n == -1 and low & 0x40):
            return out + bytes([low])
        out += bytes([low | 0x80])


def vec(items):
    return u(len(items)) + b"".join(items)


def section(number, contents):
    return bytes([number]) + u(len(contents)) + contents


def custom(name, contents):
    return section(0, u(len(name)) + name + contents)


def body(code, locals_=b"\0"):
    code = locals_ + code + b"\x0b"
    return u(len(code)) + code


def type_(params, results):
    return b"\x60" + vec([bytes([t]) for t in params]) + vec([bytes([t]) for t in results])


def export(name, kind, index):
    return u(len(name)) + name + bytes([kind]) + u(index)


def imported(index):
    return u(1) + b"e" + u(1) + b"f" + b"\0" + u(index)


def module(**sections):
    order = {"types": 1, "imports": 2, "functions": 3, "tables": 4, "memories": 5, "tags": 13, "globals": 6,
             "exports": 7, "elems": 9, "codes": 10, "data": 11}
    return MAGIC + b"".join(section(order[name], vec(sections[name])) for name in order if name in sections)


def one_function(code, types, locals_=b"\0", **sections):
    return module(types=types, functions=[u(0)], exports=[export(b"f", 0, 0)], codes=[body(code, locals_)], **sections)


def brtab2(operands, entries, repeats):
    """Tables of branches to one label, which takes operands."""
    get = b"".join(b"\x20" + u(i) for i in range(operands))
    code = b""
    for r in range(repeats):
        other = b"".join(b"\x20" + u((i * 7 + r + 1) % operands) for i in range(operands))
        code += (b"\x02" + s(1) + other + b"\x20\0\x0d\0" + b"\x1a" * operands + get + b"\x20\0\x0e" + u(entries)
                 + b"\0" * entries + b"\0\x0b" + b"".join(b"\x21" + u(i) for i in range(operands)))
    return one_function(code, [type_([I32] * operands, []), type_([], [I32] * operands)])


def brdistinct(operands, labels, repeats):
    """Tables of branches to as many labels as entries, each of which takes operands."""
    code = (b"\x02" + s(1)) * labels
    for _ in range(repeats):
        table = b"\x20\0\x0e" + u(labels - 1) + b"".join(u(i + 1) for i in range(labels))
        code += b"\x02\x40" + b"\x20\0\x0d\0" + b"\x20\0" * operands + table + b"\x0b"
    code += b"\x20\0" * operands + b"\x0b" * labels + b"\x1a" * operands
    return one_function(code, [type_([I32], []), type_([], [I32] * operands)])


def tries(depth, calls, distinct):
    """Calls inside nested try_tables."""
    code = b"\x02\x40"
    for i in range(depth):
        code += b"\x1f\x40" + u(1) + (b"\0" + u(i) + u(i) if distinct else b"\x02" + u(i))
    code += b"\x10\0" * calls + b"\x0b" * depth + b"\x0b"
    return module(types=[type_([], [])], imports=[imported(0)], functions=[u(0)],
                  tags=[b"\0" + u(0)] * (depth if distinct else 1), exports=[export(b"g", 0, 1)], codes=[body(code)])


def calls(values, count):
    """Calls that take and return many values."""
    code = b"\x41\0" * values + b"\x10\0" * count + b"\x1a" * values
    return module(types=[type_([I32] * values, [I32] * values), type_([], [])], imports=[imported(0)],
                  functions=[u(1)], exports=[export(b"g", 0, 1)], codes=[body(code)])


def runs(count, stride):
    """Data segments of a byte, far apart."""
    pages = (count * stride + 65535) // 65536
    at = lambda i: i * stride - (1 << 32) if i * stride >= 1 << 31 else i * stride
    data = [b"\0\x41" + s(at(i)) + b"\x0b" + u(1) + b"\1" for i in range(count)]
    return one_function(b"", [type_([], [])], memories=[b"\0" + u(pages)], data=data)


def locs(count, ifs):
    """Locals that are set in one arm of an `if`."""
    code = b"".join(b"\x20\0\x04\x40\x20\0\x21" + u(1 + i % count) + b"\x0b" for i in range(ifs))
    code = b"\x03\x40" + code + b"\x20\0\x0d\0\x0b"
    return one_function(code, [type_([I32], [])], vec([u(count) + b"\x7f"]))


def loops(count, depth):
    """Locals that change in nested loops."""
    code = b"\x03\x40" * depth
    code += b"".join(b"\x20" + u(1 + i) + b"\x41\1\x6a\x21" + u(1 + i) for i in range(count))
    code += b"\x20\0\x0d\0\x0b" * depth
    return one_function(code, [type_([I32], [])], vec([u(count) + b"\x7f"]))


def back(count):
    """Branches back to one loop."""
    return one_function(b"\x03\x40" + b"\x20\0\x0d\0" * count + b"\x0b", [type_([I32], [])])


def manylocals(functions, count):
    """Functions of a few bytes that declare many locals."""
    return module(types=[type_([], [])], functions=[u(0)] * functions,
                  codes=[body(b"", vec([u(count) + b"\x7f"]))] * functions)


def params(values, functions, imports):
    """Functions with many parameters, defined and imported."""
    return module(types=[type_([I32] * values, [])], imports=[imported(0)] * imports,
                  functions=[u(0)] * functions, codes=[body(b"")] * functions)


def types(count, values):
    """Many types, all different."""
    kinds = [0x7F, 0x7E, 0x7D, 0x7C]
    digits = lambda i: [kinds[i >> 2 * k & 3] for k in range(12)]
    return module(types=[type_(digits(i) + [I32] * values, []) for i in range(count)])


def globals_(count):
    """Globals, each of which is initialised by twice the one before."""
    first = b"\x7f\0\x41\1\x0b"
    return module(globals=[first] + [b"\x7f\0\x23" + u(i) + b"\x23" + u(i) + b"\x6a\x0b" for i in range(count)])


def exports(count):
    """Functions, each of which has an export and no name."""
    return module(types=[type_([], [])], functions=[u(0)] * count,
                  exports=[export(b"%d" % i, 0, i) for i in range(count)], codes=[body(b"")] * count)


def names(count):
    """Functions that all have the same name."""
    tiny = module(types=[type_([], [])], functions=[u(0)] * count, codes=[body(b"")] * count)
    function_names = vec([u(i) + u(1) + b"a" for i in range(count)])
    return tiny + custom(b"name", section(1, function_names))


def imports(count):
    """Imported functions, all called."""
    code = b"".join(b"\x10" + u(i) for i in range(count))
    return module(types=[type_([], [])], imports=[imported(0)] * count, functions=[u(0)], codes=[body(code)])


def deep(depth, repeats):
    """Blocks inside each other, with branches out of all of them."""
    code = b"\x02\x40" * depth
    code += b"".join(b"\x20\0\x0d" + u(i % depth) for i in range(repeats)) + b"\x0b" * depth
    return one_function(code, [type_([I32], [])])


def wide(values, count):
    """Blocks that take and return many values."""
    code = b"\x41\0" * values + (b"\x03" + s(0) + b"\x0b") * count + b"\x1a" * values
    return module(types=[type_([I32] * values, [I32] * values), type_([], [])], functions=[u(1)],
                  exports=[export(b"f", 0, 0)], codes=[body(code)])


def constexpr(operators):
    """One long constant expression."""
    code = b"\x41\1" + b"\x41\1\x6a" * operators + b"\x0b"
    return module(globals=[b"\x7f\0" + code])


def elems(count):
    """Null references, each of which is a constant expression."""
    items = u(5) + b"\x70" + vec([b"\xd0\x70\x0b"] * count)
    return module(elems=[items])


def customs(count, size):
    """Custom sections."""
    return MAGIC + custom(b"x", b"\0" * size) * count


def segments(count):
    """Passive data segments of a byte."""
    data = [b"\1" + u(1) + b"x"] * count
    return one_function(b"", [type_([], [])], memories=[b"\0\1"], data=data)


def tables(count, elements):
    """Tables of functions of which one element is set."""
    elems = [b"\2" + u(i) + b"\x41\0\x0b\0" + vec([u(0)]) for i in range(count)]
    return one_function(b"", [type_([], [])], tables=[b"\x70\0" + u(elements)] * count, elems=elems)


MODULES = {f.__name__.rstrip("_"): f for f in [
    brtab2, brdistinct, tries, calls, runs, locs, loops, back, manylocals, params, types, globals_, exports, names, imports,
    deep, wide, constexpr, elems, customs, segments, tables]}

LIST = [
    "brtab2 500 20000 1", "brtab2 500 5000 1", "brdistinct 300 100 20", "tries 200 2000 0", "tries 200 2000 1",
    "tries 1000 5000 1", "tries 20000 20000 0", "calls 1000 1000", "calls 1000 20000", "runs 17000 61440", "runs 30000 69632",
    "locs 5000 10000", "locs 5000 50000", "loops 1000 1000", "loops 5000 5000", "back 200000", "manylocals 20000 5000",
    "params 1000 1000 0", "params 1000 0 900", "params 1000 50000 0", "types 100000 10", "globals 25", "globals 100000",
    "exports 50000", "names 50000", "imports 50000", "deep 10000 100000", "wide 1000 1000", "wide 1000 20000",
    "constexpr 1000000", "elems 1000000", "customs 100 1000000", "segments 100000", "tables 100 10000000",
]


def write(words):
    return MODULES[words[0]](*map(int, words[1:]))


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))


def run(command):
    """Processor seconds, MiB, and how it ended."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=limit)
    signal.signal(signal.SIGALRM, lambda *_: process.kill())
    signal.alarm(TIMEOUT)
    errors = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    signal.alarm(0)
    process.returncode = status
    words = [line.strip() for line in errors.splitlines() if line.strip()]
    end = "ok" if status == 0 else "; ".join(words[-2:])[:160] or f"status {status:#x}"
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, end


def measure(words):
    only = words[1] if words[0] == "--only" else ""
    commands = [word.split("=", 1) for word in words[2 if only else 0:]]
    for spec in LIST:
        if only not in spec:
            continue
        with tempfile.TemporaryDirectory() as place:
            source, out = os.path.join(place, "in.wasm"), os.path.join(place, "out")
            with open(source, "wb") as file:
                file.write(write(spec.split()))
            cells = [f"`{spec}` | {os.path.getsize(source):,}"]
            for _, command in commands:
                if os.path.exists(out):
                    os.remove(out)
                seconds, memory, end = run(shlex.split(command.replace("{in}", source).replace("{out}", out)))
                size = os.path.getsize(out) if os.path.exists(out) else 0
                cells.append(f"{seconds:.2f} s, {memory:.0f} MiB, " + (f"{size:,} B" if end == "ok" else end))
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] == "write":
        sys.stdout.buffer.write(write(sys.argv[2:]))
    elif len(sys.argv) > 2 and sys.argv[1] == "measure":
        measure(sys.argv[2:])
    else:
        sys.exit(__doc__)
